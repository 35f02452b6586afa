//! The encoded object as a writer hands it over: JSON that lacks only the digits of its revision.
//!
//! The revision is known when the transaction takes its place in the order of writes. Encoding there would make all writers wait
//! for each other, so an object is encoded before, and the digits are put into the gap that was left for them.

use bytes::Bytes;
use meta::Revision;

use crate::Entry;

/// An encoded object with a gap where its revision belongs.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    bytes: Vec<u8>,
    revision_at: u32,
}

impl Body {
    /// `revision_at` is the offset at which the decimal digits of the revision are to be inserted.
    ///
    /// # Panics
    ///
    /// If the offset lies outside of the bytes, or the bytes are 4 GiB or longer.
    pub fn new(bytes: Vec<u8>, revision_at: usize) -> Self {
        assert!(revision_at <= bytes.len(), "the gap for the revision lies outside of the body");
        assert!(u32::try_from(bytes.len()).is_ok(), "a body is shorter than 4 GiB");
        let revision_at = u32::try_from(revision_at).expect("it is not greater than the length");
        Self { bytes, revision_at }
    }

    /// The length without the revision.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn revision_at(&self) -> u32 {
        self.revision_at
    }

    /// The complete object at a revision.
    pub(crate) fn complete(&self, revision: Revision) -> Bytes {
        let (before, after) = self.bytes.split_at(self.revision_at as usize);
        join(before, revision, after)
    }

    /// Whether writing this would change nothing but the revision.
    pub(crate) fn is_unchanged_from(&self, entry: &Entry) -> bool {
        let (before, after) = entry.around_revision();
        let (own_before, own_after) = self.bytes.split_at(self.revision_at as usize);
        before == own_before && after == own_after
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes, revision at {})", self.bytes.len(), self.revision_at)
    }
}

/// Joins the two sides of the gap around the digits, in one allocation of exactly the right size: stored bodies live long.
pub(crate) fn join(before: &[u8], revision: Revision, after: &[u8]) -> Bytes {
    let mut buffer = [0; DIGITS_MAX];
    let digits = digits(revision, &mut buffer);
    let mut bytes = Vec::with_capacity(before.len() + digits.len() + after.len());
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(digits);
    bytes.extend_from_slice(after);
    bytes.into()
}

/// How many characters a revision has.
pub(crate) fn digits_len(revision: Revision) -> usize {
    revision.0.checked_ilog10().map_or(1, |log| log as usize + 1)
}

const DIGITS_MAX: usize = 20;

fn digits(revision: Revision, buffer: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut rest = revision.0;
    let mut used = 0;
    for place in buffer.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).expect("a digit is less than ten");
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    buffer.split_at(DIGITS_MAX - used).1
}

#[cfg(test)]
mod tests;
