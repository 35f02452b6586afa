//! Carries out a plan: each action is a request with the precondition it names.
//!
//! Actions run in order, but a run of creates and a run of deletes go out together. Creates start
//! slowly (one, two, four, …), so that what the server refuses is refused a few times and not
//! hundreds. The first thing that goes wrong ends the plan: the next look decides anew.

pub(crate) mod certificates;
mod tokens;

use std::sync::Arc;

use api::{Client, Error, ListParams, PartialObject, Resource};
use bytes::Bytes;
use controllers::{
    Action, Announce, AnyObject, Change, Failure, Key, Level, Propagation, Target, Verb, Which,
};
use http::Method;
use meta::{GroupVersionResource, Revision};
use serde_json::json;
use tokio::task::JoinSet;

use crate::events::Recorder;
use crate::pending::Need;
use certificates::Signer;

/// Deletes that are under way at once.
const DELETES_MAX: usize = 32;
/// Creates that are under way at once.
const CREATES_MAX: usize = 64;

/// How a plan went.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All of it is done.
    Done,
    /// Somebody else was faster.
    Conflict,
    /// The server refused something.
    Failed(Failure),
}

/// Carries out plans for one controller.
#[derive(Clone, Debug)]
pub(crate) struct Applier {
    client: Client,
    recorder: Recorder,
    component: &'static str,
    signer: Option<Arc<dyn Signer>>,
}

/// What a request came to.
type Result<T> = std::result::Result<T, (Verb, GroupVersionResource, Error)>;

/// What one action came to: what the caches must show before the next look, or why the plan ends.
type Judged = std::result::Result<Option<Need>, Outcome>;

impl Applier {
    pub(crate) fn new(client: Client, recorder: Recorder, component: &'static str) -> Self {
        Self { client, recorder, component, signer: None }
    }

    /// For plans that have certificates signed or tokens issued.
    pub(crate) fn with_signer(self, signer: Option<Arc<dyn Signer>>) -> Self {
        Self { signer, ..self }
    }

    /// Carries out `actions`; what was written is in `needs`, also if something went wrong.
    pub(crate) async fn apply(&self, actions: Vec<Action>, needs: &mut Vec<Need>) -> Outcome {
        let mut actions = actions.into_iter().peekable();
        while let Some(action) = actions.next() {
            let is_same = |other: &Action| {
                matches!(
                    (&action, other),
                    (Action::Create { .. }, Action::Create { .. })
                        | (Action::Delete { .. }, Action::Delete { .. })
                )
            };
            let mut run = Vec::new();
            while let Some(next) = actions.next_if(|other| is_same(other)) {
                run.push(next);
            }
            let mut batch = if matches!(action, Action::Create { .. }) { 1 } else { DELETES_MAX };
            run.insert(0, action);
            while !run.is_empty() {
                let rest = run.split_off(batch.min(run.len()));
                if let Some(outcome) = self.together(run, needs).await {
                    return outcome;
                }
                run = rest;
                batch = (batch * 2).min(CREATES_MAX);
            }
        }
        Outcome::Done
    }

    /// Runs actions at once; none if all went well.
    async fn together(&self, mut actions: Vec<Action>, needs: &mut Vec<Need>) -> Option<Outcome> {
        if actions.len() == 1 {
            let only = actions.pop()?;
            return self.one(only).await.map(|need| needs.extend(need)).err();
        }
        let mut tasks = JoinSet::new();
        for action in actions {
            let applier = self.clone();
            tasks.spawn(async move { applier.one(action).await });
        }
        let mut outcome = None;
        while let Some(joined) = tasks.join_next().await {
            // A panic inside a request is a bug of the transport; the next look repeats the action.
            let judged = joined.unwrap_or(Err(Outcome::Conflict));
            match judged {
                Ok(need) => needs.extend(need),
                Err(bad) => outcome = outcome.or(Some(bad)),
            }
        }
        outcome
    }

    fn judge(&self, result: Result<Option<Need>>) -> Judged {
        match result {
            Ok(need) => Ok(need),
            Err((_, _, error)) if error.is_conflict() || error.is_already_exists() => {
                Err(Outcome::Conflict)
            }
            Err((Verb::Change, _, error)) if error.is_not_found() => Err(Outcome::Conflict),
            // The server is busy: the same again, a little later.
            Err((_, _, Error::TooManyRequests(_))) => Err(Outcome::Conflict),
            // Nothing new can be made there; the namespace's own end cleans up.
            Err((_, _, error)) if error.is_namespace_terminating() => Ok(None),
            Err((verb, resource, error)) => {
                tracing::debug!(
                    controller = self.component,
                    error = &error as &dyn std::error::Error,
                    "an action failed"
                );
                Err(Outcome::Failed(Failure { verb, resource, message: error.to_string() }))
            }
        }
    }

    async fn one(&self, action: Action) -> Judged {
        let result = match action {
            Action::Approve { approvals } => return self.approve(approvals).await,
            Action::Sign { request, not_before, not_after } => {
                return self.sign(*request, not_before, not_after).await;
            }
            Action::IssueToken { secret, account } => {
                return self.issue_token(*secret, &account).await;
            }
            Action::Create { mut object, announce } => {
                let path = collection(&object);
                let made = self.write(Verb::Create, Method::POST, path, &mut object).await;
                let name = made.as_ref().map(|made| made.metadata.name.clone().unwrap_or_default());
                self.announce(announce, &name.map_err(|(_, _, error)| error));
                made.map(|made| shown(object.which(), &made))
            }
            Action::Update { mut object, announce } => {
                let path = item(&object, "");
                let made = self.write(Verb::Change, Method::PUT, path, &mut object).await;
                let name = made.as_ref().map(|made| made.metadata.name.clone().unwrap_or_default());
                self.announce(announce, &name.map_err(|(_, _, error)| error));
                made.map(|made| shown(object.which(), &made))
            }
            Action::UpdateStatus { mut object } => {
                let path = item(&object, "/status");
                let made = self.write(Verb::Change, Method::PUT, path, &mut object).await;
                made.map(|made| shown(object.which(), &made))
            }
            Action::UpdateStatusIfNone { resource, mut object } => {
                match self.is_empty(&resource).await {
                    Ok(true) => {}
                    // Whoever made it since is told when it is gone.
                    Ok(false) => return Err(Outcome::Conflict),
                    Err(error) => return self.judge(Err((Verb::Change, resource, error))),
                }
                let path = item(&object, "/status");
                let made = self.write(Verb::Change, Method::PUT, path, &mut object).await;
                made.map(|made| shown(object.which(), &made))
            }
            Action::Finalize { mut object } => {
                let path = item(&object, "/finalize");
                let made = self.write(Verb::Change, Method::PUT, path, &mut object).await;
                made.map(|made| shown(object.which(), &made))
            }
            Action::Apply { object, subresource, manager } => {
                self.claim(&object, subresource, manager).await
            }
            Action::Patch { target, subresource, patch, announce } => {
                self.patch(target, subresource, patch, announce).await
            }
            Action::Delete { target, propagation, grace_secs, announce } => {
                self.delete(target, propagation, grace_secs, announce).await
            }
            Action::DeleteAll { resource, namespace } => {
                let path = api_resource(&resource, &namespace).path(Some(&namespace));
                let deleted = self
                    .client
                    .request::<serde_json::Value>(Method::DELETE, &path, None)
                    .await
                    .map(|_| None);
                match deleted {
                    Err(error) if error.is_not_found() => Ok(None),
                    other => other.map_err(|error| (Verb::Delete, resource, error)),
                }
            }
            Action::Event(event) => {
                let (about, message) = (&event.regarding, &event.message);
                self.recorder.record(self.component, about, event.level, event.reason, message);
                Ok(None)
            }
        };
        self.judge(result)
    }

    /// Whether the server has no object of a resource, in any namespace.
    async fn is_empty(&self, resource: &GroupVersionResource) -> std::result::Result<bool, Error> {
        let api = self.client.dynamic::<PartialObject>(api_resource(resource, ""), None);
        let one = ListParams { limit: Some(1), ..ListParams::default() };
        match api.list(&one).await {
            Ok(page) => Ok(page.items.is_empty()),
            // It is no longer served: nobody can have objects of it.
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn write(
        &self,
        verb: Verb,
        method: Method,
        path: String,
        object: &mut AnyObject,
    ) -> Result<PartialObject> {
        // Caches have the owners of fields without the fields: sent back, they would be those that the writer wishes for.
        object.metadata_mut().managed_fields = None;
        let object = &*object;
        let failed = |error| (verb, object.which().resource(), error);
        let body = serde_json::to_vec(object).map_err(|e| failed(Error::Encode(Box::new(e))))?;
        let content = Some(("application/json", Bytes::from(body)));
        self.client.request(method, &path, content).await.map_err(failed)
    }

    async fn claim(
        &self,
        object: &AnyObject,
        subresource: &str,
        manager: &str,
    ) -> Result<Option<Need>> {
        let failed = |error| (Verb::Change, object.which().resource(), error);
        let body = serde_json::to_value(object);
        let mut body = body.map_err(|error| failed(Error::Encode(Box::new(error))))?;
        if let Some(members) = body.as_object_mut().filter(|_| subresource == "status") {
            // Some types cannot do without one; here nobody has a say in it.
            members.remove("spec");
        }
        let slash = if subresource.is_empty() { "" } else { "/" };
        let path = item(object, &format!("{slash}{subresource}"));
        let url = format!("{path}?fieldManager={manager}&force=true");
        let content = Some(("application/apply-patch+yaml", Bytes::from(body.to_string())));
        let made = self.client.request::<PartialObject>(Method::PATCH, &url, content).await;
        made.map(|made| shown(object.which(), &made)).map_err(failed)
    }

    async fn patch(
        &self,
        target: Target,
        subresource: &str,
        patch: Change,
        announce: Option<Announce>,
    ) -> Result<Option<Need>> {
        let (media_type, body) = match patch {
            Change::Merge(body) => ("application/merge-patch+json", body),
            Change::Strategic(body) => ("application/strategic-merge-patch+json", body),
            Change::Json(body) => ("application/json-patch+json", body),
        };
        let slash = if subresource.is_empty() { "" } else { "/" };
        let url = format!("{}{slash}{subresource}", target_path(&target));
        let content = Some((media_type, Bytes::from(body.to_string())));
        let made = self.client.request::<PartialObject>(Method::PATCH, &url, content).await;
        self.announce(announce, &made.as_ref().map(|_| target.name.clone()));
        let which = which_of(&target.resource);
        made.map(|made| which.and_then(|which| shown(which, &made)))
            .map_err(|error| (Verb::Change, target.resource, error))
    }

    async fn delete(
        &self,
        target: Target,
        propagation: Option<Propagation>,
        grace_secs: Option<i64>,
        announce: Option<Announce>,
    ) -> Result<Option<Need>> {
        let mut options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": target.uid},
        });
        if let Some(revision) = &target.revision {
            options["preconditions"]["resourceVersion"] = json!(revision);
        }
        if let Some(grace_secs) = grace_secs {
            options["gracePeriodSeconds"] = json!(grace_secs);
        }
        if let Some(propagation) = propagation {
            options["propagationPolicy"] = json!(match propagation {
                Propagation::Orphan => "Orphan",
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
            });
        }
        let content = Some(("application/json", Bytes::from(options.to_string())));
        let path = target_path(&target);
        let gone = self.client.request::<serde_json::Value>(Method::DELETE, &path, content).await;
        let gone = match gone {
            // Somebody was faster, which is as good.
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map(|_| self.announce_ok(announce.as_ref(), &target.name)),
        };
        if let Err(error) = &gone {
            self.announce(announce, &Err(error));
        }
        let key = Key::new(&target.namespace, &target.name);
        let need = which_of(&target.resource).map(|which| Need::Gone(which, key, target.uid));
        gone.map(|()| need).map_err(|error| (Verb::Delete, target.resource, error))
    }

    fn announce_ok(&self, announce: Option<&Announce>, name: &str) {
        if let Some(Announce { regarding, success: Some((reason, message)), .. }) = announce {
            let message = message.replace("{}", name);
            self.recorder.record(self.component, regarding, Level::Normal, reason, &message);
        }
    }

    fn announce(&self, announce: Option<Announce>, outcome: &std::result::Result<String, &Error>) {
        match (announce, outcome) {
            (Some(announce), Ok(name)) => self.announce_ok(Some(&announce), name),
            (Some(Announce { regarding, failure: Some((reason, message)), .. }), Err(error))
                if !error.is_namespace_terminating() =>
            {
                let message = message.replace("{}", &error.to_string());
                let level = Level::Warning;
                self.recorder.record(self.component, &regarding, level, reason, &message);
            }
            _ => {}
        }
    }
}

fn shown(which: Which, made: &PartialObject) -> Option<Need> {
    let revision: Revision = made.metadata.resource_version.as_deref()?.parse().ok()?;
    Some(Need::Revision(which, revision))
}

/// The kind of the list that is served as this resource; none for those without a cache.
fn which_of(resource: &GroupVersionResource) -> Option<Which> {
    static TABLE: std::sync::OnceLock<Vec<(GroupVersionResource, Which)>> =
        std::sync::OnceLock::new();
    let table =
        TABLE.get_or_init(|| Which::ALL.iter().map(|which| (which.resource(), *which)).collect());
    table.iter().find(|(known, _)| known == resource).map(|(_, which)| *which)
}

fn api_resource(resource: &GroupVersionResource, namespace: &str) -> Resource {
    Resource {
        group: resource.group.clone(),
        version: resource.version.clone(),
        kind: "".into(),
        plural: resource.resource.clone(),
        namespaced: !namespace.is_empty(),
    }
}

fn collection(object: &AnyObject) -> String {
    let namespace = object.metadata().namespace.as_deref().unwrap_or("");
    api_resource(&object.which().resource(), namespace).path(Some(namespace))
}

fn item(object: &AnyObject, subresource: &str) -> String {
    let name = object.metadata().name.as_deref().unwrap_or("");
    format!("{}/{name}{subresource}", collection(object))
}

fn target_path(target: &Target) -> String {
    let collection = api_resource(&target.resource, &target.namespace);
    format!("{}/{}", collection.path(Some(&target.namespace)), target.name)
}

/// Keeps the applier's future small where many run at once.
pub(crate) type SharedApplier = Arc<Applier>;
