//! Policies, bindings and webhooks in the form in which they are used. Expressions are compiled when the first request needs them.

use std::sync::{Arc, OnceLock};

use expressions::admission::{Composer, Purpose};
use expressions::{Composition, Program};
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding,
    MutatingAdmissionPolicySpec, MutatingWebhook, MutatingWebhookConfiguration, Mutation,
    ParamKind, ParamRef, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
    ValidatingAdmissionPolicySpec, ValidatingWebhook, ValidatingWebhookConfiguration, Variable,
};

use super::client::Client;
use super::matching::Matcher;

/// A program, or why there is none.
pub(super) type Compiled = Result<Program, String>;

/// An expression with its text, which messages show.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) program: Compiled,
}

impl Expression {
    fn new(text: &str, compile: impl FnOnce(&str) -> Compiled) -> Expression {
        Expression { text: text.to_owned(), program: compile(text) }
    }
}

fn conditions(given: Option<&Vec<MatchCondition>>, composer: &Composer) -> Vec<Expression> {
    let texts = given.into_iter().flatten().map(|condition| condition.expression.trim());
    texts.map(|text| Expression::new(text, |text| composer.condition(text))).collect()
}

/// Compiles variables; one that is wrong was refused when it was written, and makes those fail who name it.
fn variables(given: Option<&Vec<Variable>>, composer: &mut Composer) {
    for variable in given.into_iter().flatten() {
        if let Err(problem) = composer.variable(&variable.name, &variable.expression) {
            tracing::warn!(
                problem,
                variable = variable.name,
                "a stored expression does not compile"
            );
        }
    }
}

fn matcher(resources: Option<&MatchResources>) -> Result<Matcher, String> {
    match resources {
        Some(resources) => Matcher::of_resources(resources),
        None => Matcher::of_resources(&MatchResources::default()),
    }
}

/// A validating policy.
#[derive(Debug)]
pub(super) struct Validating {
    pub(super) name: String,
    pub(super) fails: bool,
    pub(super) matcher: Result<Matcher, String>,
    pub(super) params: Option<ParamKind>,
    spec: ValidatingAdmissionPolicySpec,
    rules: OnceLock<Rules>,
}

/// The expressions of a validating policy.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) conditions: Vec<Expression>,
    pub(super) composition: Arc<Composition>,
    pub(super) validations: Vec<Rule>,
    pub(super) annotations: Vec<Expression>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) expression: Expression,
    pub(super) message: String,
    pub(super) message_expression: Option<Expression>,
    pub(super) reason: Option<String>,
}

impl Validating {
    pub(super) fn new(policy: ValidatingAdmissionPolicy) -> Validating {
        let spec = policy.spec.unwrap_or_default();
        Validating {
            name: policy.metadata.name.unwrap_or_default(),
            fails: spec.failure_policy.as_deref() != Some("Ignore"),
            matcher: matcher(spec.match_constraints.as_ref()),
            params: spec.param_kind.clone(),
            spec,
            rules: OnceLock::new(),
        }
    }

    /// Its expressions.
    pub(super) fn rules(&self) -> &Rules {
        self.rules.get_or_init(|| {
            let spec = &self.spec;
            let composed = spec.variables.as_ref().is_some_and(|list| !list.is_empty());
            let mut composer = Composer::new(spec.param_kind.is_some(), false, composed);
            let conditions = conditions(spec.match_conditions.as_ref(), &composer);
            variables(spec.variables.as_ref(), &mut composer);
            let compile = |purpose| {
                let composer = &composer;
                move |text: &str| composer.compile(text, purpose)
            };
            let validations = spec.validations.iter().flatten().map(|validation| Rule {
                expression: Expression::new(&validation.expression, compile(Purpose::Condition)),
                message: validation.message.clone().unwrap_or_default(),
                message_expression: validation
                    .message_expression
                    .as_deref()
                    .filter(|text| !text.is_empty())
                    .map(|text| Expression::new(text, compile(Purpose::Message))),
                reason: validation.reason.clone(),
            });
            let validations = validations.collect();
            let annotations = spec.audit_annotations.iter().flatten().map(|annotation| {
                let text = annotation.value_expression.trim();
                Expression::new(text, compile(Purpose::AuditAnnotation))
            });
            let annotations = annotations.collect();
            Rules { conditions, validations, annotations, composition: composer.composition() }
        })
    }
}

/// A mutating policy.
#[derive(Debug)]
pub(super) struct Mutating {
    pub(super) name: String,
    pub(super) fails: bool,
    pub(super) matcher: Result<Matcher, String>,
    pub(super) params: Option<ParamKind>,
    pub(super) again: bool,
    spec: MutatingAdmissionPolicySpec,
    steps: OnceLock<Steps>,
}

/// The expressions of a mutating policy.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) conditions: Vec<Expression>,
    pub(super) composition: Arc<Composition>,
    pub(super) mutations: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    Apply(Expression),
    Patch(Expression),
}

impl Mutating {
    pub(super) fn new(policy: MutatingAdmissionPolicy) -> Mutating {
        let spec = policy.spec.unwrap_or_default();
        Mutating {
            name: policy.metadata.name.unwrap_or_default(),
            fails: spec.failure_policy.as_deref() != Some("Ignore"),
            matcher: matcher(spec.match_constraints.as_ref()),
            params: spec.param_kind.clone(),
            again: spec.reinvocation_policy.as_deref() == Some("IfNeeded"),
            spec,
            steps: OnceLock::new(),
        }
    }

    /// Its expressions.
    pub(super) fn steps(&self) -> &Steps {
        self.steps.get_or_init(|| {
            let spec = &self.spec;
            let composed = spec.variables.as_ref().is_some_and(|list| !list.is_empty());
            let mut composer = Composer::new(spec.param_kind.is_some(), true, composed);
            let conditions = conditions(spec.match_conditions.as_ref(), &composer);
            variables(spec.variables.as_ref(), &mut composer);
            let mutations = spec.mutations.iter().flatten();
            let mutations = mutations.map(|mutation| step(mutation, &composer)).collect();
            Steps { conditions, mutations, composition: composer.composition() }
        })
    }
}

fn step(mutation: &Mutation, composer: &Composer) -> Step {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    if mutation.patch_type == "JSONPatch" {
        let given = mutation.json_patch.as_ref().map(|given| text(&given.expression));
        let given = given.unwrap_or_default();
        Step::Patch(Expression::new(&given, |text| composer.compile(text, Purpose::JsonPatch)))
    } else {
        let given = mutation.apply_configuration.as_ref().map(|given| text(&given.expression));
        let given = given.unwrap_or_default();
        Step::Apply(Expression::new(&given, |text| {
            composer.compile(text, Purpose::ApplyConfiguration)
        }))
    }
}

/// Where a policy holds.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) params: Option<ParamRef>,
    /// None means all that the policy means.
    pub(super) matcher: Option<Result<Matcher, String>>,
    pub(super) actions: Vec<String>,
}

impl Binding {
    pub(super) fn of_validating(binding: ValidatingAdmissionPolicyBinding) -> Binding {
        let spec = binding.spec;
        Binding {
            name: binding.metadata.name.unwrap_or_default(),
            policy: spec.policy_name,
            params: spec.param_ref,
            matcher: spec.match_resources.as_ref().map(Matcher::of_resources),
            actions: spec.validation_actions,
        }
    }

    pub(super) fn of_mutating(binding: MutatingAdmissionPolicyBinding) -> Binding {
        let spec = binding.spec.unwrap_or_default();
        Binding {
            name: binding.metadata.name.unwrap_or_default(),
            policy: spec.policy_name.unwrap_or_default(),
            params: spec.param_ref,
            matcher: spec.match_resources.as_ref().map(Matcher::of_resources),
            actions: Vec::new(),
        }
    }
}

/// A webhook of either kind.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) configuration: String,
    pub(super) name: String,
    pub(super) fails: bool,
    pub(super) timeout_secs: u64,
    /// Whether it may be asked about what is only tried.
    pub(super) dry_run: bool,
    /// The versions of reviews that it takes, the one it likes best first.
    pub(super) versions: Vec<String>,
    pub(super) again: bool,
    pub(super) matcher: Result<Matcher, String>,
    pub(super) client: Client,
    given: Vec<MatchCondition>,
    conditions: OnceLock<Vec<Expression>>,
}

/// Where no time is given.
const TIMEOUT_SECS: u64 = 10;

impl Webhook {
    pub(super) fn all_mutating(configuration: MutatingWebhookConfiguration) -> Vec<Arc<Webhook>> {
        let name = configuration.metadata.name.unwrap_or_default();
        let hooks = configuration.webhooks.into_iter().flatten();
        hooks.map(|hook| Webhook::new(&name, hook)).collect()
    }

    pub(super) fn all_validating(
        configuration: ValidatingWebhookConfiguration,
    ) -> Vec<Arc<Webhook>> {
        let name = configuration.metadata.name.unwrap_or_default();
        let hooks = configuration.webhooks.into_iter().flatten();
        hooks.map(|hook| Webhook::new(&name, never_again(hook))).collect()
    }

    fn new(configuration: &str, hook: MutatingWebhook) -> Arc<Webhook> {
        let matcher = Matcher::of_webhook(
            hook.rules.as_deref().unwrap_or_default(),
            hook.match_policy.as_deref(),
            hook.namespace_selector.as_ref(),
            hook.object_selector.as_ref(),
        );
        let secs = hook.timeout_seconds.and_then(|secs| u64::try_from(secs).ok());
        Arc::new(Webhook {
            configuration: configuration.to_owned(),
            name: hook.name,
            fails: hook.failure_policy.as_deref() != Some("Ignore"),
            timeout_secs: secs.unwrap_or(TIMEOUT_SECS),
            dry_run: matches!(hook.side_effects.as_str(), "None" | "NoneOnDryRun"),
            versions: hook.admission_review_versions,
            again: hook.reinvocation_policy.as_deref() == Some("IfNeeded"),
            matcher,
            client: Client::new(hook.client_config),
            given: hook.match_conditions.unwrap_or_default(),
            conditions: OnceLock::new(),
        })
    }

    /// The conditions under which it is asked at all.
    pub(super) fn conditions(&self) -> &[Expression] {
        self.conditions.get_or_init(|| {
            let composer = Composer::new(false, false, false);
            conditions(Some(&self.given), &composer)
        })
    }
}

/// A webhook that only refuses, as one that changes: it has the same fields, but for being asked again.
fn never_again(hook: ValidatingWebhook) -> MutatingWebhook {
    MutatingWebhook {
        admission_review_versions: hook.admission_review_versions,
        client_config: hook.client_config,
        failure_policy: hook.failure_policy,
        match_conditions: hook.match_conditions,
        match_policy: hook.match_policy,
        name: hook.name,
        namespace_selector: hook.namespace_selector,
        object_selector: hook.object_selector,
        reinvocation_policy: None,
        rules: hook.rules,
        side_effects: hook.side_effects,
        timeout_seconds: hook.timeout_seconds,
    }
}
