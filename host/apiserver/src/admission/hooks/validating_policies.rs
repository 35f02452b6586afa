//! Policies that refuse requests.
//!
//! All policies are asked, so that warnings are complete; the first refusal is the one the client hears of.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.

use std::sync::Arc;

use expressions::Value;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause;
use meta::{StatusError, Tree};

use super::asked::Asked;
use super::compiled::{Binding, Rule, Rules, Validating};
use super::configured::{Bound, Configured};
use super::evaluate::{Evaluation, Failed, Met};
use super::matching::Matched;
use super::objects::Objects;
use super::params;

/// Longer messages of expressions do not count.
const MESSAGE_BYTES_MAX: usize = 5 * 1024;

/// Asks all policies.
pub(super) async fn run(
    configured: &Configured,
    asked: &Asked<'_>,
    objects: &Objects,
) -> Result<(), StatusError> {
    let mut refused = None;
    for bound in &configured.validating_policies {
        let refusal = ask(bound, asked, objects).await?;
        refused = refused.or(refusal);
    }
    refused.map_or(Ok(()), |refusal: Refusal| Err(refusal.status(asked)))
}

/// Why a policy refuses a request.
struct Refusal {
    policy: String,
    binding: Option<String>,
    message: String,
    reason: Option<String>,
}

impl Refusal {
    fn new(policy: &Validating, binding: Option<&Binding>, message: String) -> Refusal {
        let binding = binding.map(|binding| binding.name.clone());
        Refusal { policy: policy.name.clone(), binding, message, reason: None }
    }

    fn status(&self, asked: &Asked<'_>) -> StatusError {
        let Refusal { policy, binding, message, reason } = self;
        let text = match binding {
            Some(binding) => format!(
                "ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: \
                 {message}"
            ),
            None => format!("ValidatingAdmissionPolicy '{policy}' denied request: {message}"),
        };
        let mut error = asked.forbid(&text);
        let reason = reason.as_deref().unwrap_or("Invalid");
        error.0.code = Some(match reason {
            "Forbidden" => 403,
            "Unauthorized" => 401,
            "RequestEntityTooLarge" => 413,
            _ => 422,
        });
        error.0.reason = Some(reason.to_owned());
        let cause = StatusCause { field: None, message: Some(text), reason: None };
        error.details_mut().causes = Some(vec![cause]);
        error
    }
}

/// Asks one policy through all its bindings.
async fn ask(
    bound: &Bound<Validating>,
    asked: &Asked<'_>,
    objects: &Objects,
) -> Result<Option<Refusal>, StatusError> {
    let policy = &*bound.policy;
    let matched = match &policy.matcher {
        Ok(matcher) => matcher.matches(asked, objects)?,
        Err(problem) => {
            let text = format!("failed to configure policy: {problem}");
            return Ok(policy.fails.then(|| Refusal::new(policy, None, text)));
        }
    };
    let Some(matched) = matched else { return Ok(None) };
    let converted;
    let seen = match matched.conversion(asked) {
        Some((own, other)) => {
            converted = objects.converted(&*own, &*other);
            &converted
        }
        None => objects,
    };
    let mut evaluation = Evaluation::new(asked, &matched, seen);
    let mut refused = None;
    for binding in &bound.bindings {
        let refusal = ask_bound(policy, binding, asked, objects, &mut evaluation).await?;
        refused = refused.or(refusal);
    }
    Ok(refused)
}

async fn ask_bound(
    policy: &Validating,
    binding: &Binding,
    asked: &Asked<'_>,
    objects: &Objects,
    evaluation: &mut Evaluation<'_>,
) -> Result<Option<Refusal>, StatusError> {
    let misconfigured = |problem: &str| {
        let text = format!("failed to configure binding: {problem}");
        policy.fails.then(|| Refusal::new(policy, Some(binding), text))
    };
    match &binding.matcher {
        None => {}
        Some(Err(problem)) => return Ok(misconfigured(problem)),
        Some(Ok(matcher)) => {
            let matched: Option<Matched> = matcher.matches(asked, objects)?;
            if matched.is_none() {
                return Ok(None);
            }
        }
    }
    let params = match params::collect(asked, policy.params.as_ref(), binding.params.as_ref()) {
        Ok(params) => params,
        Err(problem) => return Ok(misconfigured(&problem)),
    };
    let mut refused = None;
    for params in params {
        let found = findings(policy, evaluation, params.as_ref()).await?;
        for finding in found {
            let refusal = act(policy, binding, asked, finding);
            refused = refused.or(refusal);
        }
    }
    Ok(refused)
}

/// What a policy objects to.
struct Finding {
    message: String,
    reason: Option<String>,
    /// Whether it refuses the request whatever the binding says.
    always: bool,
}

impl Finding {
    fn new(message: String) -> Finding {
        Finding { message, reason: None, always: false }
    }
}

/// Does what a binding says about a finding.
fn act(
    policy: &Validating,
    binding: &Binding,
    asked: &Asked<'_>,
    finding: Finding,
) -> Option<Refusal> {
    let has = |action: &str| binding.actions.iter().any(|own| own == action);
    if !finding.always && has("Warn") {
        asked.warnings.add(format!(
            "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
            policy.name, binding.name, finding.message
        ));
    }
    if !finding.always && has("Audit") {
        tracing::info!(
            policy = policy.name,
            binding = binding.name,
            resource = %asked.group_resource(),
            namespace = asked.namespace,
            name = asked.shown_name,
            user = asked.identity.name,
            message = finding.message,
            "a request breaks a policy"
        );
    }
    (finding.always || has("Deny")).then(|| Refusal {
        reason: finding.reason,
        ..Refusal::new(policy, Some(binding), finding.message)
    })
}

/// What a policy objects to with one set of parameters.
async fn findings(
    policy: &Validating,
    evaluation: &mut Evaluation<'_>,
    params: Option<&Tree>,
) -> Result<Vec<Finding>, StatusError> {
    let rules = policy.rules();
    let broken = |text: String| policy.fails.then(|| Finding::new(text));
    evaluation.hide_namespace();
    evaluation.begin(Arc::clone(&rules.composition), params);
    match evaluation.met(&rules.conditions).await {
        Met::Yes => {}
        Met::No => return Ok(Vec::new()),
        Met::Unknown(text) => return Ok(broken(text).into_iter().collect()),
    }
    evaluation.begin(Arc::clone(&rules.composition), params);
    evaluation.show_namespace()?;
    let mut found = Vec::new();
    for rule in &rules.validations {
        match evaluation.value(&rule.expression).await {
            Ok(Value::Bool(true)) => {}
            Ok(_) => {
                let message = message(rule, evaluation).await;
                let reason = rule.reason.clone();
                found.push(Finding { reason, ..Finding::new(message) });
            }
            Err(Failed::Alone(text)) => found.extend(broken(text)),
            Err(Failed::All(text)) => return Ok(broken(text).into_iter().collect()),
        }
    }
    found.extend(annotation_problems(policy, rules, evaluation, params).await);
    Ok(found)
}

/// What is said of a broken rule: what its expression gives, its text, or the rule itself.
async fn message(rule: &Rule, evaluation: &mut Evaluation<'_>) -> String {
    if let Some(expression) = &rule.message_expression
        && let Ok(Value::String(text)) = evaluation.value(expression).await
    {
        let text = text.trim();
        if !text.is_empty() && text.len() <= MESSAGE_BYTES_MAX && !text.contains('\n') {
            return text.to_owned();
        }
    }
    match rule.message.trim() {
        "" => format!("failed expression: {}", rule.expression.text.trim()),
        text => text.to_owned(),
    }
}

/// Annotations of the audit log are not kept, but one that cannot be made refuses the request.
async fn annotation_problems(
    policy: &Validating,
    rules: &Rules,
    evaluation: &mut Evaluation<'_>,
    params: Option<&Tree>,
) -> Vec<Finding> {
    if rules.annotations.is_empty() || !policy.fails {
        return Vec::new();
    }
    evaluation.begin(Arc::clone(&rules.composition), params);
    let mut found = Vec::new();
    for annotation in &rules.annotations {
        match evaluation.value(annotation).await {
            Ok(_) => {}
            Err(Failed::Alone(text)) => found.push(Finding { always: true, ..Finding::new(text) }),
            Err(Failed::All(text)) => {
                found.push(Finding::new(text));
                break;
            }
        }
    }
    found
}
