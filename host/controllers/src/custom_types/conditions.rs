//! Gives definitions their names, and has those served whose names are all their own.
//!
//! Reads all definitions of a group; writes the accepted names and the conditions `NamesAccepted`, `Established` and
//! `KubernetesAPIApprovalPolicyConformant`. A definition that was established once stays so, under the names that it has.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use super::{AGENT, ESTABLISHED, NAMES_ACCEPTED, Said, approval, condition, is_true, names, say};
use crate::{Controller, Key, Look, Plan, Sources, Watch};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions;

/// Everything one decision looks at.
struct View {
    definition: Arc<CustomResourceDefinition>,
    /// All of its group, itself included.
    group: Vec<Arc<CustomResourceDefinition>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let definition = look.sources.custom_resource_definitions.get("", &key.name)?;
        let group = group(look.sources, &definition.spec.group);
        Some(Self { definition, group, now: look.now })
    }
}

fn group(sources: &Sources, name: &str) -> Vec<Arc<CustomResourceDefinition>> {
    let all = sources.custom_resource_definitions.all().into_iter();
    all.filter(|definition| definition.spec.group == name).collect()
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let seen = &*view.definition;
    if names::must_wait(seen, &view.group) {
        return plan;
    }
    let mut wanted = seen.clone();
    if let Some((names, said)) = names::accepted(seen, &view.group) {
        let is_news = condition(seen, NAMES_ACCEPTED).is_none_or(|known| !said.is_said_by(known));
        let had = seen.status.as_ref().and_then(|status| status.accepted_names.as_ref());
        if is_news || had != Some(&names) {
            wanted.status.get_or_insert_default().accepted_names = Some(names);
            say(&mut wanted, &said, view.now);
        }
    }
    if !is_true(&wanted, ESTABLISHED) {
        let said = if is_true(&wanted, NAMES_ACCEPTED) {
            let text = "the initial names have been accepted";
            Said::new(ESTABLISHED, true, "InitialNamesAccepted", text)
        } else {
            Said::new(ESTABLISHED, false, "NotAccepted", "not all names are accepted")
        };
        say(&mut wanted, &said, view.now);
    }
    if let Some(said) = approval::said(seen) {
        say(&mut wanted, &said, view.now);
    }
    plan.status_if_changed(seen, wanted);
    plan
}

impl Controller for Conditions {
    fn name(&self) -> &'static str {
        "crd-names"
    }

    fn agent(&self) -> &'static str {
        AGENT
    }

    fn watches(&self) -> Vec<Watch> {
        // Names that one definition gets or gives back concern all others of its group.
        vec![Watch::of(|sources, definition: &CustomResourceDefinition| {
            let mut keys = vec![Key::of(definition)];
            keys.extend(
                group(sources, &definition.spec.group).iter().map(|other| Key::of(&**other)),
            );
            keys
        })]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}
