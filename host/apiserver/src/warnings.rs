//! Advice that goes to the client beside the answer, as `Warning: 299` headers.
//!
//! See <https://kubernetes.io/blog/2020/09/03/warnings/> and RFC 7234, section 5.5.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{HeaderValue, WARNING};
use parking_lot::Mutex;

/// All warnings of an answer may have this many bytes in full; beyond it each is cut.
const MAX_TOTAL_BYTES: usize = 4 * 1024;
/// The length to which warnings are cut then.
const MAX_CUT_CHARS: usize = 256;

/// Warnings of one request, in order, each once.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Adds a warning unless it was given before.
    pub(crate) fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut warnings = self.0.lock();
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// Adds several.
    pub(crate) fn extend(&self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            self.add(text);
        }
    }

    /// Writes them into an answer's headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let warnings = self.0.lock();
        let cut = warnings.iter().map(String::len).sum::<usize>() > MAX_TOTAL_BYTES;
        let mut total = 0;
        for text in warnings.iter() {
            let shown: String =
                if cut { text.chars().take(MAX_CUT_CHARS).collect() } else { text.clone() };
            total += shown.len();
            if total > MAX_TOTAL_BYTES {
                return;
            }
            if let Ok(value) = HeaderValue::from_str(&header(&shown)) {
                headers.append(WARNING, value);
            }
        }
    }
}

/// `299 - "text"`; control characters cannot be in a header and become spaces.
fn header(text: &str) -> String {
    let mut value = String::with_capacity(text.len() + 10);
    value.push_str("299 - \"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                let _ = write!(value, "\\{character}");
            }
            character if character.is_control() => value.push(' '),
            character => value.push(character),
        }
    }
    value.push('"');
    value
}
