//! Which changes a watcher sees, and as what.
//!
//! First what is there already, if it was asked for; then a bookmark that says so; then every change of the range. An object that a change
//! brings into the selectors' reach is added, one that leaves it is deleted. From time to time a bookmark tells how far the watcher has
//! seen, so that it can resume there although nothing of its own changed.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use meta::{Revision, StatusError};
use store::{Entry, Event, EventKind, SnapshotError, WatchEnd};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::definition::Definition;
use crate::options::{ListOptions, Matching};
use crate::state::State;
use crate::status;
use crate::verbs::get::revision;
use crate::verbs::list::Range;

/// A bookmark comes this long before the end, so that the watcher's next watch begins close behind.
const BEFORE_END: Duration = Duration::from_secs(2);

/// What happened to an object, as the watcher sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One message to a watcher.
#[derive(Debug)]
pub(crate) enum Change {
    /// Something that was there when the watch began.
    Initial(Arc<Entry>),
    /// A change of an object.
    Object { kind: ChangeKind, event: Arc<Event> },
    /// Everything up to the revision has been told.
    Bookmark {
        revision: Revision,
        /// This one ends the initial state.
        ends_initial: bool,
    },
}

impl Change {
    /// About how long its message is, in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Change::Initial(entry) => entry.body.len(),
            Change::Object { event, .. } => event.entry.body.len(),
            Change::Bookmark { .. } => 0,
        }
    }
}

/// Why a watch ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its time is over, or the server stops.
    Quietly,
    /// The watcher is told why.
    Failed(StatusError),
}

/// The changes of a range for one watcher.
#[derive(Debug)]
pub(crate) struct Feed {
    range: Range,
    source: Source,
    initial: std::vec::IntoIter<Arc<Entry>>,
    ends_initial: Option<Revision>,
    /// Changes up to here are not told.
    after: Revision,
    bookmarks: Option<Bookmarks>,
    deadline: Instant,
    /// Until the next bookmark, or the end. It lives as long as the feed, as the next does: to make them anew for each of a thousand watchers
    /// costs more than the change that they get.
    timer: Pin<Box<Sleep>>,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Of a custom kind.
    definition: Option<Definition>,
}

#[derive(Debug)]
enum Source {
    Live(store::Watch),
    /// The watch could not begin; the watcher is told so in its first message.
    Refused(Option<StatusError>),
}

#[derive(Debug)]
struct Bookmarks {
    next: Instant,
    interval: Duration,
}

impl Feed {
    /// Begins where the options say.
    pub(crate) fn open(
        state: &State,
        range: Range,
        definition: Option<Definition>,
        options: &ListOptions,
        deadline: Instant,
    ) -> Result<Feed, StatusError> {
        let asked = revision(&options.revision).map_err(StatusError::unknown)?;
        let snapshot = state.store.snapshot();
        let now = snapshot.revision();
        let with_initial = options.initial_events == Some(true)
            && options.matching == Some(Matching::NotOlderThan);
        let bookmarks =
            options.bookmarks.then(|| Bookmarks::new(state.config.bookmark_interval, deadline));
        let first = bookmarks.as_ref().map_or(deadline, |bookmarks| bookmarks.next);
        let mut feed = Feed {
            range,
            source: Source::Refused(None),
            initial: Vec::new().into_iter(),
            ends_initial: None,
            after: Revision::ZERO,
            bookmarks,
            deadline,
            timer: Box::pin(sleep_until(first.min(deadline))),
            shutdown: Box::pin(state.shutdown.clone().cancelled_owned()),
            definition,
        };
        if feed.definition.as_ref().is_some_and(|definition| !definition.holds()) {
            return Ok(feed);
        }
        let from = if with_initial || asked == Revision::ZERO { now } else { asked };
        if with_initial {
            if asked > now {
                feed.source = Source::Refused(Some(status::too_large_resource_version(asked, now)));
                return Ok(feed);
            }
            feed.initial = initial(&snapshot, &feed.range).into_iter();
            feed.ends_initial = options.bookmarks.then_some(now);
        }
        // A watch from the future waits for it.
        feed.after = from;
        let prefix =
            feed.range.only.as_ref().map_or(feed.range.prefix.as_str(), |only| only.as_str());
        feed.source = match state.store.watch(from.min(now), prefix) {
            Ok(watch) => Source::Live(watch),
            Err(SnapshotError::Expired { oldest }) => Source::Refused(Some(too_old(from, oldest))),
            Err(error @ SnapshotError::Future { .. }) => {
                Source::Refused(Some(status::from_snapshot(&error, from)))
            }
        };
        Ok(feed)
    }

    /// The next message; waits for it. It may be dropped while it waits, and nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Change, Ended> {
        if let Some(ready) = self.initial() {
            return Ok(ready);
        }
        loop {
            let live = match &mut self.source {
                Source::Live(watch) => watch,
                Source::Refused(error) => {
                    return Err(error.take().map_or(Ended::Quietly, Ended::Failed));
                }
            };
            tokio::select! {
                // In this order: changes that never cease keep no watch open.
                biased;
                () = &mut self.shutdown => return Err(Ended::Quietly),
                () = &mut self.timer => return self.bookmark(),
                event = live.next() => {
                    if let Some(change) = seen(&self.range, self.after, event.map_err(ended)?) {
                        return Ok(change);
                    }
                }
                // Last: what happened to the objects before is told.
                () = gone(&mut self.definition) => return Err(Ended::Quietly),
            }
        }
    }

    /// The next message if it is there already.
    pub(crate) fn try_next(&mut self) -> Result<Option<Change>, Ended> {
        if let Some(ready) = self.initial() {
            return Ok(Some(ready));
        }
        let Source::Live(live) = &mut self.source else { return Ok(None) };
        loop {
            match live.try_next().map_err(ended)? {
                None => return Ok(None),
                Some(event) => {
                    if let Some(change) = seen(&self.range, self.after, event) {
                        return Ok(Some(change));
                    }
                }
            }
        }
    }

    fn initial(&mut self) -> Option<Change> {
        if let Some(entry) = self.initial.next() {
            return Some(Change::Initial(entry));
        }
        let revision = self.ends_initial.take()?;
        Some(Change::Bookmark { revision, ends_initial: true })
    }

    fn bookmark(&mut self) -> Result<Change, Ended> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(Ended::Quietly);
        }
        let (Some(bookmarks), Source::Live(live)) = (&mut self.bookmarks, &self.source) else {
            return Err(Ended::Quietly);
        };
        bookmarks.next = bookmarks.after(now, self.deadline);
        self.timer.as_mut().reset(bookmarks.next.min(self.deadline));
        Ok(Change::Bookmark { revision: live.revision().max(self.after), ends_initial: false })
    }
}

impl Bookmarks {
    fn new(interval: Duration, deadline: Instant) -> Bookmarks {
        let mut bookmarks = Bookmarks { next: deadline, interval };
        bookmarks.next = bookmarks.after(Instant::now(), deadline);
        bookmarks
    }

    /// Regularly, and once shortly before the end.
    fn after(&self, now: Instant, deadline: Instant) -> Instant {
        let last = deadline.checked_sub(BEFORE_END).filter(|last| *last > now).unwrap_or(deadline);
        (now + self.interval).min(last)
    }
}

/// Waits until the definition is no longer what it was; for ever if there is none.
async fn gone(definition: &mut Option<Definition>) {
    match definition {
        Some(definition) => definition.gone().await,
        None => std::future::pending().await,
    }
}

fn initial(snapshot: &store::Snapshot, range: &Range) -> Vec<Arc<Entry>> {
    match &range.only {
        Some(only) => snapshot
            .get(only.as_str())
            .filter(|entry| range.matches(entry))
            .cloned()
            .into_iter()
            .collect(),
        None => snapshot
            .range(&range.prefix, None)
            .filter(|entry| range.matches(entry))
            .cloned()
            .collect(),
    }
}

/// What a change is to a watcher of the range; `None` if it is nothing.
fn seen(range: &Range, after: Revision, event: Arc<Event>) -> Option<Change> {
    if event.revision <= after || range.only.as_ref().is_some_and(|only| *only != event.entry.key) {
        return None;
    }
    let was = event.previous.as_ref().is_some_and(|previous| range.matches(previous));
    let is = event.kind == EventKind::Put && range.matches(&event.entry);
    let kind = match (was, is) {
        (false, false) => return None,
        (false, true) => ChangeKind::Added,
        (true, true) => ChangeKind::Modified,
        (true, false) => ChangeKind::Deleted,
    };
    Some(Change::Object { kind, event })
}

fn ended(end: WatchEnd) -> Ended {
    match end {
        WatchEnd::Closed => Ended::Quietly,
        WatchEnd::Lagged { oldest } | WatchEnd::Expired { oldest } => {
            Ended::Failed(StatusError::expired(format!(
                "too old resource version: the oldest one kept is {oldest}"
            )))
        }
    }
}

fn too_old(asked: Revision, oldest: Revision) -> StatusError {
    StatusError::expired(format!("too old resource version: {asked} ({oldest})"))
}
