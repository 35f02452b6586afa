//! Which Events are written, merged or dropped: a plain structure that is told the time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use serde_json::json;

/// Objects and Events that are remembered.
const REMEMBERED_MAX: usize = 4096;
/// Different messages of one reason before they are combined.
const MESSAGES_MAX: usize = 10;
const COMBINE_WITHIN: SignedDuration = SignedDuration::from_secs(600);
/// Events about one object at once.
const BURST: f64 = 25.0;
const SECS_FOR_ONE: f64 = 300.0;

/// What becomes of an Event.
#[derive(Debug, PartialEq)]
pub(crate) enum Write {
    Create(Box<Event>),
    /// A repetition: the change, and the whole Event in case it is gone.
    Patch {
        event: Box<Event>,
        body: Vec<u8>,
    },
}

/// What was seen lately.
#[derive(Debug, Default)]
pub(crate) struct Correlator {
    similar: Recent<Similar>,
    seen: Recent<Seen>,
    budgets: Recent<Budget>,
}

#[derive(Clone, Debug, Default)]
struct Similar {
    messages: BTreeSet<String>,
    last: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Seen {
    name: Option<String>,
    first: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    count: i32,
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    left: f64,
    at: Timestamp,
}

impl Correlator {
    pub(crate) fn observe(&mut self, event: Event, now: Timestamp) -> Option<Write> {
        let (mut event, key) = self.combine(event, now);
        let known = self.seen.get(&key).cloned();
        if let Some(known) = &known {
            event.metadata.name.clone_from(&known.name);
            event.first_timestamp.clone_from(&known.first);
            event.count = Some(known.count + 1);
        }
        let seen = Seen {
            name: event.metadata.name.clone(),
            first: event.first_timestamp.clone(),
            count: event.count.unwrap_or(1),
        };
        self.seen.put(key, seen);
        if !self.may_write(&event, now) {
            return None;
        }
        Some(if known.is_some() {
            let body = json!({
                "count": event.count,
                "lastTimestamp": event.last_timestamp,
                "message": event.message,
            });
            Write::Patch { body: body.to_string().into_bytes(), event: Box::new(event) }
        } else {
            Write::Create(Box::new(event))
        })
    }

    fn combine(&mut self, mut event: Event, now: Timestamp) -> (Event, String) {
        let group = group_key(&event);
        let message = event.message.clone().unwrap_or_default();
        let mut similar = self.similar.get(&group).cloned().unwrap_or_default();
        if similar.last.is_some_and(|last| now.duration_since(last) > COMBINE_WITHIN) {
            similar = Similar::default();
        }
        similar.last = Some(now);
        similar.messages.insert(message.clone());
        let combined = similar.messages.len() >= MESSAGES_MAX;
        if combined {
            similar.messages.pop_first();
        }
        self.similar.put(group.clone(), similar);
        if combined {
            event.message = Some(format!("(combined from similar events): {message}"));
            (event, group)
        } else {
            (event, format!("{group}\u{0}{message}"))
        }
    }

    /// A bucket of tokens for each source and object.
    fn may_write(&mut self, event: &Event, now: Timestamp) -> bool {
        let object = &event.involved_object;
        let key = [
            event.reporting_component.as_deref(),
            object.kind.as_deref(),
            object.namespace.as_deref(),
            object.name.as_deref(),
            object.uid.as_deref(),
            event.type_.as_deref(),
        ]
        .map(Option::unwrap_or_default)
        .join("\u{0}");
        let mut budget = self.budgets.get(&key).copied().unwrap_or(Budget { left: BURST, at: now });
        let earned = now.duration_since(budget.at).as_secs_f64() / SECS_FOR_ONE;
        budget.left = (budget.left + earned.max(0.0)).min(BURST);
        budget.at = now;
        let may = budget.left >= 1.0;
        if may {
            budget.left -= 1.0;
        }
        self.budgets.put(key, budget);
        may
    }
}

fn group_key(event: &Event) -> String {
    let object = &event.involved_object;
    [
        event.reporting_component.as_deref(),
        object.kind.as_deref(),
        object.namespace.as_deref(),
        object.name.as_deref(),
        object.uid.as_deref(),
        object.api_version.as_deref(),
        object.field_path.as_deref(),
        event.type_.as_deref(),
        event.reason.as_deref(),
    ]
    .map(Option::unwrap_or_default)
    .join("\u{0}")
}

/// A map that forgets what was not used for longest.
#[derive(Debug)]
struct Recent<V> {
    values: BTreeMap<String, (u64, V)>,
    order: BTreeMap<u64, String>,
    clock: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), order: BTreeMap::new(), clock: 0 }
    }
}

impl<V> Recent<V> {
    fn get(&self, key: &str) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    fn put(&mut self, key: String, value: V) {
        self.clock += 1;
        if let Some((used, _)) = self.values.insert(key.clone(), (self.clock, value)) {
            self.order.remove(&used);
        }
        self.order.insert(self.clock, key);
        if self.values.len() > REMEMBERED_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.values.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
