//! Most requests of an HTTP/2 connection are answered at once, in the connection's own task.
//!
//! hyper hands out each request as a task of its own. To begin a task, perhaps on another thread, and to come back with its answer costs as much as
//! reading one object. So each is tried first, where it came from; only what has to wait becomes a task. What takes long without waiting says so
//! with [`step_aside`], since everything else on its connection would wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use hyper::rt::Executor;

/// Runs the requests of HTTP/2 connections. It is used within a Tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AtOnce;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for AtOnce {
    fn execute(&self, future: F) {
        let mut future = Box::pin(future);
        // Nobody is woken by this waker: a task is polled when it begins, and what it waits for wakes it from then on.
        let mut context = Context::from_waker(Waker::noop());
        // As in a task of its own, a request that panics takes nothing but itself along.
        let tried = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        if let Ok(Poll::Pending) = tried {
            tokio::spawn(future);
        }
    }
}

/// Becomes a task of its own, if it is none yet.
pub(crate) async fn step_aside() {
    tokio::task::yield_now().await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_is_ready_needs_no_runtime() {
        let done = Arc::new(AtomicBool::new(false));
        let also = Arc::clone(&done);
        AtOnce.execute(async move { also.store(true, Ordering::Relaxed) });
        assert!(done.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn what_waits_is_woken_later() {
        let (ask, asked) = tokio::sync::oneshot::channel::<u8>();
        let (answer, answered) = tokio::sync::oneshot::channel();
        AtOnce.execute(async move {
            step_aside().await;
            let _ = answer.send(asked.await);
        });
        ask.send(7).expect("it waits");
        assert_eq!(answered.await, Ok(Ok(7)));
    }

    #[tokio::test]
    async fn a_panic_does_not_reach_the_connection() {
        let (sender, dropped) = tokio::sync::oneshot::channel::<()>();
        AtOnce.execute(async move {
            let _sender = sender;
            panic!("a request");
        });
        assert!(dropped.await.is_err(), "what it held was let go of");
    }
}
