//! Whether a policy or a webhook is meant by a request: rules about resources and operations, and selectors of namespaces and objects.

use k8s_openapi::api::admissionregistration::v1::{
    MatchResources, NamedRuleWithOperations, RuleWithOperations,
};
use meta::selector::label::Selector;
use meta::{GroupVersionKind, GroupVersionResource, Key, StatusError, Tree};

use super::asked::Asked;
use super::objects::{Objects, has_labels, selector};
use crate::admission::core;
use crate::registry::KindRef;

/// What a request matched: the resource and the kind as which it is shown.
#[derive(Clone, Debug)]
pub(super) struct Matched {
    pub(super) resource: GroupVersionResource,
    pub(super) kind: GroupVersionKind,
    /// The kind of the object, where it is one that is stored.
    pub(super) shown_as: Option<KindRef>,
}

impl Matched {
    /// The kind of the request's object and the one as which it is shown, if they differ.
    pub(super) fn conversion(&self, asked: &Asked<'_>) -> Option<(KindRef, KindRef)> {
        let (own, other) = (asked.stored.as_ref()?, self.shown_as.as_ref()?);
        (own.info().gvk() != other.info().gvk()).then(|| (own.clone(), other.clone()))
    }
}

/// Who is meant, in a form that is quick to compare with a request.
#[derive(Debug)]
pub(super) struct Matcher {
    rules: Vec<Rule>,
    excluded: Vec<Rule>,
    /// Whether other versions of the resources in the rules are meant too.
    equivalent: bool,
    namespaces: Selector,
    objects: Selector,
    /// Whether no rules mean every request.
    open: bool,
}

#[derive(Debug)]
struct Rule {
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: Option<String>,
    names: Vec<String>,
}

impl From<&RuleWithOperations> for Rule {
    fn from(rule: &RuleWithOperations) -> Rule {
        Rule {
            operations: rule.operations.clone().unwrap_or_default(),
            groups: rule.api_groups.clone().unwrap_or_default(),
            versions: rule.api_versions.clone().unwrap_or_default(),
            resources: rule.resources.clone().unwrap_or_default(),
            scope: rule.scope.clone(),
            names: Vec::new(),
        }
    }
}

impl From<&NamedRuleWithOperations> for Rule {
    fn from(rule: &NamedRuleWithOperations) -> Rule {
        Rule {
            operations: rule.operations.clone().unwrap_or_default(),
            groups: rule.api_groups.clone().unwrap_or_default(),
            versions: rule.api_versions.clone().unwrap_or_default(),
            resources: rule.resources.clone().unwrap_or_default(),
            scope: rule.scope.clone(),
            names: rule.resource_names.clone().unwrap_or_default(),
        }
    }
}

impl Matcher {
    /// Of a policy or a binding.
    pub(super) fn of_resources(given: &MatchResources) -> Result<Matcher, String> {
        let rules = |rules: &Option<Vec<NamedRuleWithOperations>>| -> Vec<Rule> {
            rules.iter().flatten().map(Rule::from).collect()
        };
        let own = rules(&given.resource_rules);
        Ok(Matcher {
            open: own.is_empty(),
            rules: own,
            excluded: rules(&given.exclude_resource_rules),
            equivalent: given.match_policy.as_deref() != Some("Exact"),
            namespaces: selector(given.namespace_selector.as_ref())?,
            objects: selector(given.object_selector.as_ref())?,
        })
    }

    /// Of a webhook.
    pub(super) fn of_webhook(
        rules: &[RuleWithOperations],
        match_policy: Option<&str>,
        namespaces: Option<&meta::LabelSelector>,
        objects: Option<&meta::LabelSelector>,
    ) -> Result<Matcher, String> {
        Ok(Matcher {
            rules: rules.iter().map(Rule::from).collect(),
            excluded: Vec::new(),
            equivalent: match_policy != Some("Exact"),
            namespaces: selector(namespaces)?,
            objects: selector(objects)?,
            open: false,
        })
    }

    /// What the request is matched as, if it is meant.
    pub(super) fn matches(
        &self,
        asked: &Asked<'_>,
        objects: &Objects,
    ) -> Result<Option<Matched>, StatusError> {
        // Rules first: they are the cheapest, and most requests end here.
        if self.matches_rules(&self.excluded, asked).is_some() {
            return Ok(None);
        }
        let matched =
            if self.open { Some(as_asked(asked)) } else { self.matches_rules(&self.rules, asked) };
        let Some(matched) = matched else { return Ok(None) };
        if !self.objects.is_empty() && !objects.have_labels(&self.objects) {
            return Ok(None);
        }
        Ok(self.matches_namespace(asked, objects)?.then_some(matched))
    }

    fn matches_namespace(&self, asked: &Asked<'_>, objects: &Objects) -> Result<bool, StatusError> {
        if self.namespaces.is_empty() {
            return Ok(true);
        }
        if asked.is_namespace() {
            let own = objects.object.as_ref().or(objects.old.as_ref());
            return Ok(own.is_some_and(|tree| has_labels(tree, &self.namespaces)));
        }
        match asked.outer_namespace() {
            None => Ok(true),
            Some(name) => Ok(has_labels(&namespace(asked, name)?, &self.namespaces)),
        }
    }

    fn matches_rules(&self, rules: &[Rule], asked: &Asked<'_>) -> Option<Matched> {
        if rules.is_empty() {
            return None;
        }
        if rules.iter().any(|rule| rule.matches(asked, &asked.resource)) {
            return Some(as_asked(asked));
        }
        if !self.equivalent {
            return None;
        }
        let own = asked.stored.as_ref()?;
        others(asked, own).find_map(|kind| {
            let resource = kind.info().gvr();
            let found = rules.iter().any(|rule| rule.matches(asked, &resource));
            found.then(|| Matched {
                resource,
                kind: kind.info().gvk(),
                shown_as: Some(kind.clone()),
            })
        })
    }
}

fn as_asked(asked: &Asked<'_>) -> Matched {
    let shown_as = asked.stored.clone();
    Matched { resource: asked.resource.clone(), kind: asked.kind.clone(), shown_as }
}

/// Other kinds that show the same objects.
fn others<'a>(asked: &Asked<'a>, own: &KindRef) -> impl Iterator<Item = &'a KindRef> {
    let (own, stored) = (own.info().gvr(), own.info().storage_resource());
    asked.kinds.all().filter(move |kind| {
        let info = kind.info();
        info.gvr() != own && info.storage_resource() == stored
    })
}

/// The namespace of a request.
pub(super) fn namespace(asked: &Asked<'_>, name: &str) -> Result<Tree, StatusError> {
    let key = Key::new(&core("namespaces"), "", name);
    let snapshot = asked.state.store.snapshot();
    let Some(entry) = snapshot.get(key.as_str()) else {
        return Err(StatusError::not_found(&core("namespaces"), name));
    };
    serde_json::from_slice(&entry.body)
        .map_err(|error| StatusError::internal(format!("a stored object is damaged: {error}")))
}

impl Rule {
    fn matches(&self, asked: &Asked<'_>, resource: &GroupVersionResource) -> bool {
        has(&self.operations, asked.operation.as_str())
            && has(&self.groups, &resource.group)
            && has(&self.versions, &resource.version)
            && self
                .resources
                .iter()
                .any(|rule| is_resource(rule, &resource.resource, asked.subresource))
            && self.matches_scope(asked)
            && (self.names.is_empty() || self.names.iter().any(|name| *name == asked.name))
    }

    fn matches_scope(&self, asked: &Asked<'_>) -> bool {
        match self.scope.as_deref() {
            Some("Namespaced") => asked.outer_namespace().is_some(),
            Some("Cluster") => asked.outer_namespace().is_none(),
            _ => true,
        }
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == "*" || item == wanted)
}

fn is_resource(rule: &str, resource: &str, subresource: &str) -> bool {
    let (name, sub) = rule.split_once('/').unwrap_or((rule, ""));
    (name == "*" || name == resource) && (sub == "*" || sub == subresource)
}
