//! Runs a command: prepares an instance, lets it run on the executor until it ends or is ended, and
//! says how.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use thiserror::Error;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::p3;

use crate::capability::Preparation;
use crate::capability::stdio::Output;
use crate::exit::Exit;
use crate::metered::{Killed, Metered};
use crate::program::{Linked, Program};
use crate::spec::Spec;
use crate::state::{ModuleState, State};
use crate::stop::Stop;

/// Why an instance did not begin to run.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("the program is an HTTP function, which is served and not run")]
    NotACommand,
    #[error("the program is a command, which is run and not served")]
    NotAFunction,
    #[error("cannot prepare the instance: {source}")]
    Prepare { source: io::Error },
    #[error("cannot instantiate: {message}")]
    Instantiate { message: String },
    #[error("the host failed while it ran the instance")]
    Panicked,
}

impl Program {
    /// Runs the command until it ends. Dropping the future kills it.
    pub async fn run(self: &Arc<Self>, spec: Spec, stop: Stop) -> Result<Exit, StartError> {
        if self.kind().is_http() {
            return Err(StartError::NotACommand);
        }
        let program = Arc::clone(self);
        let task = self.engine.executor().spawn(async move { program.run_here(spec, stop).await });
        AbortOnDropHandle::new(task).await.map_err(|_| StartError::Panicked)?
    }

    async fn run_here(&self, spec: Spec, stop: Stop) -> Result<Exit, StartError> {
        let output = Output::new(&spec);
        let listeners = Arc::new(AtomicUsize::new(0));
        let guest = self.enter(&spec, &output, &stop, &listeners);
        let (account, ticker) = (Arc::clone(&spec.account), Arc::clone(self.engine.ticker()));
        let exit = tokio::select! {
            ended = Metered::new(guest, account, ticker, stop.clone()) => match ended {
                Ok(exit) => exit?,
                Err(Killed) => Exit::Killed,
            },
            () = nothing_to_finish(&stop, &listeners) => {
                // A kill is a request too.
                if stop.is_killed() { Exit::Killed } else { Exit::Stopped }
            }
        };
        // The instance is gone; what it printed last still has to reach the sink, unless that is
        // not wanted any more.
        tokio::select! {
            () = output.finish() => {}
            () = stop.killed() => {}
        }
        Ok(exit)
    }

    /// One call of the program's entry point, in the pool or beside it.
    async fn enter(
        &self,
        spec: &Spec,
        output: &Output,
        stop: &Stop,
        listeners: &Arc<AtomicUsize>,
    ) -> Result<Exit, StartError> {
        let preparation = Preparation { spec, output };
        let first = self.linked().map_err(|error| instantiate_error(&error))?;
        let error = match first.start(self, &preparation, stop, listeners).await? {
            Ok(exit) => return Ok(exit),
            Err(error) => error,
        };
        let Some(instead) = self.linked_instead(&error) else {
            return not_started(&error);
        };
        let instead = instead.map_err(|error| instantiate_error(&error))?;
        match instead.start(self, &preparation, stop, listeners).await? {
            Ok(exit) => Ok(exit),
            Err(error) => not_started(&error),
        }
    }
}

impl Linked {
    /// The inner error is one of instantiation; once the guest has begun, every end is an [`Exit`].
    async fn start(
        &self,
        program: &Program,
        preparation: &Preparation<'_>,
        stop: &Stop,
        listeners: &Arc<AtomicUsize>,
    ) -> Result<wasmtime::Result<Exit>, StartError> {
        let prepare = |source| StartError::Prepare { source };
        match self {
            Self::Command(pre) => {
                let state = State::new(program, preparation, stop, listeners).map_err(prepare)?;
                let mut store = store(pre.engine(), state, |state| &mut state.limiter);
                let command = match pre.instantiate_async(&mut store).await {
                    Ok(command) => command,
                    Err(error) => return Ok(Err(error)),
                };
                Ok(Ok(Exit::from_run(command.wasi_cli_run().call_run(&mut store).await)))
            }
            Self::CommandAsync(pre) => {
                let state = State::new(program, preparation, stop, listeners).map_err(prepare)?;
                let mut store = store(pre.engine(), state, |state| &mut state.limiter);
                let command = match pre.instantiate_async(&mut store).await {
                    Ok(instance) => p3::bindings::Command::new(&mut store, &instance),
                    Err(error) => Err(error),
                };
                let command = match command {
                    Ok(command) => command,
                    Err(error) => return Ok(Err(error)),
                };
                let run = store.run_concurrent(async |accessor| {
                    command.wasi_cli_run().call_run(accessor).await
                });
                Ok(Ok(Exit::from_run(run.await.flatten())))
            }
            Self::Module(pre) => {
                let state = ModuleState::new(preparation).map_err(prepare)?;
                let mut store = store(pre.module().engine(), state, |state| &mut state.limiter);
                let instance = match pre.instantiate_async(&mut store).await {
                    Ok(instance) => instance,
                    Err(error) => return Ok(Err(error)),
                };
                let start = match instance.get_typed_func::<(), ()>(&mut store, "_start") {
                    Ok(start) => start,
                    Err(error) => return Ok(Err(error)),
                };
                Ok(Ok(Exit::from_run(start.call_async(&mut store, ()).await.map(Ok))))
            }
            Self::Http(_) => Err(StartError::NotACommand),
        }
    }
}

/// A store that is limited, and that yields at every tick.
pub(crate) fn store<T: Send + 'static>(
    engine: &wasmtime::Engine,
    data: T,
    limiter: fn(&mut T) -> &mut crate::limiter::Limiter,
) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.limiter(move |data| limiter(data) as &mut dyn ResourceLimiter);
    store.epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
    store
}

/// Completes when a stop is requested of a guest that has no way to notice.
async fn nothing_to_finish(stop: &Stop, listeners: &AtomicUsize) {
    stop.requested().await;
    if listeners.load(Relaxed) > 0 {
        std::future::pending::<()>().await;
    }
}

/// Running out of memory or trapping while being instantiated is the program's end; anything else
/// is the host's failure.
fn not_started(error: &wasmtime::Error) -> Result<Exit, StartError> {
    let is_guests = error.is::<crate::limiter::OutOfMemory>()
        || error.is::<wasmtime::Trap>()
        || error.is::<wasmtime_wasi::I32Exit>();
    if is_guests { Ok(Exit::from_error(error)) } else { Err(instantiate_error(error)) }
}

pub(crate) fn instantiate_error(error: &wasmtime::Error) -> StartError {
    StartError::Instantiate { message: format!("{error:#}") }
}
