//! What validating and mutating webhooks share.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>.

use std::collections::BTreeSet;

use expressions::admission::Composer;
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, RuleWithOperations, ServiceReference, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use meta::{Tree, names};

use super::match_resources::MATCH_POLICIES;
use super::{conditions, rules};
use crate::check::{At, Errors, json};
use crate::columns::{self, Column};
use crate::label_selector;
use crate::wire::{OrEmpty, default_absent};

pub(super) const FAILURE_POLICIES: &[&str] = &["Fail", "Ignore"];
pub(super) const REINVOCATION_POLICIES: &[&str] = &["IfNeeded", "Never"];
const SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun"];
/// Versions of reviews that this server or one before it knows.
const REVIEW_VERSIONS: &[&str] = &["v1", "v1beta1"];
const TIMEOUT_SECS: std::ops::RangeInclusive<i32> = 1..=30;
const DEFAULT_TIMEOUT_SECS: i32 = 10;
pub(crate) const DEFAULT_PORT: i32 = 443;

pub(super) const COLUMNS: &[Column] = &[
    columns::NAME,
    Column::text(
        "Webhooks",
        "Webhooks indicates the number of webhooks registered in this configuration",
    )
    .integer(),
    columns::AGE,
];

/// The cells of a configuration with so many webhooks.
pub(super) fn row(metadata: &ObjectMeta, count: usize, now: Timestamp) -> Vec<Tree> {
    vec![columns::name(metadata), Tree::from(count), columns::age(metadata, now)]
}

/// A webhook of either kind.
pub(super) struct Webhook<'a> {
    pub(super) name: &'a str,
    pub(super) rules: &'a [RuleWithOperations],
    pub(super) failure_policy: Option<&'a String>,
    pub(super) match_policy: Option<&'a String>,
    pub(super) side_effects: &'a str,
    pub(super) timeout_secs: Option<i32>,
    pub(super) namespace_selector: Option<&'a LabelSelector>,
    pub(super) object_selector: Option<&'a LabelSelector>,
    pub(super) reinvocation_policy: Option<&'a String>,
    pub(super) client: &'a WebhookClientConfig,
    pub(super) conditions: &'a [MatchCondition],
    pub(super) review_versions: &'a [String],
}

/// The places of a webhook that have defaults.
pub(super) struct Defaulted<'a> {
    pub(super) failure_policy: &'a mut Option<String>,
    pub(super) match_policy: &'a mut Option<String>,
    pub(super) namespace_selector: &'a mut Option<LabelSelector>,
    pub(super) object_selector: &'a mut Option<LabelSelector>,
    pub(super) timeout_secs: &'a mut Option<i32>,
    pub(super) client: &'a mut WebhookClientConfig,
    pub(super) rules: &'a mut Option<Vec<RuleWithOperations>>,
}

impl Defaulted<'_> {
    pub(super) fn set(self) {
        default_absent(self.failure_policy, "Fail");
        default_absent(self.match_policy, "Equivalent");
        self.namespace_selector.get_or_insert_default();
        self.object_selector.get_or_insert_default();
        self.timeout_secs.get_or_insert(DEFAULT_TIMEOUT_SECS);
        if let Some(service) = &mut self.client.service {
            service.port.get_or_insert(DEFAULT_PORT);
        }
        for rule in self.rules.iter_mut().flatten() {
            rules::default_scope(&mut rule.scope);
        }
    }
}

/// What an update may keep although a new webhook may not have it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    conditions: bool,
    side_effects: bool,
    review_versions: bool,
    names: bool,
    selectors: bool,
}

impl Kept {
    /// What the old object had already.
    pub(super) fn of(new: &[Webhook<'_>], old: &[Webhook<'_>]) -> Self {
        let same_conditions = new.len() == old.len()
            && new.iter().zip(old).all(|(new, old)| new.conditions == old.conditions);
        let unknown = |hook: &Webhook<'_>| {
            !hook.review_versions.is_empty() && !knows_a_version(hook.review_versions)
        };
        let names: BTreeSet<&str> = old.iter().map(|hook| hook.name).collect();
        Self {
            conditions: same_conditions,
            side_effects: old.iter().any(|hook| !SIDE_EFFECTS.contains(&hook.side_effects)),
            review_versions: old.iter().any(unknown),
            names: names.len() < old.len(),
            selectors: old.iter().any(has_bad_selector),
        }
    }
}

fn knows_a_version(versions: &[String]) -> bool {
    versions.iter().any(|version| REVIEW_VERSIONS.contains(&version.as_str()))
}

fn has_bad_selector(hook: &Webhook<'_>) -> bool {
    let mut errors = Errors::new();
    validate_selectors(&mut errors, &At::root(""), hook);
    !errors.is_empty()
}

pub(super) fn validate(errors: &mut Errors, hooks: &[Webhook<'_>], kept: Kept) {
    let all = At::root("webhooks");
    let composer = Composer::new(false, false, false);
    let mut seen = BTreeSet::new();
    for (index, hook) in hooks.iter().enumerate() {
        let at = all.index(index);
        validate_one(errors, &at, hook, kept, &composer);
        let versions = at.field("admissionReviewVersions");
        validate_versions(errors, &versions, hook.review_versions, kept);
        if !kept.names && !hook.name.is_empty() && !seen.insert(hook.name) {
            errors.duplicate(&at.field("name"), hook.name);
        }
    }
}

fn validate_one(
    errors: &mut Errors,
    at: &At<'_>,
    hook: &Webhook<'_>,
    kept: Kept,
    composer: &Composer,
) {
    validate_name(errors, &at.field("name"), hook.name);
    let all = at.field("rules");
    for (index, rule) in hook.rules.iter().enumerate() {
        rules::validate(errors, &all.index(index), rule);
    }
    let known = |errors: &mut Errors, name: &str, value: Option<&String>, allowed: &[&str]| {
        if let Some(value) = value {
            errors.one_of(&at.field(name), value, allowed);
        }
    };
    known(errors, "failurePolicy", hook.failure_policy, FAILURE_POLICIES);
    known(errors, "matchPolicy", hook.match_policy, MATCH_POLICIES);
    validate_side_effects(errors, &at.field("sideEffects"), hook.side_effects, kept);
    if let Some(secs) = hook.timeout_secs.filter(|secs| !TIMEOUT_SECS.contains(secs)) {
        let detail = "the timeout value must be between 1 and 30 seconds";
        errors.invalid(&at.field("timeoutSeconds"), secs, detail);
    }
    if !kept.selectors {
        validate_selectors(errors, at, hook);
    }
    known(errors, "reinvocationPolicy", hook.reinvocation_policy, REINVOCATION_POLICIES);
    validate_client(errors, &at.field("clientConfig"), hook.client);
    if !kept.conditions {
        conditions::validate(errors, &at.field("matchConditions"), hook.conditions, composer);
    }
}

fn validate_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    let messages = names::is_dns1123_subdomain(name);
    if name.is_empty() {
        errors.required(at, "");
    } else if !messages.is_empty() {
        errors.invalid(at, name, messages.join(","));
    } else if name.split('.').count() < 3 {
        let detail = "should be a domain with at least three segments separated by dots";
        errors.invalid(at, name, detail);
    }
}

fn validate_side_effects(errors: &mut Errors, at: &At<'_>, value: &str, kept: Kept) {
    const ALL: &[&str] = &["None", "NoneOnDryRun", "Some", "Unknown"];
    let allowed = if kept.side_effects { ALL } else { SIDE_EFFECTS };
    if value.is_empty() {
        errors.required(at, format!("must specify one of {}", allowed.join(", ")));
    } else {
        errors.one_of(at, value, allowed);
    }
}

fn validate_selectors(errors: &mut Errors, at: &At<'_>, hook: &Webhook<'_>) {
    label_selector::validate(errors, &at.field("namespaceSelector"), hook.namespace_selector);
    label_selector::validate(errors, &at.field("objectSelector"), hook.object_selector);
}

fn validate_versions(errors: &mut Errors, all: &At<'_>, versions: &[String], kept: Kept) {
    let known = REVIEW_VERSIONS.join(", ");
    if versions.is_empty() {
        errors.required(all, format!("must specify one of {known}"));
        return;
    }
    validate_version_names(errors, all, versions);
    if !kept.review_versions && !knows_a_version(versions) {
        errors.invalid(all, json(&versions), format!("must include at least one of {known}"));
    }
}

/// Each is a name, and each is there once.
pub(crate) fn validate_version_names(errors: &mut Errors, all: &At<'_>, versions: &[String]) {
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let at = all.index(index);
        if seen.insert(version) {
            errors.invalid_each(&at, version, names::is_dns1035_label(version));
        } else {
            errors.invalid(&at, version, "duplicate version");
        }
    }
}

fn validate_client(errors: &mut Errors, at: &At<'_>, client: &WebhookClientConfig) {
    match (&client.url, &client.service) {
        (Some(url), None) => validate_url(errors, &at.field("url"), url),
        (None, Some(service)) => validate_service(errors, &at.field("service"), service),
        _ => errors.required(at, "exactly one of url or service is required"),
    }
}

const FORM: &str = "; desired format: https://host[/path]";

pub(crate) fn validate_url(errors: &mut Errors, at: &At<'_>, url: &str) {
    if let Some(problem) = unreadable(url) {
        let detail =
            format!("url must be a valid URL: parse {}: {problem}{FORM}", meta::quote(url));
        errors.required(at, detail);
        return;
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let authority = authority.split('/').next().unwrap_or_default();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if !scheme.eq_ignore_ascii_case("https") {
        let detail = format!("'https' is the only allowed URL scheme{FORM}");
        errors.invalid(at, scheme.to_ascii_lowercase(), detail);
    }
    if host.is_empty() {
        errors.invalid(at, host, format!("host must be specified{FORM}"));
    }
    if let Some(user) = user {
        errors.invalid(at, user, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        errors.invalid(at, fragment, "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        errors.invalid(at, query, "query parameters are not permitted in the URL");
    }
}

/// Why a text is no URL at all.
fn unreadable(url: &str) -> Option<&'static str> {
    let has_scheme = url.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if url.chars().any(|char| char.is_ascii_control()) {
        Some("net/url: invalid control character in URL")
    } else if url.starts_with(':') {
        Some("missing protocol scheme")
    } else if has_scheme && !url.starts_with(|char: char| char.is_ascii_alphabetic()) {
        Some("first path segment in URL cannot contain colon")
    } else {
        None
    }
}

pub(crate) fn validate_service(errors: &mut Errors, at: &At<'_>, service: &ServiceReference) {
    // Kubernetes confuses the two, and clients see the field that it names.
    for (field, value) in [("name", &service.namespace), ("namespace", &service.name)] {
        if value.is_empty() {
            errors.required(&at.field(field), "");
        }
    }
    let port = service.port.unwrap_or(DEFAULT_PORT);
    let problems = names::is_port_number(port.into());
    if !problems.is_empty() {
        let detail = format!("port is not valid: {}", problems.join(","));
        errors.invalid(&at.field("port"), port, detail);
    }
    validate_path(errors, &at.field("path"), service.path.or_empty());
}

fn validate_path(errors: &mut Errors, at: &At<'_>, path: &str) {
    if path.is_empty() || path == "/" {
        return;
    }
    if path == "//" {
        errors.invalid(at, path, "segment[0] may not be empty");
    }
    if !path.starts_with('/') {
        errors.invalid(at, path, "must start with a '/'");
    }
    let segments = path.get(1..).unwrap_or_default();
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    for (index, segment) in segments.split('/').enumerate() {
        if segment.is_empty() {
            errors.invalid(at, path, format!("segment[{index}] may not be empty"));
            continue;
        }
        for problem in names::is_dns1123_subdomain(segment) {
            errors.invalid(at, path, format!("segment[{index}]: {problem}"));
        }
    }
}
