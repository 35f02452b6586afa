//! `Event`: something that happened to an object, in the newer form. The objects are those of the core kind of that name, with other
//! words for some fields and stricter rules for who writes them.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use k8s_openapi::api::events::v1::Event;
use meta::Tree;
use meta::field::{BadValue, FieldError};

use crate::check::{At, Errors, IMMUTABLE, json};
use crate::core::event::validate;
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule, PrefixRule, Propagation, StoredAs, facts, internal};

impl Kind for Event {
    const INFO: KindInfo = KindInfo {
        singular: "event",
        short_names: CoreEvent::INFO.short_names,
        type_name: "io.k8s.api.events.v1.Event",
        name_rule: NameRule::Subdomain,
        create_on_update: true,
        default_propagation: Propagation::Unsupported,
        watch_cache: false,
        selectable: &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        columns: CoreEvent::INFO.columns,
        stored_as: Some(StoredAs { group: "", version: "v1", kind: "Event", plural: "events" }),
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    /// The typed form cannot hold a series without a time; the zero of Go's times, which encoding drops again, stands for that.
    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        if let Some(series) = tree.get_mut("series").and_then(Tree::as_object_mut) {
            let time = series.entry("lastObservedTime").or_insert(Tree::Null);
            if time.is_null() {
                *time = ZERO_TIME.into();
            }
        }
    });

    fn validate(&self) -> Vec<FieldError> {
        let event = core(self);
        let mut errors = Errors::new();
        validate(&mut errors, &event, REPORTER);
        series(&mut errors, &event);
        if event.event_time.is_none() {
            errors.required(&At::root("eventTime"), "");
        }
        let name = event.type_.or_empty();
        if !matches!(name, "Normal" | "Warning") {
            errors.invalid(&At::root("type"), "", format!("has invalid value: {name}"));
        }
        let source = event.source.clone().unwrap_or_default();
        for (field, is_set) in [
            ("firstTimestamp", event.first_timestamp.is_some()),
            ("lastTimestamp", event.last_timestamp.is_some()),
            ("count", event.count.unwrap_or_default() != 0),
            ("source", !source.component.is_unset() || !source.host.is_unset()),
        ] {
            if is_set {
                errors.invalid(&At::root(field), "", "needs to be unset");
            }
        }
        errors.into_list()
    }

    /// An event that goes on may count its repetitions, and nothing else.
    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let (new, old) = (core(self), core(old));
        let mut errors = Errors::new();
        validate(&mut errors, &new, REPORTER);
        if new.series != old.series {
            series(&mut errors, &new);
        }
        fixed(&mut errors, &new, &old);
        errors.into_list()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let served = Self::INFO.selectable.iter().copied();
        let of_core = core(self).fields();
        served
            .map(|field| {
                let stored = Self::stored_field(field);
                let known = of_core.iter().find(|(name, _)| *name == stored);
                (field, known.map(|(_, value)| value.clone()).unwrap_or_default())
            })
            .collect()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        core(self).row(now)
    }

    fn stored_field(field: &str) -> &str {
        match field {
            "regarding.kind" => "involvedObject.kind",
            "regarding.namespace" => "involvedObject.namespace",
            "regarding.name" => "involvedObject.name",
            "regarding.uid" => "involvedObject.uid",
            "regarding.apiVersion" => "involvedObject.apiVersion",
            "regarding.resourceVersion" => "involvedObject.resourceVersion",
            "regarding.fieldPath" => "involvedObject.fieldPath",
            "reportingController" => "reportingComponent",
            other => other,
        }
    }

    fn rewrite_to_stored(tree: &mut Tree) {
        rename::<CoreEvent>(tree, RENAMED.into_iter());
    }

    fn rewrite_to_served(tree: &mut Tree) {
        rename::<Self>(tree, RENAMED.into_iter().map(|(served, stored)| (stored, served)));
    }
}

const ZERO_TIME: &str = "0001-01-01T00:00:00.000000Z";

const REPORTER: &str = "reportingController";

/// Fields that have another name in the core kind.
const RENAMED: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    (REPORTER, "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// Makes an object of kind `To` from one that differs in the names of fields.
fn rename<To: Kind>(tree: &mut Tree, names: impl Iterator<Item = (&'static str, &'static str)>) {
    let Some(object) = tree.as_object_mut() else { return };
    object.insert("apiVersion".to_owned(), To::API_VERSION.into());
    for (from, to) in names {
        if let Some(value) = object.remove(from) {
            object.insert(to.to_owned(), value);
        }
    }
    // The two kinds differ in which fields are there although they are empty.
    meta::decode::emit(tree, facts::type_ref(To::INFO.type_name), facts::schema());
}

/// The event in the form of the core kind.
fn core(event: &Event) -> CoreEvent {
    let mut tree = crate::Object::tree(event);
    Event::rewrite_to_stored(&mut tree);
    serde_json::from_value(tree).expect("both kinds have the same fields under different names")
}

/// A series has a second event and a last one.
fn series(errors: &mut Errors, event: &CoreEvent) {
    let Some(series) = &event.series else { return };
    let at = At::root("series");
    if series.count.unwrap_or_default() < SERIES_COUNT_MIN {
        errors.invalid(&at.field("count"), "", format!("should be at least {SERIES_COUNT_MIN}"));
    }
    if series.last_observed_time.is_none() {
        errors.required(&at.field("lastObservedTime"), "");
    }
}

const SERIES_COUNT_MIN: i32 = 2;

/// What an event says never changes.
fn fixed(errors: &mut Errors, new: &CoreEvent, old: &CoreEvent) {
    if new.involved_object != old.involved_object {
        let shown = internal::value("@ObjectReference", &new.involved_object);
        errors.invalid(&At::root("involvedObject"), shown, IMMUTABLE);
    }
    if new.source != old.source {
        let source = new.source.clone().unwrap_or_default();
        let (component, host) = (json(&source.component.or_empty()), json(&source.host.or_empty()));
        let shown = format!("{{\"Component\":{component},\"Host\":{host}}}");
        errors.invalid(&At::root("source"), BadValue::Json(shown), IMMUTABLE);
    }
    if new.related != old.related {
        let shown = internal::value("*@ObjectReference", &new.related);
        errors.invalid(&At::root("related"), shown, IMMUTABLE);
    }
    for (field, new, old) in [
        ("reason", &new.reason, &old.reason),
        ("message", &new.message, &old.message),
        ("type", &new.type_, &old.type_),
        ("action", &new.action, &old.action),
        (REPORTER, &new.reporting_component, &old.reporting_component),
        ("reportingInstance", &new.reporting_instance, &old.reporting_instance),
    ] {
        errors.immutable(&At::root(field), &new.or_empty(), &old.or_empty());
    }
    errors.immutable(&At::root("firstTimestamp"), &new.first_timestamp, &old.first_timestamp);
    errors.immutable(&At::root("lastTimestamp"), &new.last_timestamp, &old.last_timestamp);
    errors.immutable(&At::root("eventTime"), &new.event_time, &old.event_time);
    let count = |event: &CoreEvent| event.count.unwrap_or_default();
    errors.immutable(&At::root("count"), &count(new), &count(old));
}
