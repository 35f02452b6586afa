//! Carrying out effects: each begins a task that answers with a message, or is done at once.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1 as core;
use runtime::{Account, Stop};

use super::{Agent, Body, Due, Message, REFRESH_SECS, Uid};
use crate::network::host_port;
use crate::pod::{Event, Note, ProbeKind, after_secs};
use crate::shell::{self, Job, Served};

/// How long a hook without an end of its own may take.
const POST_START_MAX: Duration = Duration::from_mins(5);
const DELETE_BACKOFF_MIN: Duration = Duration::from_millis(200);
const DELETE_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// The killed exit of a function, which has no process to be killed.
const KILLED: i32 = 137;

impl Agent {
    /// Runs a task whose result is a message about this Pod.
    pub(super) fn spawn(&self, uid: &Uid, work: impl Future<Output = Body> + Send + 'static) {
        let (uid, sender) = (Arc::clone(uid), self.sender.clone());
        self.tasks.spawn(async move {
            let body = work.await;
            // The loop is gone only when the process ends.
            let _ = sender.send(Message { uid, body }).await;
        });
    }

    pub(super) fn prepare(&mut self, uid: &Uid) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        let ip = match slot.ip {
            Some(ip) => ip,
            None => match self.addresses.take(Instant::now()) {
                Ok(ip) => IpAddr::V4(ip),
                Err(error) => {
                    let message = format!("Failed to create pod sandbox: {error}");
                    self.backlog.push_back((Arc::clone(uid), Event::PrepareFailed { message }));
                    return;
                }
            },
        };
        slot.ip = Some(ip);
        self.shared.network.fabric.add_host(ip);
        let inner_ip = ip;
        let Some(ip) = slot.address(self.shared.machine.ip) else { return };
        // On the host's network containers take their ports themselves.
        let is_claimed = ip != inner_ip;
        if !is_claimed && let Err(message) = claim_host_ports(&self.shared, &slot.object, uid, ip) {
            self.backlog.push_back((Arc::clone(uid), Event::PrepareFailed { message }));
            return;
        }
        let spec = slot.object.spec.as_ref();
        let is_simple = spec.is_none_or(|spec| spec.volumes.iter().flatten().next().is_none());
        if is_simple {
            self.backlog.push_back((Arc::clone(uid), Event::Prepared { ip }));
            return;
        }
        slot.is_preparing = true;
        let (shared, object) = (Arc::clone(&self.shared), Arc::clone(&slot.object));
        self.spawn(uid, async move {
            // The semaphore is never closed.
            let _work = shared.work.acquire().await;
            let prepared = shell::prepare(&shared, &object, ip).await;
            Body::Prepared(prepared.map(|()| ip))
        });
    }

    pub(super) fn prepared(&mut self, uid: Uid, result: Result<IpAddr, String>) {
        let now = self.shared.now();
        let Some(slot) = self.slots.get_mut(&uid) else { return };
        slot.is_preparing = false;
        if std::mem::take(&mut slot.has_pending_tear_down) {
            self.tear_down(&uid);
            return;
        }
        if slot.has_files() {
            self.alarms.set(after_secs(now, REFRESH_SECS + spread(&uid)), Due::Refresh, &uid);
        }
        let event = match result {
            Ok(ip) => Event::Prepared { ip },
            Err(message) => Event::PrepareFailed { message },
        };
        self.backlog.push_back((uid, event));
    }

    pub(super) fn pull(&mut self, uid: &Uid, container: usize) {
        let Some(slot) = self.slots.get(uid) else { return };
        let (shared, object) = (Arc::clone(&self.shared), Arc::clone(&slot.object));
        let plan = slot.state.plan.containers[container].clone();
        let message = format!("Pulling image \"{}\"", plan.image);
        let (is_warning, reason, container_of) = (false, "Pulling", Some(container));
        let note = Note { is_warning, reason, message, container: container_of };
        let pulling = slot.telling(note, self.shared.now());
        self.spawn(uid, async move {
            match shell::pull(&shared, &object, &plan, pulling).await {
                Ok((image, wasm)) => Body::Pulled { container, image, wasm },
                Err(failure) => Body::Event(Event::PullFailed { container, failure }),
            }
        });
    }

    pub(super) fn start(&mut self, uid: &Uid, container: usize, instance: u32) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        let plan = slot.state.plan.containers[container].clone();
        let address = slot.address(self.shared.machine.ip);
        let part = &mut slot.parts[container];
        let (Some(inner_ip), Some(image)) = (slot.ip, part.image.clone()) else { return };
        let Some(ip) = address else { return };
        let stop = Stop::new();
        part.stop = Some(stop.clone());
        part.instance = instance;
        let pod = Arc::clone(&slot.object);
        let job = Job { pod, plan, container, instance, ip, inner_ip, image, stop };
        let (shared, sender, uid) =
            (Arc::clone(&self.shared), self.sender.clone(), Arc::clone(uid));
        self.tasks.spawn(shell::start(shared, job, async move |event, served, account| {
            let body = match event {
                Event::Started { container, instance } => {
                    Body::Begun { container, instance, served, account }
                }
                event => Body::Event(event),
            };
            // The loop is gone only when the process ends.
            let _ = sender.send(Message { uid: Arc::clone(&uid), body }).await;
        }));
    }

    pub(super) fn begun(
        &mut self,
        uid: &Uid,
        container: usize,
        instance: u32,
        served: Option<Served>,
        account: Option<&Arc<Account>>,
    ) {
        let slot = self.slots.get_mut(uid);
        let part = slot.and_then(|slot| slot.parts.get_mut(container));
        let Some(part) = part.filter(|part| part.instance == instance) else {
            if let Some(served) = served {
                self.shared.network.fabric.unhandle(served.at);
                served.function.close();
            }
            return;
        };
        part.account = account.map(Arc::downgrade).unwrap_or_default();
        part.served = served;
        let was_killed = part.stop.as_ref().is_some_and(Stop::is_killed);
        let is_served = part.served.is_some();
        self.backlog.push_back((Arc::clone(uid), Event::Started { container, instance }));
        if was_killed && is_served {
            self.kill(uid, container, instance);
        }
    }

    pub(super) fn stop(&mut self, uid: &Uid, container: usize, instance: u32) {
        let Some(part) = self.part(uid, container, instance) else { return };
        part.stop.iter().for_each(Stop::request);
        let Some(served) = part.served.take() else { return };
        self.shared.network.fabric.unhandle(served.at);
        served.function.close();
        self.spawn(uid, async move {
            served.function.service.drained().await;
            served.log.end();
            let (code, reason, message) = (0, "Completed", String::new());
            Body::Event(Event::Exited { container, instance, code, reason, message })
        });
    }

    pub(super) fn kill(&mut self, uid: &Uid, container: usize, instance: u32) {
        let Some(part) = self.part(uid, container, instance) else { return };
        part.stop.iter().for_each(Stop::kill);
        let Some(served) = part.served.take() else { return };
        served.log.end();
        served.function.close();
        self.shared.network.fabric.unhandle(served.at);
        let (reason, message) = ("Error", String::new());
        let killed = Event::Exited { container, instance, code: KILLED, reason, message };
        self.backlog.push_back((Arc::clone(uid), killed));
    }

    fn part(
        &mut self,
        uid: &Uid,
        container: usize,
        instance: u32,
    ) -> Option<&mut super::slot::Part> {
        let part = self.slots.get_mut(uid)?.parts.get_mut(container)?;
        (part.instance == instance).then_some(part)
    }

    pub(super) fn probe(&mut self, uid: &Uid, container: usize, instance: u32, kind: ProbeKind) {
        let Some(slot) = self.slots.get(uid) else { return };
        let plan = kind.plan(&slot.state.plan.containers[container]).cloned();
        let address = slot.address(self.shared.machine.ip);
        let (Some(plan), Some(ip)) = (plan, address) else { return };
        let network = Arc::clone(&self.shared.network);
        let timeout = secs(plan.timeout_secs);
        self.spawn(uid, async move {
            let result = shell::probe(&network, &plan.action, ip, timeout).await;
            Body::Event(Event::Probed { container, instance, kind, error: result.err() })
        });
    }

    /// Runs the hook before the stop if it has a time limit, and the one after the start otherwise.
    pub(super) fn hook(
        &mut self,
        uid: &Uid,
        container: usize,
        instance: u32,
        within_secs: Option<i64>,
    ) {
        let Some(slot) = self.slots.get(uid) else { return };
        let plan = &slot.state.plan.containers[container];
        let (hook, within) = match within_secs {
            Some(within) => (&plan.pre_stop, secs(within)),
            None => (&plan.post_start, POST_START_MAX),
        };
        let address = slot.address(self.shared.machine.ip);
        let (Some(hook), Some(ip)) = (hook.clone(), address) else { return };
        let network = Arc::clone(&self.shared.network);
        self.spawn(uid, async move {
            let result = shell::hook(&network, &hook, ip, within).await;
            Body::Event(Event::Hooked { container, instance, error: result.err() })
        });
    }

    pub(super) fn tear_down(&mut self, uid: &Uid) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        if slot.is_preparing {
            slot.has_pending_tear_down = true;
            return;
        }
        if let Some(ip) = slot.ip.take() {
            self.shared.network.fabric.remove_host(ip);
            self.shared.host_ports.remove(uid);
            if let IpAddr::V4(ip) = ip {
                self.addresses.give_back(ip, Instant::now());
            }
        }
        let (shared, owned) = (Arc::clone(&self.shared), Arc::clone(uid));
        self.spawn(uid, async move {
            shell::remove(&shared, &owned).await;
            Body::Event(Event::TornDown)
        });
    }

    pub(super) fn delete_object(&mut self, uid: &Uid) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        let report = slot.report;
        slot.is_delete_pending = report.is_stale || report.is_in_flight;
        if slot.is_delete_pending {
            return;
        }
        if slot.is_static {
            self.remove_static(uid);
            return;
        }
        let (client, uid) = (self.shared.client.clone(), Arc::clone(uid));
        let (namespace, name) = (slot.namespace().to_owned(), slot.name().to_owned());
        self.tasks.spawn(async move {
            let pods = client.api::<core::Pod>(Some(&namespace));
            let params = api::DeleteParams {
                grace_period_seconds: Some(0),
                ..api::DeleteParams::of_uid(&uid)
            };
            let mut wait = DELETE_BACKOFF_MIN;
            loop {
                match pods.delete(&name, &params).await {
                    // A conflict is about the uid: another Pod has the name, so this one is gone.
                    Ok(_) | Err(api::Error::NotFound(_) | api::Error::Conflict(_)) => return,
                    Err(error) => {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "cannot delete a Pod"
                        );
                    }
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(DELETE_BACKOFF_MAX);
            }
        });
    }

    pub(super) fn record(&self, uid: &Uid, note: Note) {
        if let Some(slot) = self.slots.get(uid) {
            self.shared.recorder.tell(slot.telling(note, self.shared.now()));
        }
    }
}

fn claim_host_ports(
    shared: &crate::shared::Shared,
    pod: &core::Pod,
    uid: &str,
    ip: IpAddr,
) -> Result<(), String> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    for port in containers.flat_map(|container| container.ports.iter().flatten()) {
        let Some(host) = port.host_port.and_then(|port| u16::try_from(port).ok()) else { continue };
        let Ok(number) = u16::try_from(port.container_port) else { continue };
        if host == 0 || port.protocol.as_deref().is_some_and(|protocol| protocol != "TCP") {
            continue;
        }
        let at = host_port(port.host_ip.as_deref().filter(|ip| !ip.is_empty()), host);
        if !shared.host_ports.add(at, uid, SocketAddr::new(ip, number)) {
            return Err(format!(
                "Failed to create pod sandbox: host port {at} is in use by another Pod"
            ));
        }
    }
    Ok(())
}

fn secs(secs: i64) -> Duration {
    Duration::from_secs(u64::try_from(secs).unwrap_or(0))
}

/// A few seconds that differ from Pod to Pod, so that a thousand Pods made at once are not refreshed at once.
fn spread(uid: &str) -> i64 {
    i64::from(uid.bytes().fold(0_u8, u8::wrapping_add) % 60)
}
