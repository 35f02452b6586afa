//! Serves an HTTP function: instances exist while they answer, and for a moment after.
//!
//! A request takes an instance that has just answered another one, or makes a new one in a few
//! microseconds. It runs inside the caller's own future until the head of the answer is there, so
//! that a short answer costs no task and no wake-up; what remains after that (a streaming body,
//! work after the answer) goes on as a task. An instance answers one request at a time, is replaced
//! after a number of them, and is dropped when it has been idle for [`ServeOptions::idle`]: between
//! requests nothing is in memory.
//!
//! Everything is bounded: instances, waiting requests (503 beyond), the time until the head (504),
//! and the time that work may go on after the last byte of the answer was taken. A trap costs the
//! one request (500) and its instance, and is counted.

use std::collections::VecDeque;
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::exit::Exit;
use crate::instance::StartError;
use crate::metered::Metered;
use crate::network::{Body, HttpHandler};
use crate::program::Program;
use crate::spec::Spec;
use crate::stop::Stop;

use ended::Watched;
use worker::{Head, Worker};

mod ended;
mod worker;

/// Bounds of one served function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// Requests answered at the same time; each has an instance to itself.
    pub concurrency: NonZeroUsize,
    /// Requests that may wait for one of those to end.
    pub queue: usize,
    /// Until the head of the answer, waiting included; and for what a guest does after the answer's
    /// end.
    pub timeout: Duration,
    /// Requests after which an instance is replaced. One gives every request a fresh memory.
    pub reuse: NonZeroU32,
    /// How long an instance waits for another request.
    pub idle: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::MIN.saturating_add(127),
            queue: 1024,
            timeout: Duration::from_mins(1),
            reuse: NonZeroU32::MIN.saturating_add(999),
            idle: Duration::from_secs(1),
        }
    }
}

/// How often instances ended without an answer, and how the last one did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crashes {
    pub count: u64,
    pub last: Option<Exit>,
}

/// A function that is being served. Clones are the same service.
#[derive(Clone)]
pub struct HttpService(Arc<Shared>);

struct Shared {
    program: Arc<Program>,
    spec: Spec,
    options: ServeOptions,
    stop: Stop,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Oldest first.
    idle: Mutex<VecDeque<(Instant, Worker)>>,
    is_reaping: AtomicBool,
    crashes: watch::Sender<Crashes>,
}

impl Program {
    /// Serves the function. Nothing is started before the first request.
    pub fn serve(
        self: &Arc<Self>,
        spec: Spec,
        options: ServeOptions,
        stop: Stop,
    ) -> Result<HttpService, StartError> {
        if !self.kind().is_http() {
            return Err(StartError::NotAFunction);
        }
        Ok(HttpService(Arc::new(Shared {
            program: Arc::clone(self),
            spec,
            options,
            stop,
            permits: Arc::new(Semaphore::new(options.concurrency.get())),
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
            is_reaping: AtomicBool::new(false),
            crashes: watch::Sender::default(),
        })))
    }
}

impl HttpService {
    /// Answers one request. Call it from a task of [`crate::Engine::executor`]: it runs the guest.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        if request.uri().authority().is_none() && !request.headers().contains_key(header::HOST) {
            return plain(StatusCode::BAD_REQUEST, "the request names no host\n");
        }
        let Some(permit) = self.0.admit().await else {
            return busy();
        };
        let (head, answered) = oneshot::channel();
        let work = Arc::clone(&self.0).answer(permit, request, head);
        let (account, ticker) = (&self.0.spec.account, self.0.program.engine.ticker());
        let metered =
            Metered::new(work, Arc::clone(account), Arc::clone(ticker), self.0.stop.clone());
        let attended = Attended { work: Some(metered), service: &self.0 };
        self.0.attend(attended, answered).await
    }

    /// Crashes so far; the receiver can also wait for the next.
    pub fn crashes(&self) -> watch::Receiver<Crashes> {
        self.0.crashes.subscribe()
    }

    /// Instances that wait for a request.
    pub fn idle_instances(&self) -> usize {
        self.0.idle.lock().len()
    }

    /// Requests that are being answered.
    pub fn active_requests(&self) -> usize {
        self.0.options.concurrency.get() - self.0.permits.available_permits()
    }

    /// Completes when nothing is being answered any more. Meaningful when a stop is requested and
    /// no new connection can be made.
    pub async fn drained(&self) {
        let all = u32::try_from(self.0.options.concurrency.get()).unwrap_or(u32::MAX);
        let _all = self.0.permits.acquire_many(all).await;
        self.0.idle.lock().clear();
    }
}

impl HttpHandler for HttpService {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let service = self.clone();
        Box::pin(async move { HttpService::handle(&service, request).await })
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService")
            .field("program", &self.0.program)
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// A permit to answer, after waiting for one if the queue has room.
    async fn admit(&self) -> Option<OwnedSemaphorePermit> {
        if self.stop.is_killed() {
            return None;
        }
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let place = Place::take(&self.waiting, self.options.queue)?;
        let permit = timeout(self.options.timeout, Arc::clone(&self.permits).acquire_owned()).await;
        drop(place);
        permit.ok()?.ok()
    }

    /// The whole life of one request inside a guest.
    async fn answer(
        self: Arc<Self>,
        permit: OwnedSemaphorePermit,
        request: Request<Body>,
        head: oneshot::Sender<Head>,
    ) {
        let newest = self.idle.lock().pop_back();
        let worker = match newest {
            Some((_, worker)) => Ok(worker),
            None => Worker::start(&self.program, &self.spec, &self.stop).await,
        };
        let mut worker = match worker {
            Ok(worker) => worker,
            Err(error) => {
                tracing::warn!(digest = self.program.digest(), %error, "no instance for a request");
                return;
            }
        };
        match worker.call(request, head).await {
            Ok(()) => self.keep(worker).await,
            Err(exit) => {
                self.crashes.send_modify(|crashes| {
                    crashes.count += 1;
                    crashes.last = Some(exit);
                });
                worker.end().await;
            }
        }
        drop(permit);
    }

    async fn keep(self: &Arc<Self>, worker: Worker) {
        if worker.served() >= self.options.reuse.get() || self.stop.is_requested() {
            worker.end().await;
            return;
        }
        self.idle.lock().push_back((Instant::now(), worker));
        if !self.is_reaping.swap(true, Relaxed) {
            let reaping = reap(Arc::downgrade(self), self.options.idle);
            self.program.engine.executor().spawn(reaping);
        }
    }

    /// Runs the guest until there is an answer to give.
    async fn attend<F: Future<Output = ()> + Send + 'static>(
        &self,
        mut attended: Attended<'_, F>,
        mut answered: oneshot::Receiver<Head>,
    ) -> Response<Body> {
        let head = std::future::poll_fn(|cx| {
            attended.poll(cx);
            answered.poll_unpin(cx)
        });
        match timeout(self.options.timeout, head).await {
            Ok(Ok(Ok(response))) => match attended.work.take() {
                Some(work) => self.go_on(work, response),
                None => response,
            },
            Ok(Ok(Err(error))) => {
                tracing::debug!(%error, "a function gave an error for an answer");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the function gave no answer\n")
            }
            // The guest is gone, and with it the sender.
            Ok(Err(oneshot::Canceled)) if self.stop.is_killed() => busy(),
            Ok(Err(oneshot::Canceled)) => {
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the function failed\n")
            }
            Err(_elapsed) => {
                attended.work = None;
                plain(StatusCode::GATEWAY_TIMEOUT, "the function took too long\n")
            }
        }
    }

    /// Lets the guest finish as a task, for as long as somebody takes its answer and a while after.
    fn go_on<F: Future<Output = ()> + Send + 'static>(
        &self,
        work: Metered<F>,
        response: Response<Body>,
    ) -> Response<Body> {
        let (response, ended) = Watched::wrap(response);
        let patience = self.options.timeout;
        self.program.engine.executor().spawn(async move {
            tokio::select! {
                _ended = work => {}
                () = async {
                    ended.await;
                    tokio::time::sleep(patience).await;
                } => {}
            }
        });
        response
    }
}

/// Drops instances that nobody needed for a while, and ends when there are none.
async fn reap(service: Weak<Shared>, idle_max: Duration) {
    loop {
        let next = {
            let Some(service) = service.upgrade() else { return };
            let mut idle = service.idle.lock();
            let now = Instant::now();
            while idle.front().is_some_and(|(since, _)| *since + idle_max <= now) {
                drop(idle.pop_front());
            }
            let Some((since, _)) = idle.front() else {
                // Under the lock: whoever adds the next one sees this and starts another reaper.
                service.is_reaping.store(false, Relaxed);
                return;
            };
            *since + idle_max
        };
        sleep_until(next).await;
    }
}

/// A guest being run by the future that waits for its answer. If that future is dropped (the client
/// has gone), the guest may still finish what it began.
struct Attended<'a, F: Future<Output = ()> + Send + 'static> {
    work: Option<Metered<F>>,
    service: &'a Shared,
}

impl<F: Future<Output = ()> + Send + 'static> Attended<'_, F> {
    fn poll(&mut self, cx: &mut Context<'_>) {
        let ended = match &mut self.work {
            Some(work) => work.poll_unpin(cx),
            None => Poll::Pending,
        };
        if ended.is_ready() {
            self.work = None;
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Drop for Attended<'_, F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let remaining = timeout(self.service.options.timeout, work);
            self.service.program.engine.executor().spawn(remaining);
        }
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, places: usize) -> Option<Self> {
        let free = |taken: usize| (taken < places).then_some(taken + 1);
        waiting.fetch_update(Relaxed, Relaxed, free).ok()?;
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn busy() -> Response<Body> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "the function is busy\n");
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let body = Full::from(text).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.version_mut() = Version::HTTP_11;
    let text = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
