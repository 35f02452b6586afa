//! Runs a guest's future under its container's account: every poll is timed and charged, no poll
//! begins while the CPU budget is overdrawn, and a kill ends it between two polls.
//!
//! That is enough to meter, throttle and kill any guest, because the ticker makes each poll of a
//! busy guest return after about a millisecond. Nothing needs to happen inside the guest.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::account::Account;
use crate::stop::Stop;
use crate::ticker::Ticker;

/// The guest was killed before its future completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Killed;

pub(crate) struct Metered<F> {
    guest: Pin<Box<F>>,
    account: Arc<Account>,
    ticker: Arc<Ticker>,
    stop: Stop,
    /// Made at the first wait: most requests to HTTP functions never wait.
    killed: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    throttle: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(guest: F, account: Arc<Account>, ticker: Arc<Ticker>, stop: Stop) -> Self {
        let guest = Box::pin(guest);
        Self { guest, account, ticker, stop, killed: None, throttle: None }
    }

    fn poll_killed(&mut self, cx: &mut Context<'_>) -> Poll<Result<F::Output, Killed>> {
        let stop = &self.stop;
        let killed = self.killed.get_or_insert_with(|| Box::pin(stop.killed_owned()));
        killed.as_mut().poll(cx).map(|()| Err(Killed))
    }

    fn poll_throttle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(sleep) = &mut self.throttle {
                std::task::ready!(sleep.as_mut().poll(cx));
                self.throttle = None;
            }
            let Some(until) = self.account.cpu_blocked_until(Instant::now()) else {
                return Poll::Ready(());
            };
            self.throttle = Some(Box::pin(tokio::time::sleep_until(until.into())));
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = Result<F::Output, Killed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.stop.is_killed() {
            return Poll::Ready(Err(Killed));
        }
        if this.poll_throttle(cx).is_pending() {
            return this.poll_killed(cx);
        }
        let polled = {
            let _running = this.ticker.running();
            let start = Instant::now();
            let polled = this.guest.as_mut().poll(cx);
            let end = Instant::now();
            this.account.charge_cpu(end - start, end);
            polled
        };
        match polled {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => this.poll_killed(cx),
        }
    }
}
