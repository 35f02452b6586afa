//! One line of a log file: time, stream, whether it is whole, text. Pure.

use std::io::Write as _;

use jiff::Timestamp;

/// A line as it is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) time: &'a [u8],
    pub(super) is_whole: bool,
    pub(super) text: &'a [u8],
}

/// Appends a line to a buffer.
pub(super) fn format(
    out: &mut Vec<u8>,
    time: Timestamp,
    stream: &str,
    is_whole: bool,
    text: &[u8],
) {
    let tag = if is_whole { 'F' } else { 'P' };
    // Writing to a vector cannot fail.
    let _ = write!(out, "{time:.9} {stream} {tag} ");
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// Reads a line without its newline; `None` if it is none of ours.
pub(super) fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let (time, _stream, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let text = parts.next()?;
    Some(Line { time, is_whole: tag == b"F", text })
}

impl Line<'_> {
    /// Whether the line is from before this moment.
    pub(super) fn is_before(&self, moment: Timestamp) -> bool {
        let time = std::str::from_utf8(self.time).ok().and_then(|text| text.parse().ok());
        time.is_some_and(|time: Timestamp| time < moment)
    }
}
