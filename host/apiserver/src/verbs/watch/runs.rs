//! Messages that were joined for one watcher and are what the next one sends too.
//!
//! A thousand watchers that are woken by the same changes read the same run of them, one shortly after the other. The first joins their messages;
//! as long as it is among the latest, the others send its bytes.

use bytes::{Bytes, BytesMut};
use meta::Revision;
use parking_lot::Mutex;

/// So many runs are kept: while changes go on, watchers that are woken at different moments stand at a few different places.
const KEPT: usize = 4;
/// A longer run is not kept.
const KEPT_BYTES: usize = 64 * 1024;

/// One message: the change, whose revision is its own in the whole store, and the slot of its encoding (see [`store::Event::encoded`]).
type Told = (Revision, usize);

/// The latest runs of all watches.
#[derive(Debug, Default)]
pub(crate) struct Runs([Mutex<Run>; KEPT]);

#[derive(Debug, Default)]
struct Run {
    told: Vec<Told>,
    bytes: Bytes,
}

impl Runs {
    /// The messages of a run, one after the other. They are asked for only if the run is not among the latest.
    pub(super) fn joined(&self, told: &[Told], messages: impl Iterator<Item = Bytes>) -> Bytes {
        let place = told.last().map_or(0, |(revision, _)| revision.0) % KEPT as u64;
        let Some(place) = usize::try_from(place).ok().and_then(|place| self.0.get(place)) else {
            return join(messages);
        };
        // Whoever comes while the first one joins would only do the same.
        let mut run = place.lock();
        if run.told != told {
            let bytes = join(messages);
            if bytes.len() > KEPT_BYTES {
                return bytes;
            }
            *run = Run { told: told.to_vec(), bytes };
        }
        run.bytes.clone()
    }
}

/// Messages in one piece.
pub(super) fn join(messages: impl Iterator<Item = Bytes>) -> Bytes {
    let messages: Vec<Bytes> = messages.collect();
    let mut joined = BytesMut::with_capacity(messages.iter().map(Bytes::len).sum());
    messages.iter().for_each(|message| joined.extend_from_slice(message));
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(runs: &Runs, told: &[(u64, usize)], messages: &[&'static str]) -> (Bytes, bool) {
        let told: Vec<_> =
            told.iter().map(|(revision, slot)| (Revision(*revision), *slot)).collect();
        let asked = std::cell::Cell::new(false);
        let messages = messages.iter().map(|text| {
            asked.set(true);
            Bytes::from_static(text.as_bytes())
        });
        let bytes = runs.joined(&told, messages);
        (bytes, asked.get())
    }

    #[test]
    fn a_run_is_joined_once() {
        let runs = Runs::default();
        let told = [(7, 0), (8, 1)];
        assert_eq!(joined(&runs, &told, &["a", "b"]), (Bytes::from_static(b"ab"), true));
        assert_eq!(joined(&runs, &told, &["a", "b"]), (Bytes::from_static(b"ab"), false));
    }

    #[test]
    fn another_run_to_the_same_end_is_another() {
        let runs = Runs::default();
        joined(&runs, &[(5, 0), (6, 0), (8, 0)], &["a", "b", "d"]);
        let other = joined(&runs, &[(5, 0), (7, 0), (8, 0)], &["a", "c", "d"]);
        assert_eq!(other, (Bytes::from_static(b"acd"), true));
        let form = joined(&runs, &[(5, 0), (7, 0), (8, 3)], &["a", "c", "D"]);
        assert_eq!(form, (Bytes::from_static(b"acD"), true));
    }

    #[test]
    fn a_long_run_is_not_kept() {
        let runs = Runs::default();
        let long: &'static str = "x".repeat(KEPT_BYTES).leak();
        for _ in 0..2 {
            let (bytes, asked) = joined(&runs, &[(1, 0), (2, 0)], &[long, "y"]);
            assert_eq!((bytes.len(), asked), (KEPT_BYTES + 1, true));
        }
    }
}
