//! The parameters of a URL, with the conversions that Kubernetes applies to them.
//!
//! Values are kept in the order they were sent, since the first one counts for single values and all of them for lists. The
//! texts of the errors are what clients see.

use std::borrow::Cow;

/// The parameters of one URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Splits and decodes the part of a URL after `?`. A pair with a broken escape is left out, as Go's URL package does.
    pub(crate) fn parse(raw: &str) -> Query {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        Query(
            pairs
                .filter_map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((decode(name)?.into_owned(), decode(value)?.into_owned()))
                })
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// A boolean: every value but `false` and `0` is true, and a missing one is false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.maybe_flag(name).unwrap_or(false)
    }

    /// A boolean that may be missing.
    pub(crate) fn maybe_flag(&self, name: &str) -> Option<bool> {
        self.first(name).map(|value| !value.eq_ignore_ascii_case("false") && value != "0")
    }

    /// An integer that may be missing or empty.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(value) = self.first(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(error) => {
                let why = match std::num::ParseIntError::kind(&error) {
                    std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                        "value out of range"
                    }
                    _ => "invalid syntax",
                };
                Err(format!("strconv.ParseInt: parsing {value:?}: {why}"))
            }
        }
    }
}

/// Decodes `%xx` and `+`; nothing for a broken escape or for bytes that are no text.
fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains(['%', '+']) {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let high = (rest.next()? as char).to_digit(16)?;
                let low = (rest.next()? as char).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests;
