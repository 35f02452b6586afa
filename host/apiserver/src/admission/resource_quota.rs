//! What the objects of a namespace use together stays within its quotas. A quota is charged in the transaction that makes or changes the
//! object, so that no two writers ever get the same last piece.
//!
//! Objects that go away are given back by a controller, which counts everything anew.
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Pod, ResourceQuota, ResourceQuotaSpec};
use kinds::resources::{self, Amounts};
use kinds::wire::OrEmpty;
use kinds::{Object, quota};
use meta::quantity::Quantity;
use meta::{Key, StatusError, Tree};
use store::{Entry, Op, Precondition};

use super::{Attempted, Operation, Plugin, core};
use crate::codec::encode;
use crate::verbs::whole_seconds;

pub(super) struct ResourceQuotas;

impl Plugin for ResourceQuotas {
    fn charge(
        &self,
        attempted: &Attempted<'_>,
        new: &dyn Object,
        ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        if quota::is_ignored(attempted.info) || !is_charged(attempted, new) {
            return Ok(());
        }
        let quotas = quotas(attempted);
        let concerned: Vec<&Limit> =
            quotas.iter().filter(|limit| limit.concerns(attempted, new)).collect();
        for limit in &concerned {
            limit.check_known(attempted, new)?;
        }
        if concerned.is_empty() {
            return Ok(());
        }
        let now = attempted.state.clock.now();
        let usage = quota::usage(new, now);
        let before = attempted.old.map(|old| quota::usage(old, now)).unwrap_or_default();
        for limit in concerned {
            let counted = attempted.old.is_some_and(|old| quota::selects(&limit.spec(), old));
            let more = if counted { growth(&usage, &before) } else { usage.clone() };
            if let Some(used) = limit.charge(attempted, &more)? {
                ops.push(limit.put(attempted, &used));
            }
        }
        Ok(())
    }
}

/// Whether the write can use more than before: most objects use the same all their lives.
fn is_charged(attempted: &Attempted<'_>, new: &dyn Object) -> bool {
    let creates = attempted.creates();
    let updates = attempted.operation == Operation::Update;
    match (attempted.info.group, attempted.info.plural, attempted.subresource) {
        ("", "pods", "resize") | ("", "persistentvolumeclaims", "status") => updates,
        ("", "persistentvolumeclaims" | "services", "") => creates || updates,
        ("", "pods", "") => creates || (updates && changes_end(attempted.old, new)),
        _ => creates,
    }
}

/// Whether a Pod that runs for ever now ends by itself, or the other way round.
fn changes_end(old: Option<&dyn Object>, new: &dyn Object) -> bool {
    let ends =
        |object: &dyn Object| object.as_any().downcast_ref::<Pod>().map(quota::is_terminating);
    old.and_then(ends) != ends(new)
}

/// A quota, as it is stored.
struct Limit {
    entry: Arc<Entry>,
    quota: ResourceQuota,
    hard: Amounts,
    used: Amounts,
}

fn quotas(attempted: &Attempted<'_>) -> Vec<Limit> {
    let prefix = Key::prefix(&core("resourcequotas"), Some(attempted.namespace));
    let read = |entry: &Arc<Entry>| {
        let quota: ResourceQuota = serde_json::from_slice(&entry.body).ok()?;
        let status = quota.status.clone().unwrap_or_default();
        let hard = resources::amounts(status.hard.or_empty());
        let used = resources::amounts(status.used.or_empty());
        Some(Limit { entry: Arc::clone(entry), quota, hard, used })
    };
    attempted.snapshot.range(&prefix, None).filter_map(read).collect()
}

impl Limit {
    fn spec(&self) -> ResourceQuotaSpec {
        self.quota.spec.clone().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.quota.metadata.name.or_empty()
    }

    /// Names of what is limited and used by objects of the kind.
    fn limited<'a>(&'a self, attempted: &'a Attempted<'_>) -> impl Iterator<Item = &'a str> {
        let names = self.hard.keys().map(String::as_str);
        names.filter(|name| quota::is_used_by(attempted.info, name))
    }

    fn concerns(&self, attempted: &Attempted<'_>, object: &dyn Object) -> bool {
        self.limited(attempted).next().is_some() && quota::selects(&self.spec(), object)
    }

    /// Refuses what cannot be counted, because the object does not tell or nobody has counted the others yet.
    fn check_known(&self, attempted: &Attempted<'_>, new: &dyn Object) -> Result<(), StatusError> {
        if let Some(missing) = quota::missing(new, self.limited(attempted)) {
            return Err(attempted.forbid(&format!("failed quota: {}: {missing}", self.name())));
        }
        if self.limited(attempted).any(|name| !self.used.contains_key(name)) {
            let names: Vec<&str> = self.limited(attempted).collect();
            return Err(attempted.forbid(&format!(
                "status unknown for quota: {}, resources: {}",
                self.name(),
                names.join(",")
            )));
        }
        Ok(())
    }

    /// What is used together with `more`, if that is anything of what is limited.
    fn charge(
        &self,
        attempted: &Attempted<'_>,
        more: &Amounts,
    ) -> Result<Option<Amounts>, StatusError> {
        let asked: BTreeMap<&String, &Quantity> = more
            .iter()
            .filter(|(name, amount)| !amount.is_zero() && self.hard.contains_key(*name))
            .collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let mut used = self.used.clone();
        for (name, amount) in &asked {
            resources::add_one(&mut used, name, amount);
        }
        // A status tells what is so already, and cannot be refused.
        if attempted.subresource != "status" {
            let exceeded: Vec<&String> = asked
                .keys()
                .copied()
                .filter(|name| used.get(*name) > self.hard.get(*name))
                .collect();
            if !exceeded.is_empty() {
                return Err(attempted.forbid(&self.exceeded(&exceeded, &asked)));
            }
        }
        Ok(Some(used))
    }

    fn exceeded(&self, names: &[&String], asked: &BTreeMap<&String, &Quantity>) -> String {
        let shown = |amount: &dyn Fn(&String) -> Option<String>| {
            let parts = names.iter().filter_map(|name| Some(format!("{name}={}", amount(name)?)));
            parts.collect::<Vec<_>>().join(",")
        };
        format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            self.name(),
            shown(&|name| asked.get(name).map(ToString::to_string)),
            shown(&|name| self.used.get(name).map(ToString::to_string)),
            shown(&|name| self.hard.get(name).map(ToString::to_string)),
        )
    }

    /// The operation that notes what is used now. It fails if anybody else was charged meanwhile.
    fn put(&self, attempted: &Attempted<'_>, used: &Amounts) -> Op {
        let old: Tree = serde_json::from_slice(&self.entry.body).unwrap_or_default();
        let mut tree = old.clone();
        let list: BTreeMap<_, _> =
            used.iter().map(|(name, amount)| (name.clone(), amount.to_string())).collect();
        tree["status"]["used"] = serde_json::json!(list);
        let info = <ResourceQuota as kinds::Kind>::INFO;
        if let Some(kind) = kinds::find(info.group, info.version, info.plural) {
            let context = meta::managed::Context {
                manager: "kube-apiserver",
                api_version: &info.api_version(),
                subresource: "status",
                now: whole_seconds(attempted.state.clock.now()),
                ty: kind.type_ref(),
                schema: kinds::schema(),
                reset: None,
            };
            meta::managed::track_update(&context, Some(&old), &mut tree, false);
        }
        Op::Put {
            key: self.entry.key.clone(),
            precondition: Precondition::At(self.entry.revision),
            body: encode::stored(&tree),
            attributes: self.entry.attributes.clone(),
            value: None,
        }
    }
}

/// By how much more is used than before; what is used less is given back later.
fn growth(usage: &Amounts, before: &Amounts) -> Amounts {
    let more = usage.iter().map(|(name, amount)| {
        let more = before.get(name).map_or_else(|| amount.clone(), |before| amount.minus(before));
        (name.clone(), more)
    });
    more.filter(|(_, more)| !more.is_negative()).collect()
}
