//! Policies that change what requests ask for, in the order of their names.
//!
//! A policy that cannot do its work refuses the request unless it says that failures are ignored; the others still get their turn.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/>.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause;
use meta::{StatusError, Tree};

use super::asked::Asked;
use super::compiled::{Binding, Mutating, Step};
use super::configured::{Bound, Configured};
use super::evaluate::{Evaluation, Met};
use super::matching::Matched;
use super::objects::{Objects, convert};
use super::{Turn, params, patches};

/// Lets all policies change the object.
pub(super) async fn run(
    configured: &Configured,
    asked: &Asked<'_>,
    objects: &mut Objects,
    turn: &mut Turn,
) -> Result<(), StatusError> {
    if objects.object.is_none() {
        return Ok(());
    }
    let mut problems = Vec::new();
    for bound in &configured.mutating_policies {
        problems.extend(ask(bound, asked, objects, turn).await?);
    }
    refuse(asked, &problems)
}

/// Why a policy failed.
struct Problem {
    text: String,
    reason: &'static str,
}

fn refuse(asked: &Asked<'_>, problems: &[Problem]) -> Result<(), StatusError> {
    let Some(first) = problems.first() else { return Ok(()) };
    let mut error = asked.forbid("").with_message(first.text.clone());
    error.0.reason = Some(first.reason.to_owned());
    let causes = problems.iter().map(|problem| StatusCause {
        field: None,
        message: Some(problem.text.clone()),
        reason: None,
    });
    error.details_mut().causes = Some(causes.collect());
    Err(error)
}

/// Says that a policy failed, unless it says that this does not matter.
fn failed(
    policy: &Mutating,
    binding: Option<&Binding>,
    text: &str,
    reason: &'static str,
) -> Option<Problem> {
    policy.fails.then(|| {
        let text = match binding {
            Some(binding) => format!(
                "policy '{}' with binding '{}' denied request: {text}",
                policy.name, binding.name
            ),
            None => format!("policy {} denied request: {text}", meta::quote(&policy.name)),
        };
        Problem { text, reason }
    })
}

const FORBIDDEN: &str = "Forbidden";
const INVALID: &str = "Invalid";

async fn ask(
    bound: &Bound<Mutating>,
    asked: &Asked<'_>,
    objects: &mut Objects,
    turn: &mut Turn,
) -> Result<Vec<Problem>, StatusError> {
    let policy = &*bound.policy;
    let matched = match &policy.matcher {
        Ok(matcher) => matcher.matches(asked, objects)?,
        Err(problem) => {
            let text = format!("failed to configure policy: {problem}");
            return Ok(failed(policy, None, &text, FORBIDDEN).into_iter().collect());
        }
    };
    let Some(matched) = matched else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    for binding in &bound.bindings {
        problems.extend(ask_bound(policy, binding, asked, &matched, objects, turn).await?);
    }
    Ok(problems)
}

async fn ask_bound(
    policy: &Mutating,
    binding: &Binding,
    asked: &Asked<'_>,
    matched: &Matched,
    objects: &mut Objects,
    turn: &mut Turn,
) -> Result<Vec<Problem>, StatusError> {
    let misconfigured = |problem: &str| {
        let text = format!("failed to configure binding: {problem}");
        failed(policy, Some(binding), &text, FORBIDDEN).into_iter().collect()
    };
    match &binding.matcher {
        Some(Err(problem)) => return Ok(misconfigured(problem)),
        Some(Ok(matcher)) if matcher.matches(asked, objects)?.is_none() => {
            return Ok(Vec::new());
        }
        None | Some(Ok(_)) => {}
    }
    let params = match params::collect(asked, policy.params.as_ref(), binding.params.as_ref()) {
        Ok(params) => params,
        Err(problem) => return Ok(misconfigured(&problem)),
    };
    let mut problems = Vec::new();
    for params in params {
        let who = format!("policy {} {} {}", policy.name, binding.name, name_of(params.as_ref()));
        if !turn.calls(&who) {
            continue;
        }
        let before = objects.object.clone();
        let outcome = mutate(policy, asked, matched, objects, params.as_ref()).await?;
        match outcome {
            Outcome::NotMeant => continue,
            Outcome::Done(texts) => {
                let texts = texts.iter();
                problems
                    .extend(texts.filter_map(|text| failed(policy, Some(binding), text, INVALID)));
            }
        }
        turn.note(who, objects.object != before, policy.again);
    }
    Ok(problems)
}

fn name_of(params: Option<&Tree>) -> String {
    let part = |name: &str| {
        let path = format!("/metadata/{name}");
        params.and_then(|params| params.pointer(&path)).and_then(Tree::as_str).unwrap_or_default()
    };
    format!("{}/{}", part("namespace"), part("name"))
}

enum Outcome {
    /// The conditions do not hold.
    NotMeant,
    /// What went wrong.
    Done(Vec<String>),
}

/// Does all mutations of a policy, each on what the one before left.
async fn mutate(
    policy: &Mutating,
    asked: &Asked<'_>,
    matched: &Matched,
    objects: &mut Objects,
    params: Option<&Tree>,
) -> Result<Outcome, StatusError> {
    let steps = policy.steps();
    let conversion = matched.conversion(asked);
    let mut seen = match &conversion {
        Some((own, other)) => objects.converted(&**own, &**other),
        None => objects.clone(),
    };
    let mut evaluation = Evaluation::new(asked, matched, &seen);
    evaluation.begin(Arc::clone(&steps.composition), params);
    match evaluation.met(&steps.conditions).await {
        Met::Yes => {}
        Met::No => return Ok(Outcome::NotMeant),
        Met::Unknown(text) => return Ok(Outcome::Done(vec![text])),
    }
    evaluation.show_namespace()?;
    let mut problems = Vec::new();
    for step in &steps.mutations {
        // Variables are evaluated anew on the object as it is now.
        evaluation.begin(Arc::clone(&steps.composition), params);
        evaluation.set_object(seen.object.as_ref());
        let (Step::Apply(expression) | Step::Patch(expression)) = step;
        let changed = match evaluation.value(expression).await {
            Err(problem) => Err(problem.text()),
            Ok(value) => patches::changed(step, &value, seen.object.as_ref(), matched),
        };
        match changed {
            Ok(tree) => seen.object = Some(tree),
            Err(problem) => problems.push(problem),
        }
    }
    objects.object = match (conversion, seen.object) {
        (Some((own, other)), Some(tree)) => Some(convert(&tree, &*other, &*own)),
        (_, tree) => tree,
    };
    Ok(Outcome::Done(problems))
}
