//! How a Job comes to its selector: it selects the labels that it puts on its Pods, unless the client wants it otherwise.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-selector>.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::field::FieldError;
use meta::names;
use meta::selector::label::Selector;

use super::{SPEC, spec};
use crate::check::{At, Errors, json};
use crate::internal;
use crate::wire::OrEmpty;

const UID_LABEL: &str = "batch.kubernetes.io/controller-uid";
const NAME_LABEL: &str = "batch.kubernetes.io/job-name";
/// Labels from the time before they had a domain.
const OLD_UID_LABEL: &str = "controller-uid";
const OLD_NAME_LABEL: &str = "job-name";

/// A Job without labels has those of its template.
pub(super) fn default_labels(job: &mut Job) {
    if copy_labels(job) {
        // An empty list, which encoding drops again, tells `select_own_pods` that the labels are those of the template.
        job.status.get_or_insert_default().conditions.get_or_insert_default();
    }
}

/// Returns whether there was something to copy.
fn copy_labels(job: &mut Job) -> bool {
    let copies = job.metadata.labels.is_unset() && !template_labels(job).is_empty();
    if copies {
        job.metadata.labels = Some(template_labels(job).clone());
    }
    copies
}

fn template_labels(job: &Job) -> &BTreeMap<String, String> {
    let metadata = job.spec.as_ref().and_then(|spec| spec.template.metadata.as_ref());
    metadata.map_or(const { &BTreeMap::new() }, |metadata| metadata.labels.or_empty())
}

fn generates_selector(job: &Job) -> bool {
    job.spec.as_ref().is_some_and(|spec| spec.manual_selector != Some(true))
}

/// The labels by which a Job finds its Pods, each with the value that it must have.
fn own_labels(metadata: &ObjectMeta) -> [(&'static str, &str); 4] {
    let (uid, name) = (metadata.uid.or_empty(), metadata.name.or_empty());
    [(OLD_UID_LABEL, uid), (OLD_NAME_LABEL, name), (UID_LABEL, uid), (NAME_LABEL, name)]
}

/// Labels the Pods of a new Job and selects the label. What the client wrote there stays, and is refused later if it is something else.
pub(super) fn select_own_pods(job: &mut Job) {
    let marked =
        job.status.as_mut().and_then(|status| status.conditions.take_if(|list| list.is_empty()));
    let shares_labels = marked.is_some();
    if generates_selector(job)
        && let Some(spec) = &mut job.spec
    {
        let labels = spec.template.metadata.get_or_insert_default();
        let labels = labels.labels.get_or_insert_default();
        for (key, value) in own_labels(&job.metadata) {
            labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        let selector = spec.selector.get_or_insert_default();
        let uid = job.metadata.uid.or_empty().to_owned();
        let selected = selector.match_labels.get_or_insert_default();
        selected.entry(UID_LABEL.to_owned()).or_insert(uid);
    }
    if shares_labels {
        job.metadata.labels = None;
    }
    copy_labels(job);
}

/// What is wrong with a new Job.
pub(super) fn validate(job: &Job) -> Vec<FieldError> {
    let mut errors = Errors::new();
    own_selector(&mut errors, job);
    if let Some(spec) = &job.spec {
        spec::validate_selecting(&mut errors, &SPEC, spec);
    }
    name_fits_indexes(&mut errors, job);
    errors.into_list()
}

/// A selector that was to be generated is the generated one.
fn own_selector(errors: &mut Errors, job: &Job) {
    let selector = job.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let Some(selector) = selector.filter(|_| generates_selector(job)) else { return };
    if job.metadata.uid.is_unset() {
        errors.required(&At::root("metadata").field("uid"), "");
    }
    let template_at = SPEC.field("template");
    let metadata_at = template_at.field("metadata");
    let labels_at = metadata_at.field("labels");
    let labels = template_labels(job);
    let wanted = own_labels(&job.metadata);
    for (key, value) in wanted {
        let at = labels_at.key(key);
        let detail = format!("must be '{value}'");
        match labels.get(key) {
            None => errors.required(&at, detail),
            Some(label) if label != value => errors.invalid(&at, json(labels), detail),
            Some(_) => {}
        }
    }
    let wanted = wanted.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    let wanted: BTreeMap<String, String> = wanted.collect();
    if Selector::from(selector).is_ok_and(|selector| !selector.matches_labels(&wanted)) {
        let shown = internal::value("@LabelSelector", selector);
        errors.invalid(&SPEC.field("selector"), shown, "`selector` not auto-generated");
    }
}

/// Pods of an indexed Job have host names that end in their index.
pub(super) fn name_fits_indexes(errors: &mut Errors, job: &Job) {
    let Some(spec) = &job.spec else { return };
    let completions = spec.completions.unwrap_or_default();
    if spec.completion_mode.or_empty() != "Indexed" || completions <= 0 {
        return;
    }
    let name = job.metadata.name.or_empty();
    let longest = format!("{name}-{}", completions - 1);
    if !names::is_dns1123_label(&longest).is_empty() {
        let detail = format!("will not able to create pod with invalid DNS label: {longest}");
        errors.invalid(&At::root("metadata").field("name"), name, detail);
    }
}
