//! Evaluates the expressions of policies and webhooks about one request.

use std::sync::Arc;

use expressions::{Activation, Answer, Check, Composition, Error, Question, Value};
use meta::Tree;
use serde_json::json;

use super::asked::Asked;
use super::compiled::Expression;
use super::matching::{self, Matched};
use super::objects::Objects;
use crate::seams::{Attempt, Decision, Identity, ResourceAttempt};

/// Why an expression has no value, for the client.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// This one.
    Alone(String),
    /// It and all that would come after it.
    All(String),
}

impl Failed {
    pub(super) fn text(self) -> String {
        match self {
            Failed::Alone(text) | Failed::All(text) => text,
        }
    }
}

/// What conditions say.
#[derive(Debug)]
pub(super) enum Met {
    Yes,
    No,
    /// They cannot be decided.
    Unknown(String),
}

/// An evaluation of any number of expressions about one request.
#[derive(Debug)]
pub(super) struct Evaluation<'a> {
    asked: &'a Asked<'a>,
    activation: Activation,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(
        asked: &'a Asked<'a>,
        matched: &Matched,
        objects: &Objects,
    ) -> Evaluation<'a> {
        let mut activation = Activation::new(Arc::default());
        activation.set("object", value(objects.object.as_ref()));
        activation.set("oldObject", value(objects.old.as_ref()));
        activation.set("params", Value::Null);
        activation.set("namespaceObject", Value::Null);
        activation.set("request", Value::from(&request_tree(asked, matched)));
        let own = Question::default();
        let resource = Question {
            group: asked.resource.group.to_string(),
            resource: asked.resource.resource.to_string(),
            subresource: asked.subresource.to_owned(),
            namespace: asked.namespace.to_owned(),
            name: asked.name.to_owned(),
            ..Question::default()
        };
        activation.set("authorizer", Value::Check(Arc::new(Check::Authorizer(own))));
        let check = Value::Check(Arc::new(Check::Resource(resource)));
        activation.set("authorizer.requestResource", check);
        Evaluation { asked, activation }
    }

    /// Begins with a policy: its variables, parameters, and its own bound of what it may cost.
    pub(super) fn begin(&mut self, composition: Arc<Composition>, params: Option<&Tree>) {
        self.activation.renew(composition);
        self.activation.set("params", value(params));
    }

    /// The object changed.
    pub(super) fn set_object(&mut self, object: Option<&Tree>) {
        self.activation.set("object", value(object));
    }

    /// Lets expressions see the namespace of the object. Conditions do not.
    pub(super) fn show_namespace(&mut self) -> Result<(), meta::StatusError> {
        if let Some(name) = self.asked.outer_namespace() {
            let tree = matching::namespace(self.asked, name)?;
            self.activation.set("namespaceObject", namespace_value(&tree));
        }
        Ok(())
    }

    pub(super) fn hide_namespace(&mut self) {
        self.activation.set("namespaceObject", Value::Null);
    }

    /// Whether all conditions hold. One that does not decides, whatever is wrong with the others.
    pub(super) async fn met(&mut self, conditions: &[Expression]) -> Met {
        let mut problems = Vec::new();
        for condition in conditions {
            match self.value(condition).await {
                Ok(Value::Bool(false)) => return Met::No,
                Ok(_) => {}
                Err(Failed::Alone(text)) => problems.push(text),
                Err(Failed::All(text)) => return Met::Unknown(text),
            }
        }
        match problems.as_slice() {
            [] => Met::Yes,
            [only] => Met::Unknown(only.clone()),
            several => Met::Unknown(format!("[{}]", several.join(", "))),
        }
    }

    /// The value of an expression.
    pub(super) async fn value(&mut self, expression: &Expression) -> Result<Value, Failed> {
        let program = expression
            .program
            .as_ref()
            .map_err(|problem| Failed::Alone(format!("compilation error: {problem}")))?;
        // Others on this thread get their turn between expressions.
        tokio::task::yield_now().await;
        loop {
            match self.activation.evaluate(program) {
                Ok(value) => return Ok(value),
                Err(Error::Ask(question)) => {
                    let answer = answer(self.asked, &question).await;
                    self.activation.answered(*question, answer);
                }
                Err(error @ Error::OutOfBudget) => return Err(Failed::All(error.to_string())),
                Err(error) => {
                    return Err(Failed::Alone(format!(
                        "expression '{}' resulted in error: {error}",
                        expression.text
                    )));
                }
            }
        }
    }
}

fn value(tree: Option<&Tree>) -> Value {
    tree.map_or(Value::Null, Value::from)
}

/// A namespace as expressions see it: not who owns what of it, and times as times.
fn namespace_value(tree: &Tree) -> Value {
    let mut tree = tree.clone();
    let mut times = Vec::new();
    if let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut) {
        for hidden in ["managedFields", "ownerReferences", "selfLink"] {
            metadata.remove(hidden);
        }
        for name in ["creationTimestamp", "deletionTimestamp"] {
            let time = metadata.get(name).and_then(Tree::as_str).and_then(|text| text.parse().ok());
            times.extend(time.map(|time| (name, Value::Timestamp(time))));
        }
    }
    let value = Value::from(&tree);
    let Value::Map(fields) = &value else { return value };
    let key = expressions::Key::text("metadata");
    let Some(Value::Map(metadata)) = fields.get(&key) else { return value };
    let mut metadata = (**metadata).clone();
    for (name, time) in times {
        metadata.insert(expressions::Key::text(name), time);
    }
    let mut fields = (**fields).clone();
    fields.insert(key, Value::Map(Arc::new(metadata)));
    Value::Map(Arc::new(fields))
}

/// The request, as expressions see it and as reviews tell it.
pub(super) fn request_tree(asked: &Asked<'_>, matched: &Matched) -> Tree {
    let kind = |gvk: &meta::GroupVersionKind| json!({ "group": gvk.group, "version": gvk.version, "kind": gvk.kind });
    let resource = |gvr: &meta::GroupVersionResource| json!({ "group": gvr.group, "version": gvr.version, "resource": gvr.resource });
    let mut tree = json!({
        "kind": kind(&matched.kind),
        "resource": resource(&matched.resource),
        "requestKind": kind(&asked.kind),
        "requestResource": resource(&asked.resource),
        "operation": asked.operation.as_str(),
        "userInfo": user_tree(asked.identity),
        "dryRun": asked.dry_run,
        "options": asked.options,
    });
    let texts = [
        ("name", asked.name),
        ("namespace", asked.namespace),
        ("subResource", asked.subresource),
        ("requestSubResource", asked.subresource),
    ];
    for (name, text) in texts {
        if !text.is_empty() {
            tree[name] = text.into();
        }
    }
    tree
}

fn user_tree(identity: &Identity) -> Tree {
    let mut tree = json!({ "username": identity.name });
    if !identity.uid.is_empty() {
        tree["uid"] = identity.uid.as_str().into();
    }
    if !identity.groups.is_empty() {
        tree["groups"] = json!(identity.groups);
    }
    if !identity.extra.is_empty() {
        tree["extra"] = json!(identity.extra);
    }
    tree
}

/// Asks the authorizer what an expression wants to know.
async fn answer(asked: &Asked<'_>, question: &Question) -> Answer {
    let account = question.service_account.as_ref().map(|(namespace, name)| Identity {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ],
        ..Identity::default()
    });
    let resource = question.path.is_none().then(|| ResourceAttempt {
        group: &question.group,
        version: "*",
        resource: &question.resource,
        subresource: &question.subresource,
        namespace: &question.namespace,
        name: &question.name,
        field_selector: question.field_selector.as_deref(),
        label_selector: question.label_selector.as_deref(),
    });
    let attempt = Attempt {
        identity: account.as_ref().unwrap_or(asked.identity),
        verb: &question.verb,
        resource,
        path: question.path.as_deref().unwrap_or_default(),
    };
    match asked.state.authorizer.authorize(&attempt).await {
        Decision::Allow { reason } => Answer { allowed: true, reason },
        Decision::Deny { reason } | Decision::NoOpinion { reason } => {
            Answer { allowed: false, reason }
        }
    }
}
