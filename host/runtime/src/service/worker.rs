//! One instance of an HTTP function, and one request through it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures::channel::oneshot;
use http::{Request, Response};
use parking_lot::Mutex;
use wasmtime::{AsContextMut as _, Store};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{Prepared, Proxy, ProxyPre};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

use crate::capability::Preparation;
use crate::capability::stdio::Output;
use crate::exit::Exit;
use crate::instance::{StartError, instantiate_error, store};
use crate::network::Body;
use crate::program::{Linked, Program};
use crate::spec::Spec;
use crate::state::State;
use crate::stop::Stop;

/// What a guest answers with.
pub(super) type Head = Result<Response<Body>, wasmtime::Error>;

pub(super) struct Worker {
    store: Store<State>,
    proxy: Proxy,
    output: Output,
    served: u32,
}

impl Worker {
    pub(super) async fn start(
        program: &Program,
        spec: &Spec,
        stop: &Stop,
    ) -> Result<Self, StartError> {
        let pre = program.linked().map_err(|error| instantiate_error(&error))?;
        let error = match Self::instantiate(pre, program, spec, stop).await? {
            Ok(worker) => return Ok(worker),
            Err(error) => error,
        };
        let Some(instead) = program.linked_instead(&error) else {
            return Err(instantiate_error(&error));
        };
        let pre = instead.map_err(|error| instantiate_error(&error))?;
        Self::instantiate(pre, program, spec, stop)
            .await?
            .map_err(|error| instantiate_error(&error))
    }

    async fn instantiate(
        linked: &Linked,
        program: &Program,
        spec: &Spec,
        stop: &Stop,
    ) -> Result<wasmtime::Result<Self>, StartError> {
        let Linked::Http(pre) = linked else { return Err(StartError::NotAFunction) };
        let output = Output::new(spec);
        let preparation = Preparation { spec, output: &output };
        let listeners = Arc::new(AtomicUsize::new(0));
        let state = State::new(program, &preparation, stop, &listeners);
        let state = state.map_err(|source| StartError::Prepare { source })?;
        let engine = match &**pre {
            ProxyPre::P2(pre) => pre.engine(),
            ProxyPre::P3(pre) => pre.engine(),
        };
        let mut store = store(engine, state, |state| &mut state.limiter);
        let proxy = pre.instantiate_async(&mut store).await;
        Ok(proxy.map(|proxy| Self { store, proxy, output, served: 0 }))
    }

    /// Gives the guest one request. Returns when the guest is done with it, which may be long after
    /// the head is sent. An error means that the instance cannot be used again.
    pub(super) async fn call(
        &mut self,
        request: Request<Body>,
        head: oneshot::Sender<Head>,
    ) -> Result<(), Exit> {
        self.served = self.served.saturating_add(1);
        let ended = match &self.proxy {
            Proxy::P2(_) => self.call_p2(request, head).await,
            Proxy::P3(_) => self.call_p3(request, head).await,
        };
        ended.map_err(|error| Exit::from_error(&error))
    }

    async fn call_p2(
        &mut self,
        request: Request<Body>,
        head: oneshot::Sender<Head>,
    ) -> wasmtime::Result<()> {
        let Proxy::P2(proxy) = &self.proxy else { return Ok(()) };
        // A guest may return without an answer and leave its half of the channel in the table.
        let head = Arc::new(Mutex::new(Some(head)));
        let answer = Arc::clone(&head);
        let request = self.store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let out =
            self.store.data_mut().http().new_response_outparam_from_callback(move |given| {
                if let Some(head) = answer.lock().take() {
                    // Whoever asked may have gone.
                    let _ = head.send(given.map_err(wasmtime::Error::from));
                }
            })?;
        proxy.wasi_http_incoming_handler().call_handle(&mut self.store, request, out).await?;
        match head.lock().take() {
            None => Ok(()),
            Some(_) => Err(wasmtime::format_err!("the guest returned without an answer")),
        }
    }

    async fn call_p3(
        &mut self,
        request: Request<Body>,
        head: oneshot::Sender<Head>,
    ) -> wasmtime::Result<()> {
        let proxy = &self.proxy;
        let run = self.store.run_concurrent(async |accessor| {
            let prepared = accessor.with(|mut store| {
                Prepared::new(store.as_context_mut(), proxy, request, State::http, head)
            })?;
            prepared.run(accessor, std::future::pending()).await?;
            // The guest writes its body, and may work on, after it has given the head.
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        });
        run.await?
    }

    pub(super) fn served(&self) -> u32 {
        self.served
    }

    /// Drops the instance and hands over what it printed last.
    pub(super) async fn end(self) {
        drop(self.store);
        self.output.finish().await;
    }
}
