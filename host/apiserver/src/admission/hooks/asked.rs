//! A request as policies and webhooks see it: who wants to do what to which resource.

use std::sync::Arc;

use kinds::Object;
use meta::{GroupResource, GroupVersionKind, GroupVersionResource, StatusError, Tree};
use serde_json::json;

use super::super::{Attempted, Operation};
use crate::chain::Call;
use crate::options::{DeleteOptions, Policy};
use crate::query::Query;
use crate::registry::{KindRef, Registry};
use crate::request::ResourceRequest;
use crate::seams::Identity;
use crate::state::State;
use crate::verbs::Context;
use crate::warnings::Warnings;

/// A request.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) state: &'a Arc<State>,
    pub(crate) kinds: &'a Registry,
    pub(crate) identity: &'a Identity,
    pub(crate) warnings: &'a Warnings,
    pub(crate) operation: Operation,
    /// What is sent.
    pub(crate) kind: GroupVersionKind,
    /// Where it is sent.
    pub(crate) resource: GroupVersionResource,
    pub(crate) subresource: &'a str,
    /// Of the resource; that of a Namespace is its own name.
    pub(crate) namespace: &'a str,
    /// Empty if it is not known yet.
    pub(crate) name: &'a str,
    /// What errors call the object.
    pub(crate) shown_name: String,
    pub(crate) dry_run: bool,
    pub(crate) options: Tree,
    /// The kind of the object, where it is one that is stored.
    pub(crate) stored: Option<KindRef>,
}

impl<'a> Asked<'a> {
    /// A create or an update.
    pub(super) fn of_write(
        context: &'a Context,
        dry_run: bool,
        attempted: &Attempted<'a>,
        object: &dyn Object,
    ) -> Asked<'a> {
        let kind = match attempted.operation {
            Operation::Create => "CreateOptions",
            _ => "UpdateOptions",
        };
        let options = options_tree(kind, &context.call, dry_run);
        let mut asked = Asked::of(context, attempted, dry_run, options);
        if asked.name.is_empty() {
            let metadata = object.metadata();
            let given = [&metadata.name, &metadata.generate_name];
            let given = given.into_iter().flatten().find(|name| !name.is_empty());
            asked.shown_name = given.cloned().unwrap_or_else(|| "Unknown".to_owned());
        }
        asked
    }

    pub(super) fn of_delete(
        context: &'a Context,
        options: &DeleteOptions,
        attempted: &Attempted<'a>,
    ) -> Asked<'a> {
        Asked::of(context, attempted, options.dry_run, delete_options(options))
    }

    /// A body that is sent to a path of an object.
    pub(super) fn of_body(
        context: &'a Context,
        kind: &GroupVersionKind,
        dry_run: bool,
    ) -> Asked<'a> {
        let resource = &context.resource;
        Asked {
            state: &context.state,
            kinds: &context.call.kinds,
            identity: &context.call.identity,
            warnings: &context.call.warnings,
            operation: Operation::Create,
            kind: kind.clone(),
            resource: context.info().gvr(),
            subresource: &resource.subresource,
            namespace: &resource.namespace,
            name: &resource.name,
            shown_name: resource.name.clone(),
            dry_run,
            options: options_tree("CreateOptions", &context.call, dry_run),
            stored: None,
        }
    }

    /// A connection to what an object stands for.
    pub(super) fn of_connection(
        state: &'a Arc<State>,
        call: &'a Call,
        request: &'a ResourceRequest,
        kind: &KindRef,
        options: &Tree,
    ) -> Asked<'a> {
        let options_kind = options.get("kind").and_then(Tree::as_str).unwrap_or_default();
        Asked {
            state,
            kinds: &call.kinds,
            identity: &call.identity,
            warnings: &call.warnings,
            operation: Operation::Connect,
            kind: GroupVersionKind::new("", "v1", options_kind.to_owned()),
            resource: kind.info().gvr(),
            subresource: &request.subresource,
            namespace: &request.namespace,
            name: &request.name,
            shown_name: request.name.clone(),
            dry_run: false,
            options: Tree::Null,
            stored: None,
        }
    }

    fn of(
        context: &'a Context,
        attempted: &Attempted<'a>,
        dry_run: bool,
        options: Tree,
    ) -> Asked<'a> {
        let info = context.info();
        let scales = attempted.subresource == "scale";
        Asked {
            state: &context.state,
            kinds: &context.call.kinds,
            identity: attempted.identity,
            warnings: attempted.warnings,
            operation: attempted.operation,
            kind: if scales {
                GroupVersionKind::new("autoscaling", "v1", "Scale")
            } else {
                info.gvk()
            },
            resource: info.gvr(),
            subresource: attempted.subresource,
            namespace: attempted.namespace,
            name: attempted.name,
            shown_name: attempted.name.to_owned(),
            dry_run,
            options,
            stored: (!scales).then(|| context.kind.clone()),
        }
    }

    pub(super) fn group_resource(&self) -> GroupResource {
        GroupResource {
            group: self.resource.group.clone(),
            resource: self.resource.resource.clone(),
        }
    }

    /// Refuses the request.
    pub(super) fn forbid(&self, text: &str) -> StatusError {
        StatusError::forbidden(&self.group_resource(), &self.shown_name, text)
    }

    pub(super) fn is_namespace(&self) -> bool {
        self.resource.group.is_empty() && self.resource.resource == "namespaces"
    }

    /// The namespace whose labels selectors look at, if it is another object than the one that is asked about.
    pub(super) fn outer_namespace(&self) -> Option<&str> {
        (!self.namespace.is_empty() && !self.is_namespace()).then_some(self.namespace)
    }
}

/// The options of a write, as its query gives them.
fn options_tree(kind: &str, call: &Call, dry_run: bool) -> Tree {
    let mut options = json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1" });
    let query: &Query = &call.info.query;
    for name in ["fieldManager", "fieldValidation"] {
        if let Some(value) = query.first(name).filter(|value| !value.is_empty()) {
            options[name] = value.into();
        }
    }
    if dry_run {
        options["dryRun"] = json!(["All"]);
    }
    options
}

fn delete_options(options: &DeleteOptions) -> Tree {
    let mut tree = json!({ "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1" });
    if let Some(secs) = options.grace_secs {
        tree["gracePeriodSeconds"] = secs.into();
    }
    if let Some(policy) = options.policy {
        tree["propagationPolicy"] = match policy {
            Policy::Orphan => "Orphan",
            Policy::Background => "Background",
            Policy::Foreground => "Foreground",
        }
        .into();
    }
    if let Some(orphan) = options.orphan {
        tree["orphanDependents"] = orphan.into();
    }
    if let Some(uid) = &options.uid {
        tree["preconditions"]["uid"] = uid.as_str().into();
    }
    if let Some(revision) = &options.revision {
        tree["preconditions"]["resourceVersion"] = revision.as_str().into();
    }
    if options.dry_run {
        tree["dryRun"] = json!(["All"]);
    }
    tree
}
