//! PEM: binary data as text, in blocks between lines that say what is in them.
//!
//! See <https://www.rfc-editor.org/rfc/rfc7468>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// What the lines around it call it.
    pub(crate) label: &'a str,
    /// Whether it begins with `Name: value` lines.
    pub(crate) has_headers: bool,
    pub(crate) contents: Vec<u8>,
}

/// The blocks of a text. What stands between them is passed over, and so are blocks that cannot be read.
pub(crate) fn blocks(text: &[u8]) -> Vec<Block<'_>> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let mut lines = text.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let label = line.strip_prefix(BEGIN).and_then(|rest| rest.trim_end().strip_suffix(DASHES));
        if let Some(label) = label
            && let Some((block, rest)) = block(label, lines.clone())
        {
            blocks.push(block);
            lines = rest;
        }
    }
    blocks
}

/// The block that goes on with these lines, and the lines behind it.
fn block<'a>(
    label: &'a str,
    mut lines: std::str::Lines<'a>,
) -> Option<(Block<'a>, std::str::Lines<'a>)> {
    let (mut base64, mut has_headers) = (String::new(), false);
    loop {
        let line = lines.next()?.trim_end();
        if let Some(end) = line.strip_prefix(END) {
            if end.strip_suffix(DASHES) != Some(label) {
                return None;
            }
            break;
        }
        if line.contains(':') {
            has_headers = true;
        } else {
            base64.push_str(line.trim());
        }
    }
    let contents = STANDARD.decode(base64).ok()?;
    Some((Block { label, has_headers, contents }, lines))
}

#[cfg(test)]
mod tests;
