//! Reads the changes under a prefix, one after the other, from a revision on.
//!
//! A watch either gives every change in order, or ends and says so; it never skips one. It is a position in a log that is shared,
//! so a slow reader costs nothing but its own place in history; one that has fallen behind what is in memory reads from the disk.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;
use std::task::{Context, Poll};

use meta::Revision;

use crate::feed::Subscription;
use crate::store::Shared;
use crate::topic::Found;
use crate::{Event, WatchEnd};

/// How many changes a watch reads from the disk that are not for it, before it lets others on its thread have their turn.
const PASSED_OVER_MAX: usize = 64;

/// The changes under a prefix.
pub struct Watch {
    shared: Arc<Shared>,
    subscription: Subscription,
    prefix: Box<str>,
    seen: Revision,
}

impl Watch {
    pub(crate) fn new(
        shared: Arc<Shared>,
        subscription: Subscription,
        prefix: &str,
        from: Revision,
    ) -> Self {
        Self { shared, subscription, prefix: prefix.into(), seen: from }
    }

    /// The next change; waits for it. It may be dropped while it waits, and nothing is lost.
    pub async fn next(&mut self) -> Result<Arc<Event>, WatchEnd> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`Watch::next`], for those who poll.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Arc<Event>, WatchEnd>> {
        match self.read(Some(&*context)) {
            Ok(Some(event)) => Poll::Ready(Ok(event)),
            Ok(None) => Poll::Pending,
            Err(end) => Poll::Ready(Err(end)),
        }
    }

    /// The next change, if there is one already.
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, WatchEnd> {
        self.read(None)
    }

    /// How far this watch has seen: it has given every change up to this revision, and there are perhaps none at it. A watch can be
    /// resumed from here, which is what bookmarks tell clients.
    pub fn revision(&self) -> Revision {
        // Changes are in the logs before they count as delivered, so what was delivered before looking cannot be missed.
        let delivered = self.shared.delivered();
        if self.subscription.topic.is_at_end(self.subscription.position, self.seen) {
            self.seen.max(delivered)
        } else {
            self.seen
        }
    }

    fn read(&mut self, context: Option<&Context<'_>>) -> Result<Option<Arc<Event>>, WatchEnd> {
        let mut passed_over = 0;
        loop {
            let delivered = self.shared.delivered();
            let Subscription { topic, place, position } = &mut self.subscription;
            let wait = context.map(|context| (*place, context));
            match topic.read(position, self.seen, &self.prefix, wait)? {
                Found::Event(event) => {
                    self.seen = event.revision;
                    return Ok(Some(event));
                }
                Found::CaughtUp => {
                    self.seen = self.seen.max(delivered);
                    return Ok(None);
                }
                Found::Lost => return Err(self.shared.end_by_loss()),
                Found::Shed(revision) => {
                    let event = self.shared.recall(revision, &self.prefix)?;
                    self.seen = revision;
                    if event.is_some() {
                        return Ok(event);
                    }
                }
            }
            passed_over += 1;
            if let Some(context) = context.filter(|_| passed_over >= PASSED_OVER_MAX) {
                context.waker().wake_by_ref();
                return Ok(None);
            }
        }
    }
}

impl Shared {
    fn delivered(&self) -> Revision {
        Revision(self.delivered.load(Acquire))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.subscription.topic.leave(self.subscription.place);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({:?} seen {})", self.prefix, self.seen)
    }
}
