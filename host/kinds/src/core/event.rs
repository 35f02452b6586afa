//! `Event`: something that happened to an object, kept for a while.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule, Propagation};

impl Kind for Event {
    const INFO: KindInfo = KindInfo {
        singular: "event",
        short_names: &["ev"],
        type_name: "io.k8s.api.core.v1.Event",
        name_rule: NameRule::PathSegment,
        create_on_update: true,
        default_propagation: Propagation::Unsupported,
        watch_cache: false,
        selectable: &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        columns: &[
            Column::of::<Self>("Last Seen", "lastTimestamp"),
            Column::of::<Self>("Type", "type"),
            Column::of::<Self>("Reason", "reason"),
            Column::of::<Self>("Object", "involvedObject"),
            Column::of::<ObjectReference>("Subobject", "fieldPath").wide(),
            Column::of::<Self>("Source", "source").wide(),
            Column::of::<Self>("Message", "message"),
            Column::of::<Self>("First Seen", "firstTimestamp").wide(),
            Column::of::<Self>("Count", "count").wide(),
            columns::NAME.wide(),
        ],
        plain_finalizers: true,
        metadata_last: true,
        ..KindInfo::namespaced::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate(&mut errors, self, "reportingComponent");
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        self.validate()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let object = self.involved_object.clone();
        let component = self.source.as_ref().and_then(|source| source.component.clone());
        let reporter = self.reporting_component.clone().unwrap_or_default();
        let source = component.filter(|name| !name.is_empty()).unwrap_or_else(|| reporter.clone());
        vec![
            ("involvedObject.kind", object.kind.unwrap_or_default()),
            ("involvedObject.namespace", object.namespace.unwrap_or_default()),
            ("involvedObject.name", object.name.unwrap_or_default()),
            ("involvedObject.uid", object.uid.unwrap_or_default()),
            ("involvedObject.apiVersion", object.api_version.unwrap_or_default()),
            ("involvedObject.resourceVersion", object.resource_version.unwrap_or_default()),
            ("involvedObject.fieldPath", object.field_path.unwrap_or_default()),
            ("reason", self.reason.clone().unwrap_or_default()),
            ("reportingComponent", reporter),
            ("source", source),
            ("type", self.type_.clone().unwrap_or_default()),
        ]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let since_micro =
            |time: Option<&MicroTime>| columns::since(time.map(|time| Time(time.0)).as_ref(), now);
        let first = match &self.first_timestamp {
            Some(time) => columns::since(Some(time), now),
            None => since_micro(self.event_time.as_ref()),
        };
        let series = self.series.as_ref();
        let last = match (series, &self.last_timestamp) {
            (Some(series), _) => since_micro(series.last_observed_time.as_ref()),
            (None, Some(time)) => columns::since(Some(time), now),
            (None, None) => first.clone(),
        };
        let count = match (series, self.count.unwrap_or_default()) {
            (Some(series), _) => series.count.unwrap_or_default(),
            // Events of which there is only one do not count themselves.
            (None, 0) => 1,
            (None, count) => count,
        };
        let kind = self.involved_object.kind.or_empty().to_lowercase();
        let object = match self.involved_object.name.or_empty() {
            "" => kind,
            name => format!("{kind}/{name}"),
        };
        vec![
            Tree::from(last),
            Tree::from(self.type_.or_empty()),
            Tree::from(self.reason.or_empty()),
            Tree::from(object),
            Tree::from(self.involved_object.field_path.or_empty()),
            Tree::from(source(self)),
            Tree::from(self.message.or_empty().trim()),
            Tree::from(first),
            Tree::from(count),
            columns::name(&self.metadata),
        ]
    }
}

fn source(event: &Event) -> String {
    let source = event.source.clone().unwrap_or_default();
    let first = |one: Option<String>, other: Option<&String>| {
        one.filter(|one| !one.is_empty()).or_else(|| other.cloned()).unwrap_or_default()
    };
    let component = first(source.component, event.reporting_component.as_ref());
    let instance = first(source.host, event.reporting_instance.as_ref());
    if instance.is_empty() { component } else { format!("{component}, {instance}") }
}

/// What is wrong with an event in whatever form it is sent. `reporter_field` is where that form says who reports it.
pub(crate) fn validate(errors: &mut Errors, event: &Event, reporter_field: &str) {
    if event.event_time.is_none() {
        same_namespace(errors, event);
    } else {
        validate_reported(errors, event, reporter_field);
    }
}

const OTHER_NAMESPACE: &str = "does not match event.namespace";

/// An event lives beside the object it is about; events about objects of the cluster live in `default`.
fn same_namespace(errors: &mut Errors, event: &Event) {
    let own = event.metadata.namespace.or_empty();
    let namespace = event.involved_object.namespace.or_empty();
    let is_good = match namespace {
        "" => matches!(own, "" | "default"),
        namespace => namespace == own,
    };
    if !is_good {
        let object = At::root("involvedObject");
        errors.invalid(&object.field("namespace"), namespace, OTHER_NAMESPACE);
    }
}

const INSTANCE_CHARACTERS_MAX: usize = 128;
const ACTION_CHARACTERS_MAX: usize = 128;
const REASON_CHARACTERS_MAX: usize = 128;
const NOTE_CHARACTERS_MAX: usize = 1024;

/// Events with a time of their own say who reports them, and why.
fn validate_reported(errors: &mut Errors, event: &Event, reporter_field: &str) {
    let own = event.metadata.namespace.or_empty();
    let namespace = event.involved_object.namespace.or_empty();
    if namespace.is_empty() && !matches!(own, "default" | "kube-system") {
        let object = At::root("involvedObject");
        errors.invalid(&object.field("namespace"), namespace, OTHER_NAMESPACE);
    }
    let (reporter, at) = (event.reporting_component.or_empty(), At::root(reporter_field));
    if reporter.is_empty() {
        errors.required(&at, "");
    }
    errors.invalid_each(&at, reporter, names::is_qualified_name(reporter));
    for (field, text, max) in [
        ("reportingInstance", event.reporting_instance.or_empty(), INSTANCE_CHARACTERS_MAX),
        ("action", event.action.or_empty(), ACTION_CHARACTERS_MAX),
        ("reason", event.reason.or_empty(), REASON_CHARACTERS_MAX),
    ] {
        if text.is_empty() {
            errors.required(&At::root(field), "");
        }
        if text.len() > max {
            errors.invalid(&At::root(field), "", format!("can have at most {max} characters"));
        }
    }
    if event.message.or_empty().len() > NOTE_CHARACTERS_MAX {
        let detail = format!("can have at most {NOTE_CHARACTERS_MAX} characters");
        errors.invalid(&At::root("message"), "", detail);
    }
}
