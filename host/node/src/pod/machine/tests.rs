#![expect(clippy::unwrap_used, reason = "tests")]

use k8s_openapi::api::core::v1 as core;
use proptest::prelude::*;

use super::super::event::{Failure, Image};
use super::super::plan::Plan;
use super::super::probe::Kind;
use super::super::status;
use super::*;

/// A Pod whose world answers at once, unless told otherwise.
struct World {
    object: core::Pod,
    pod: Pod,
    now: Timestamp,
    start: Timestamp,
    /// What was done, with the second in which it was.
    done: Vec<String>,
    /// Containers that do not end when asked, and whether probes succeed.
    stubborn: Vec<usize>,
    is_healthy: bool,
    is_ready: bool,
}

fn world(spec: &str) -> World {
    let text = format!(
        r#"{{"metadata":{{"name":"web","namespace":"default","uid":"u1"}},"spec":{{{spec}}}}}"#
    );
    let object: core::Pod = serde_json::from_str(&text).unwrap();
    let now = Timestamp::from_second(1000).unwrap();
    let pod = Pod::new(Plan::of(&object), now);
    let (done, stubborn) = (Vec::new(), Vec::new());
    World { object, pod, now, start: now, done, stubborn, is_healthy: true, is_ready: true }
}

const ONE: &str = r#""containers":[{"name":"a","image":"web"}]"#;

impl World {
    fn feed(&mut self, event: Event) {
        let mut queue = std::collections::VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            for effect in step(&mut self.pod, event, self.now) {
                self.note(&effect);
                queue.extend(self.respond(&effect));
            }
        }
    }

    fn note(&mut self, effect: &Effect) {
        let secs = self.now.as_second() - self.start.as_second();
        let text = match effect {
            Effect::Report | Effect::Pull { .. } => return,
            Effect::Record(note) => match note.reason {
                "BackOff" | "Killing" | "Unhealthy" | "DeadlineExceeded" | "FailedMount"
                | "Failed" => {
                    format!("{}: {}", note.reason, note.message)
                }
                _ => return,
            },
            Effect::Probe { container, kind, .. } => format!("probe {container} {kind:?}"),
            Effect::Start { container, instance } => format!("start {container}#{instance}"),
            Effect::Stop { container, .. } => format!("stop {container}"),
            Effect::Kill { container, .. } => format!("kill {container}"),
            Effect::PreStop { container, within_secs, .. } => {
                format!("preStop {container} {within_secs}s")
            }
            Effect::PostStart { container, .. } => format!("postStart {container}"),
            Effect::Prepare => "prepare".into(),
            Effect::TearDown => "tear down".into(),
            Effect::DeleteObject => "delete object".into(),
        };
        self.done.push(format!("{secs}s {text}"));
    }

    fn respond(&self, effect: &Effect) -> Option<Event> {
        let exited = |container: usize, instance, code| {
            let (reason, message) = ("Error", String::new());
            Event::Exited { container, instance, code, reason, message }
        };
        Some(match effect {
            Effect::Prepare => Event::Prepared { ip: [100, 64, 0, 2].into() },
            Effect::Pull { container } => Event::Pulled {
                container: *container,
                image: Image { id: "web@sha256:0".into(), note: String::new() },
            },
            Effect::Start { container, instance } => {
                Event::Started { container: *container, instance: *instance }
            }
            Effect::Stop { container, .. } if self.stubborn.contains(container) => return None,
            Effect::Stop { container, instance } => exited(*container, *instance, 143),
            Effect::Kill { container, instance } => exited(*container, *instance, 137),
            Effect::PostStart { container, instance }
            | Effect::PreStop { container, instance, .. } => {
                Event::Hooked { container: *container, instance: *instance, error: None }
            }
            Effect::Probe { container, instance, kind } => {
                let is_well = match kind {
                    Kind::Readiness => self.is_ready,
                    Kind::Liveness | Kind::Startup => self.is_healthy,
                };
                let error = (!is_well).then(|| "HTTP probe failed with statuscode: 500".to_owned());
                Event::Probed { container: *container, instance: *instance, kind: *kind, error }
            }
            Effect::TearDown => Event::TornDown,
            Effect::DeleteObject | Effect::Record(_) | Effect::Report => return None,
        })
    }

    fn exit(&mut self, container: usize, code: i32) {
        let instance = self.pod.containers[container].instance;
        let reason = if code == 0 { "Completed" } else { "Error" };
        self.feed(Event::Exited { container, instance, code, reason, message: String::new() });
    }

    /// Lets time pass, waking the machine exactly when it wants to be woken.
    fn pass(&mut self, secs: i64) {
        let end = after_secs(self.now, secs);
        for _ in 0..10_000 {
            match deadline(&self.pod) {
                Some(due) if due <= end => {
                    self.now = self.now.max(due);
                    self.feed(Event::Tick);
                }
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the machine wants to be woken without end: {:?}", self.pod);
    }

    fn status(&self) -> core::PodStatus {
        let around = status::Surroundings { pod: &self.object, host_ip: None, now: self.now };
        status::status(&self.pod, &around)
    }

    fn shows(&self, expected: &str) {
        let status = self.status();
        let condition = |kind: &str| {
            let all = status.conditions.as_ref().unwrap();
            all.iter().any(|known| known.type_ == kind && known.status == "True")
        };
        let init = status.init_container_statuses.iter().flatten();
        let containers = init.chain(status.container_statuses.iter().flatten()).map(|known| {
            let state = known.state.as_ref().unwrap();
            let text = if let Some(waiting) = &state.waiting {
                waiting.reason.clone().unwrap()
            } else if let Some(terminated) = &state.terminated {
                format!("{}({})", terminated.reason.as_ref().unwrap(), terminated.exit_code)
            } else {
                "running".to_owned()
            };
            format!("{}={text}*{}", known.name, known.restart_count)
        });
        let containers: Vec<String> = containers.collect();
        let ready = if condition("Ready") { " ready" } else { "" };
        let phase = status.phase.clone().unwrap();
        assert_eq!(format!("{phase}{ready} {}", containers.join(" ")), expected);
    }

    fn did(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.done), expected);
    }
}

#[test]
fn a_pod_starts_runs_and_ends_when_asked() {
    let mut w = world(ONE);
    w.feed(Event::Tick);
    w.did(&["0s prepare", "0s start 0#1"]);
    w.shows("Running ready a=running*0");
    w.feed(Event::Delete { grace_secs: 30 });
    w.did(&["0s Killing: Stopping container a", "0s stop 0", "0s tear down", "0s delete object"]);
    assert!(w.pod.is_gone());
}

#[test]
fn restarts_back_off_and_a_long_run_is_forgiven() {
    let mut w = world(ONE);
    w.feed(Event::Tick);
    w.exit(0, 1);
    w.shows("Running ready a=running*1");
    w.exit(0, 0);
    w.shows("Running a=CrashLoopBackOff*1");
    let back_off = "BackOff: Back-off restarting failed container a in pod web_default(u1)";
    w.did(&["0s prepare", "0s start 0#1", "0s start 0#2", &format!("0s {back_off}")]);
    let message = w.status().container_statuses.unwrap()[0].state.clone().unwrap().waiting.unwrap();
    assert_eq!(
        message.message.unwrap(),
        "back-off 10s restarting failed container=a pod=web_default(u1)"
    );
    w.pass(10);
    w.exit(0, 1);
    w.pass(20);
    w.did(&["10s start 0#3", &format!("10s {back_off}"), "30s start 0#4"]);
    w.pass(600);
    w.exit(0, 1);
    w.did(&["630s start 0#5"]);
    let last = w.status().container_statuses.unwrap()[0].last_state.clone().unwrap();
    assert_eq!(last.terminated.unwrap().exit_code, 1);
}

#[test]
fn policies_decide_whether_an_end_is_final() {
    let check = |policy: &str, code: i32, expected: &str| {
        let mut w = world(&format!(r#""restartPolicy":"{policy}",{ONE}"#));
        w.feed(Event::Tick);
        w.exit(0, code);
        w.shows(expected);
    };
    check("Never", 0, "Succeeded a=Completed(0)*0");
    check("Never", 3, "Failed a=Error(3)*0");
    check("OnFailure", 0, "Succeeded a=Completed(0)*0");
    check("OnFailure", 3, "Running ready a=running*1");
    check("Always", 0, "Running ready a=running*1");
}

const INIT: &str = r#""restartPolicy":"Never","initContainers":[{"name":"i","image":"x"},{"name":"s","image":"x","restartPolicy":"Always"},
    {"name":"j","image":"x"}],"containers":[{"name":"a","image":"web"}]"#;

#[test]
fn init_containers_run_in_order_and_sidecars_outlive_the_others() {
    let mut w = world(INIT);
    w.feed(Event::Tick);
    w.shows("Pending i=running*0 s=PodInitializing*0 j=PodInitializing*0 a=PodInitializing*0");
    w.exit(0, 0);
    w.did(&["0s prepare", "0s start 0#1", "0s start 1#1", "0s start 2#1"]);
    w.shows("Pending i=Completed(0)*0 s=running*0 j=running*0 a=PodInitializing*0");
    w.exit(2, 0);
    w.shows("Running ready i=Completed(0)*0 s=running*0 j=Completed(0)*0 a=running*0");
    w.exit(1, 1);
    w.exit(3, 0);
    w.did(&[
        "0s start 3#1",
        "0s start 1#2",
        "0s Killing: Stopping container s",
        "0s stop 1",
        "0s tear down",
    ]);
    w.shows("Succeeded i=Completed(0)*0 s=Error(143)*1 j=Completed(0)*0 a=Completed(0)*0");
}

#[test]
fn a_failed_init_container_fails_a_pod_that_must_not_restart() {
    let mut w = world(INIT);
    w.feed(Event::Tick);
    w.exit(0, 2);
    w.shows("Failed i=Error(2)*0 s=PodInitializing*0 j=PodInitializing*0 a=PodInitializing*0");
}

#[test]
fn a_grace_period_is_honoured_and_can_be_shortened() {
    let mut w = world(ONE);
    w.stubborn = vec![0];
    w.feed(Event::Tick);
    w.done.clear();
    w.feed(Event::Delete { grace_secs: 30 });
    w.pass(29);
    w.did(&["0s Killing: Stopping container a", "0s stop 0"]);
    w.feed(Event::Delete { grace_secs: 0 });
    w.did(&["29s kill 0", "29s tear down", "29s delete object"]);

    let mut w = world(ONE);
    w.feed(Event::Tick);
    w.done.clear();
    w.feed(Event::Removed);
    w.did(&["0s Killing: Stopping container a", "0s kill 0", "0s tear down"]);
}

#[test]
fn hooks_run_within_the_grace_period() {
    let hooks = r#""terminationGracePeriodSeconds":5,"containers":[{"name":"a","image":"web",
        "lifecycle":{"postStart":{"sleep":{"seconds":1}},"preStop":{"sleep":{"seconds":1}}}}]"#;
    let mut w = world(hooks);
    w.stubborn = vec![0];
    w.feed(Event::Tick);
    w.shows("Running ready a=running*0");
    w.feed(Event::Delete { grace_secs: 5 });
    w.pass(10);
    w.did(&[
        "0s prepare",
        "0s start 0#1",
        "0s postStart 0",
        "0s Killing: Stopping container a",
        "0s preStop 0 5s",
        "0s stop 0",
        "5s kill 0",
        "5s tear down",
        "5s delete object",
    ]);
}

#[test]
fn probes_keep_their_times_and_thresholds() {
    let probes = r#""containers":[{"name":"a","image":"web",
        "startupProbe":{"httpGet":{"port":80},"periodSeconds":2,"failureThreshold":3},
        "livenessProbe":{"httpGet":{"port":80},"periodSeconds":5,"failureThreshold":2},
        "readinessProbe":{"httpGet":{"port":80},"initialDelaySeconds":3,"periodSeconds":4,"successThreshold":2}}]"#;
    let mut w = world(probes);
    w.is_healthy = false;
    w.feed(Event::Tick);
    w.pass(1);
    w.shows("Running a=running*0");
    w.is_healthy = true;
    w.pass(2);
    let unhealthy = "Unhealthy: Startup probe failed: HTTP probe failed with statuscode: 500";
    // Passed at 2 s; what is overdue by then runs at once, readiness not before its delay.
    w.did(&[
        "0s prepare",
        "0s start 0#1",
        "0s probe 0 Startup",
        &format!("0s {unhealthy}"),
        "2s probe 0 Startup",
        "2s probe 0 Liveness",
        "3s probe 0 Readiness",
    ]);
    w.shows("Running a=running*0");
    w.pass(4);
    w.did(&["7s probe 0 Liveness", "7s probe 0 Readiness"]);
    w.shows("Running ready a=running*0");
    w.is_ready = false;
    w.is_healthy = false;
    w.pass(10);
    let failed = "Liveness probe failed: HTTP probe failed with statuscode: 500";
    assert!(w.done.contains(&format!("17s Unhealthy: {failed}")), "{:?}", w.done);
    assert!(
        w.done.contains(
            &"17s Killing: Container a failed liveness probe, will be restarted".to_owned()
        )
    );
    assert!(w.done.contains(&"17s start 0#2".to_owned()));
}

#[test]
fn a_missing_image_is_tried_again_with_back_off() {
    let mut w = world(ONE);
    w.feed(Event::Tick);
    let mut w = World { pod: Pod::new(w.pod.plan, w.now), done: Vec::new(), ..w };
    let failure = || Failure {
        reason: "ErrImagePull",
        message: "image web:latest not found".into(),
        kind: FailureKind::Again,
    };
    // Step by hand: the world would answer every pull.
    step(&mut w.pod, Event::Tick, w.now);
    step(&mut w.pod, Event::Prepared { ip: [1, 1, 1, 1].into() }, w.now);
    step(&mut w.pod, Event::PullFailed { container: 0, failure: failure() }, w.now);
    w.shows("Pending a=ErrImagePull*0");
    let due = deadline(&w.pod).unwrap();
    assert_eq!(due, after_secs(w.now, 2));
    step(&mut w.pod, Event::Tick, due);
    w.shows("Pending a=ImagePullBackOff*0");
    let retry = deadline(&w.pod).unwrap();
    assert_eq!(retry, after_secs(w.now, 10));
    let effects = step(&mut w.pod, Event::Tick, retry);
    assert!(effects.contains(&Effect::Pull { container: 0 }));
    step(&mut w.pod, Event::PullFailed { container: 0, failure: failure() }, retry);
    step(&mut w.pod, Event::Tick, after_secs(retry, 2));
    assert_eq!(deadline(&w.pod), Some(after_secs(retry, 20)));
}

#[test]
fn what_is_missing_waits_and_what_cannot_run_counts_as_ended() {
    let mut w = world(ONE);
    let failed = |reason, kind| Event::StartFailed {
        container: 0,
        instance: 1,
        failure: Failure { reason, message: "configmap \"c\" not found".into(), kind },
    };
    let begin = |w: &mut World| {
        w.pod = Pod::new(w.pod.plan.clone(), w.now);
        step(&mut w.pod, Event::Tick, w.now);
        step(&mut w.pod, Event::Prepared { ip: [1, 1, 1, 1].into() }, w.now);
        let image = Image { id: String::new(), note: String::new() };
        step(&mut w.pod, Event::Pulled { container: 0, image }, w.now);
    };
    begin(&mut w);
    step(&mut w.pod, failed("CreateContainerConfigError", FailureKind::Again), w.now);
    w.shows("Pending a=CreateContainerConfigError*0");
    assert_eq!(deadline(&w.pod), Some(after_secs(w.now, 10)));
    begin(&mut w);
    step(&mut w.pod, failed("CreateContainerError", FailureKind::Stuck), w.now);
    assert_eq!(deadline(&w.pod), None);
    begin(&mut w);
    let effects = step(&mut w.pod, failed("ContainerCannotRun", FailureKind::Ended), w.now);
    assert!(effects.contains(&Effect::Pull { container: 0 }));
}

#[test]
fn a_pod_past_its_deadline_fails() {
    let mut w = world(&format!(r#""activeDeadlineSeconds":60,{ONE}"#));
    w.feed(Event::Tick);
    w.pass(60);
    w.shows("Failed a=Error(143)*0");
    assert_eq!(w.status().reason.as_deref(), Some("DeadlineExceeded"));
    w.feed(Event::Delete { grace_secs: 30 });
    assert_eq!(w.done.last().unwrap(), "60s delete object");
}

#[test]
fn after_a_restart_of_the_process_the_same_pod_runs_again() {
    let mut w = world(INIT.replace(r#""restartPolicy":"Never","#, "").as_str());
    w.feed(Event::Tick);
    w.exit(0, 0);
    w.exit(2, 0);
    w.exit(3, 1);
    w.shows("Running ready i=Completed(0)*0 s=running*0 j=Completed(0)*0 a=running*1");
    w.object.status = Some(w.status());
    w.pod = Pod::restore(&w.object, w.now);
    w.done.clear();
    w.feed(Event::Tick);
    w.did(&["0s prepare", "0s start 1#2", "0s start 3#3"]);
    w.shows("Running ready i=Completed(0)*0 s=running*1 j=Completed(0)*0 a=running*2");
    let last = w.status().container_statuses.unwrap()[0].last_state.clone().unwrap();
    assert_eq!(last.terminated.unwrap().exit_code, 255);
}

/// Any event about any container and instance, sensible or not.
fn any_event() -> impl Strategy<Value = Event> {
    let at = || (0_usize..4, 0_u32..4);
    let failure = |kind| Failure { reason: "Reason", message: "m".into(), kind };
    let kinds =
        prop_oneof![Just(FailureKind::Again), Just(FailureKind::Ended), Just(FailureKind::Stuck)];
    let probes = prop_oneof![Just(Kind::Startup), Just(Kind::Liveness), Just(Kind::Readiness)];
    let error = || prop::option::of(Just("e".to_owned()));
    prop_oneof![
        Just(Event::Tick),
        Just(Event::Prepared { ip: [1, 1, 1, 1].into() }),
        Just(Event::PrepareFailed { message: "m".into() }),
        (0_usize..4).prop_map(|container| Event::Pulled {
            container,
            image: Image { id: "i".into(), note: String::new() }
        }),
        (0_usize..4, kinds.clone()).prop_map(move |(container, kind)| Event::PullFailed {
            container,
            failure: failure(kind)
        }),
        at().prop_map(|(container, instance)| Event::Started { container, instance }),
        (at(), kinds).prop_map(move |((container, instance), kind)| Event::StartFailed {
            container,
            instance,
            failure: failure(kind)
        }),
        (at(), 0..3_i32).prop_map(|((container, instance), code)| Event::Exited {
            container,
            instance,
            code,
            reason: "Error",
            message: String::new()
        }),
        (at(), error()).prop_map(|((container, instance), error)| Event::Hooked {
            container,
            instance,
            error
        }),
        (at(), probes, error()).prop_map(|((container, instance), kind, error)| Event::Probed {
            container,
            instance,
            kind,
            error
        }),
        Just(Event::TornDown),
    ]
}

const FULL: &str = r#""terminationGracePeriodSeconds":30,"initContainers":[{"name":"i","image":"x"},{"name":"s","image":"x","restartPolicy":"Always"}],
    "containers":[{"name":"a","image":"web","livenessProbe":{"httpGet":{"port":80}},"readinessProbe":{"tcpSocket":{"port":80}},
    "lifecycle":{"preStop":{"sleep":{"seconds":5}}}},{"name":"b","image":"web","startupProbe":{"httpGet":{"port":80}}}]"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_pod_asked_to_stop_ends_in_time(
        events in prop::collection::vec((any_event(), 0_i64..20), 0..60),
        grace_secs in 0_i64..40,
        stubborn in prop::collection::vec(0_usize..4, 0..4),
    ) {
        let mut w = world(FULL);
        w.stubborn = stubborn;
        // Chaos: answers arrive wrong, late or never.
        for (event, wait) in events {
            step(&mut w.pod, event, w.now);
            w.now = after_secs(w.now, wait);
            let status = w.status();
            prop_assert!(["Pending", "Running", "Succeeded", "Failed"].contains(&status.phase.unwrap().as_str()));
        }
        w.done.clear();
        let asked = w.now;
        w.feed(Event::Delete { grace_secs });
        // What was under way answers now, as it must.
        for container in 0..4 {
            let state = &w.pod.containers[container];
            let instance = state.instance;
            if let State::Stopping(stopping) = &state.state {
                if stopping.phase == StopPhase::Hook {
                    w.feed(Event::Hooked { container, instance, error: None });
                } else if is_killed(stopping.phase) || !w.stubborn.contains(&container) {
                    w.exit(container, 137);
                }
            }
        }
        if matches!(w.pod.stage, Stage::TearingDown(_)) {
            w.feed(Event::TornDown);
        }
        for _ in 0..10 {
            w.pass(grace_secs + 3);
        }
        prop_assert!(w.pod.is_gone());
        let slack = 3 * (GRACE_SECS_MIN + 1) + grace_secs;
        let last = w.done.iter().rfind(|line| line.contains("kill"));
        if let Some(last) = last {
            let secs: i64 = last.split('s').next().unwrap().parse().unwrap();
            let since = asked.as_second() - w.start.as_second();
            prop_assert!(secs - since <= slack, "{:?}", w.done);
        }
        // No effect follows the final state.
        w.done.clear();
        w.feed(Event::Tick);
        w.feed(Event::Delete { grace_secs: 0 });
        prop_assert!(w.done.is_empty());
    }

    #[test]
    fn waits_between_restarts_never_shrink_within_a_crash_loop(runs in prop::collection::vec(0_i64..500, 1..20)) {
        let mut w = world(ONE);
        w.feed(Event::Tick);
        let mut longest = 0;
        for run in runs {
            w.pass(run);
            w.exit(0, 1);
            if let State::BackingOff { wait_secs, .. } = &w.pod.containers[0].state {
                let wait = *wait_secs;
                prop_assert!(wait >= longest && wait <= 300);
                longest = wait;
                w.pass(wait);
            }
        }
    }

    #[test]
    fn the_machine_never_spins(seed in 0_u32..64) {
        let mut w = world(FULL);
        w.is_healthy = seed % 2 == 0;
        w.is_ready = seed % 3 == 0;
        w.feed(Event::Tick);
        w.exit(0, 0);
        w.pass(i64::from(seed) * 20);
        // At most a probe of each kind a second, and the events they cause.
        prop_assert!(w.done.len() < 200 + usize::try_from(seed).unwrap() * 200);
    }
}
