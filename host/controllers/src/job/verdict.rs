//! Whether a Job is done, and how: reason and message of the condition that ends it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::{JobSpec, PodFailurePolicyRule};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::Tally;
use super::indexes;
use crate::pods;

/// How a Job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) is_success: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

fn failed(reason: &str, message: &str) -> Verdict {
    Verdict { is_success: false, reason: reason.to_owned(), message: message.to_owned() }
}

fn succeeded(reason: &str, message: &str) -> Verdict {
    Verdict { is_success: true, reason: reason.to_owned(), message: message.to_owned() }
}

pub(super) fn of(spec: &JobSpec, tally: &Tally<'_>) -> Option<Verdict> {
    by_policy(spec, &tally.newly_failed)
        .or_else(|| by_limits(spec, tally))
        .or_else(|| by_indexes(spec, tally))
        .or_else(|| by_completion(spec, tally))
}

fn by_limits(spec: &JobSpec, tally: &Tally<'_>) -> Option<Verdict> {
    let limit = spec.backoff_limit.unwrap_or(6);
    if tally.failed > limit || (restarts_count(spec) && tally.restarts >= limit.max(1)) {
        return Some(failed("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    let deadline = SignedDuration::from_secs(spec.active_deadline_seconds?);
    let started = tally.started?;
    let text = "Job was active longer than specified deadline";
    (tally.now.duration_since(started) >= deadline).then(|| failed("DeadlineExceeded", text))
}

/// Containers that restart in place count as failures of their own.
fn restarts_count(spec: &JobSpec) -> bool {
    let policy = spec.template.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    policy == Some("OnFailure")
}

fn by_indexes(spec: &JobSpec, tally: &Tally<'_>) -> Option<Verdict> {
    if spec.backoff_limit_per_index.is_some() {
        let failed_count = i32::try_from(tally.failed_indexes.len()).unwrap_or(i32::MAX);
        if spec.max_failed_indexes.is_some_and(|most| failed_count > most) {
            let text = "Job has exceeded the specified maximal number of failed indexes";
            return Some(failed("MaxFailedIndexesExceeded", text));
        }
        let done = tally.failed_indexes.len() + tally.completed_indexes.len();
        let all = spec.completions.and_then(|count| usize::try_from(count).ok());
        if !tally.failed_indexes.is_empty() && Some(done) >= all {
            return Some(failed("FailedIndexes", "Job has failed indexes"));
        }
    }
    let rules = spec.success_policy.as_ref().map(|policy| &policy.rules);
    for (place, rule) in rules.into_iter().flatten().enumerate() {
        let asked: Option<BTreeSet<i32>> = rule.succeeded_indexes.as_deref().map(indexes::parse);
        let met: Vec<&i32> = match &asked {
            Some(asked) => tally.completed_indexes.intersection(asked).collect(),
            None => tally.completed_indexes.iter().collect(),
        };
        let count = i32::try_from(met.len()).unwrap_or(i32::MAX);
        let enough = match (rule.succeeded_count, &asked) {
            (Some(least), _) => count >= least,
            (None, Some(asked)) => met.len() == asked.len(),
            (None, None) => false,
        };
        if enough {
            let text = format!("Matched rules at index {place}");
            return Some(succeeded("SuccessPolicy", &text));
        }
    }
    None
}

fn by_completion(spec: &JobSpec, tally: &Tally<'_>) -> Option<Verdict> {
    let done = match spec.completions {
        None => tally.succeeded > 0 && tally.active == 0,
        Some(count) => tally.succeeded >= count && tally.active == 0,
    };
    let text = "Reached expected number of succeeded pods";
    done.then(|| succeeded("CompletionsReached", text))
}

/// Rules about how Pods failed: the first that matches a Pod decides about it.
fn by_policy(spec: &JobSpec, newly_failed: &[&Arc<Pod>]) -> Option<Verdict> {
    let rules = &spec.pod_failure_policy.as_ref()?.rules;
    newly_failed.iter().find_map(|pod| {
        let (place, rule, text) = first_match(rules, pod)?;
        let text = format!("{text} matching {} rule at index {place}", rule.action);
        (rule.action == "FailJob").then(|| failed("PodFailurePolicy", &text))
    })
}

/// Whether a Pod's failure does not count.
pub(super) fn is_ignored(spec: &JobSpec, pod: &Pod) -> bool {
    let rules = spec.pod_failure_policy.as_ref().map(|policy| &policy.rules);
    rules
        .and_then(|rules| first_match(rules, pod))
        .is_some_and(|(_, rule, _)| rule.action == "Ignore")
}

/// Whether a Pod's failure fails its index at once.
pub(super) fn fails_index(spec: &JobSpec, pod: &Pod) -> bool {
    let rules = spec.pod_failure_policy.as_ref().map(|policy| &policy.rules);
    let rule = rules.and_then(|rules| first_match(rules, pod));
    rule.is_some_and(|(_, rule, _)| rule.action == "FailIndex")
}

fn first_match<'a>(
    rules: &'a [PodFailurePolicyRule],
    pod: &Pod,
) -> Option<(usize, &'a PodFailurePolicyRule, String)> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
    let name = pod.metadata.name.as_deref().unwrap_or("");
    rules.iter().enumerate().find_map(|(place, rule)| {
        if let Some(asked) = &rule.on_exit_codes {
            let found = statuses(pod).find_map(|status| {
                let ended = status.state.as_ref()?.terminated.as_ref()?;
                let named = asked.container_name.as_ref().is_none_or(|name| *name == status.name);
                let is_in = asked.values.contains(&ended.exit_code);
                let holds = ended.exit_code != 0 && is_in == (asked.operator == "In");
                (named && holds).then_some((&status.name, ended.exit_code))
            });
            return found.map(|(container, code)| {
                let text = format!(
                    "Container {container} for pod {namespace}/{name} failed with exit code {code}"
                );
                (place, rule, text)
            });
        }
        let patterns = rule.on_pod_conditions.iter().flatten();
        let mut found = patterns.filter(|pattern| {
            let status = pattern.status.as_deref().unwrap_or("True");
            pods::condition(pod, &pattern.type_).is_some_and(|c| c.status == status)
        });
        let pattern = found.next()?;
        let text = format!("Pod {namespace}/{name} has condition {}", pattern.type_);
        Some((place, rule, text))
    })
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let main = status.and_then(|status| status.container_statuses.as_ref());
    let init = status.and_then(|status| status.init_container_statuses.as_ref());
    main.into_iter().flatten().chain(init.into_iter().flatten())
}
