//! Probes, and handlers that run when a container starts or stops.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/>.

use k8s_openapi::api::core::v1::{
    Container, ExecAction, GRPCAction, HTTPGetAction, Lifecycle, LifecycleHandler, Probe,
    SleepAction, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::names;

use super::Context;
use super::container::port_number;
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// The three probes of a container.
pub(super) fn all(errors: &mut Errors, at: &At<'_>, container: &Container) {
    if let Some(liveness) = &container.liveness_probe {
        let at = at.field("livenessProbe");
        probe(errors, &at, liveness);
        succeeds_once(errors, &at, liveness);
    }
    if let Some(readiness) = &container.readiness_probe {
        let at = at.field("readinessProbe");
        probe(errors, &at, readiness);
        if let Some(secs) = readiness.termination_grace_period_seconds {
            let detail = "must not be set for readinessProbes";
            errors.invalid(&at.field("terminationGracePeriodSeconds"), secs, detail);
        }
    }
    if let Some(startup) = &container.startup_probe {
        let at = at.field("startupProbe");
        probe(errors, &at, startup);
        succeeds_once(errors, &at, startup);
    }
}

fn succeeds_once(errors: &mut Errors, at: &At<'_>, probe: &Probe) {
    let threshold = probe.success_threshold.unwrap_or_default();
    if threshold != 1 {
        errors.invalid(&at.field("successThreshold"), threshold, "must be 1");
    }
}

fn probe(errors: &mut Errors, at: &At<'_>, probe: &Probe) {
    let handler = Handler {
        exec: probe.exec.as_ref(),
        http_get: probe.http_get.as_ref(),
        tcp_socket: probe.tcp_socket.as_ref(),
        grpc: probe.grpc.as_ref(),
        sleep: None,
    };
    handler.validate(errors, at, None);
    for (name, value) in [
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ] {
        errors.not_negative(&at.field(name), i64::from(value.unwrap_or_default()));
    }
    if let Some(secs) = probe.termination_grace_period_seconds.filter(|secs| *secs <= 0) {
        let at = at.field("terminationGracePeriodSeconds");
        errors.invalid(&at, secs, "must be greater than 0");
    }
}

/// What to run after a container started and before it stops.
pub(super) fn lifecycle(
    errors: &mut Errors,
    at: &At<'_>,
    lifecycle: Option<&Lifecycle>,
    context: &Context<'_>,
) {
    let Some(lifecycle) = lifecycle else { return };
    let grace = context.spec.termination_grace_period_seconds;
    for (name, handler) in [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)]
    {
        if let Some(handler) = handler {
            Handler::from(handler).validate(errors, &at.field(name), grace);
        }
    }
    if let Some(signal) = &lifecycle.stop_signal {
        stop_signal(errors, &at.field("stopSignal"), signal, context);
    }
}

fn stop_signal(errors: &mut Errors, at: &At<'_>, signal: &str, context: &Context<'_>) {
    match context.spec.os.as_ref().map(|os| os.name.as_str()) {
        None => {
            let detail = "may not be set for containers with empty `spec.os.name`";
            errors.forbidden(at, detail);
        }
        Some("windows") => errors.one_of(at, signal, &["SIGKILL", "SIGTERM"]),
        Some("linux") => errors.one_of(at, signal, SIGNALS),
        Some(_) => {}
    }
}

/// The actions that probes and handlers have in common.
struct Handler<'a> {
    exec: Option<&'a ExecAction>,
    http_get: Option<&'a HTTPGetAction>,
    tcp_socket: Option<&'a TCPSocketAction>,
    grpc: Option<&'a GRPCAction>,
    sleep: Option<&'a SleepAction>,
}

impl<'a> From<&'a LifecycleHandler> for Handler<'a> {
    fn from(handler: &'a LifecycleHandler) -> Self {
        Self {
            exec: handler.exec.as_ref(),
            http_get: handler.http_get.as_ref(),
            tcp_socket: handler.tcp_socket.as_ref(),
            grpc: None,
            sleep: handler.sleep.as_ref(),
        }
    }
}

impl Handler<'_> {
    fn validate(&self, errors: &mut Errors, at: &At<'_>, grace: Option<i64>) {
        let given = [
            ("exec", self.exec.is_some()),
            ("httpGet", self.http_get.is_some()),
            ("tcpSocket", self.tcp_socket.is_some()),
            ("grpc", self.grpc.is_some()),
            ("sleep", self.sleep.is_some()),
        ];
        let mut given = given.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name);
        let Some(first) = given.next() else {
            errors.required(at, "must specify a handler type");
            return;
        };
        self.validate_first(errors, &at.field(first), grace);
        for other in given {
            errors.forbidden(&at.field(other), "may not specify more than 1 handler type");
        }
    }

    fn validate_first(&self, errors: &mut Errors, at: &At<'_>, grace: Option<i64>) {
        if let Some(exec) = self.exec {
            if exec.command.is_unset() {
                errors.required(&at.field("command"), "");
            }
        } else if let Some(action) = self.http_get {
            http_get(errors, at, action);
        } else if let Some(action) = self.tcp_socket {
            port_number_or_name(errors, &at.field("port"), &action.port);
        } else if let Some(action) = self.grpc {
            port_number(errors, &at.field("port"), action.port);
        } else if let (Some(action), Some(grace)) = (self.sleep, grace)
            && (action.seconds < 0 || action.seconds > grace)
        {
            let detail = format!(
                "must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            );
            errors.invalid(at, action.seconds, detail);
        }
    }
}

fn http_get(errors: &mut Errors, at: &At<'_>, action: &HTTPGetAction) {
    if action.path.is_unset() {
        errors.required(&at.field("path"), "");
    }
    port_number_or_name(errors, &at.field("port"), &action.port);
    errors.one_of(&at.field("scheme"), action.scheme.or_empty(), &["HTTP", "HTTPS"]);
    for header in action.http_headers.or_empty() {
        let messages = names::is_http_header_name(&header.name);
        errors.invalid_each(&at.field("httpHeaders"), &header.name, messages);
    }
}

/// A port by number or by name.
pub(crate) fn port_number_or_name(errors: &mut Errors, at: &At<'_>, port: &IntOrString) {
    match port {
        IntOrString::Int(number) => port_number(errors, at, *number),
        IntOrString::String(name) => errors.invalid_each(at, name, names::is_port_name(name)),
    }
}

const SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMAX-1",
    "SIGRTMAX-10",
    "SIGRTMAX-11",
    "SIGRTMAX-12",
    "SIGRTMAX-13",
    "SIGRTMAX-14",
    "SIGRTMAX-2",
    "SIGRTMAX-3",
    "SIGRTMAX-4",
    "SIGRTMAX-5",
    "SIGRTMAX-6",
    "SIGRTMAX-7",
    "SIGRTMAX-8",
    "SIGRTMAX-9",
    "SIGRTMIN",
    "SIGRTMIN+1",
    "SIGRTMIN+10",
    "SIGRTMIN+11",
    "SIGRTMIN+12",
    "SIGRTMIN+13",
    "SIGRTMIN+14",
    "SIGRTMIN+15",
    "SIGRTMIN+2",
    "SIGRTMIN+3",
    "SIGRTMIN+4",
    "SIGRTMIN+5",
    "SIGRTMIN+6",
    "SIGRTMIN+7",
    "SIGRTMIN+8",
    "SIGRTMIN+9",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];
