//! What expressions of admission policies and webhooks may name, and which types they must have.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.

use std::sync::{Arc, LazyLock};

use crate::environment::Environment;
use crate::eval::Composition;
use crate::library::authorizer::{AUTHORIZER, RESOURCE_CHECK};
use crate::program::Program;
use crate::types::Type;

/// The record that mutations with JSON patches are made of.
pub const JSON_PATCH: &str = "JSONPatch";
/// The record that mutations with configurations are, and the beginning of the names of those inside it.
pub const OBJECT: &str = "Object";

/// Which of the variables are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    pub params: bool,
    pub authorizer: bool,
    /// Whether expressions make patches.
    pub patches: bool,
}

/// Compiles the expressions of one policy or webhook, each with what it may name.
#[derive(Debug)]
pub struct Composer {
    conditions: Environment,
    messages: Environment,
    others: Environment,
    composition: Composition,
}

impl Composer {
    /// `composed` says whether the policy has variables.
    pub fn new(params: bool, patches: bool, composed: bool) -> Self {
        let of = |authorizer, composed| {
            let environment = environment(Offered { params, authorizer, patches });
            if composed { environment.with_composed() } else { environment }
        };
        Self {
            conditions: of(true, false),
            messages: of(false, composed),
            others: of(true, composed),
            composition: Composition::new(),
        }
    }

    /// Compiles a variable, which expressions after it can name. One that is wrong can be named too: it is told about once.
    pub fn variable(&mut self, name: &str, text: &str) -> Result<(), String> {
        let compiled = compile(&self.others, text, Purpose::Variable);
        let ty = compiled.as_ref().map_or(Type::Dyn, |program| program.result().clone());
        self.others.compose(name, ty.clone());
        self.messages.compose(name, ty);
        self.composition.insert(Arc::from(name), compiled?);
        Ok(())
    }

    /// Compiles a condition under which the policy or webhook is meant at all.
    pub fn condition(&self, text: &str) -> Result<Program, String> {
        compile(&self.conditions, text, Purpose::Condition)
    }

    /// Compiles any other expression.
    pub fn compile(&self, text: &str, purpose: Purpose) -> Result<Program, String> {
        let environment = if purpose == Purpose::Message { &self.messages } else { &self.others };
        compile(environment, text, purpose)
    }

    /// The variables.
    pub fn composition(self) -> Arc<Composition> {
        Arc::new(self.composition)
    }
}

/// What an expression is for, and so what it must evaluate to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Condition,
    Message,
    AuditAnnotation,
    Variable,
    ApplyConfiguration,
    JsonPatch,
}

/// The environment of an admission expression, without variables that are expressions themselves.
pub fn environment(offered: Offered) -> Environment {
    let mut environment = Environment::new()
        .with("object", Type::Dyn)
        .with("oldObject", Type::Dyn)
        .with("namespaceObject", NAMESPACE.clone())
        .with("request", REQUEST.clone());
    if offered.params {
        environment = environment.with("params", Type::Dyn);
    }
    if offered.authorizer {
        environment = environment
            .with("authorizer", AUTHORIZER)
            .with("authorizer.requestResource", RESOURCE_CHECK);
    }
    if offered.patches {
        environment = environment.with_record(&PATCH).with_open_records(OBJECT);
    }
    environment
}

/// Compiles an expression; what is wrong is told as Kubernetes does.
pub fn compile(environment: &Environment, text: &str, purpose: Purpose) -> Result<Program, String> {
    let program =
        environment.compile(text).map_err(|issues| format!("compilation failed: {issues}"))?;
    let wanted: &[Type] = match purpose {
        Purpose::Condition => &[Type::Bool],
        Purpose::Message => &[Type::String],
        Purpose::AuditAnnotation => &[Type::String, Type::Null],
        Purpose::Variable => return Ok(program),
        Purpose::ApplyConfiguration => std::slice::from_ref(&*CONFIGURATION),
        Purpose::JsonPatch => std::slice::from_ref(&*PATCHES),
    };
    if wanted.contains(program.result()) {
        return Ok(program);
    }
    let found = program.result().long_name();
    let names: Vec<String> = wanted.iter().map(Type::long_name).collect();
    Err(match names.as_slice() {
        [only] => format!("must evaluate to {only} but got {found}"),
        several => format!("must evaluate to one of [{}] but got {found}", several.join(" ")),
    })
}

static PATCH: LazyLock<Type> = LazyLock::new(|| {
    let text = Type::String;
    Type::record(
        JSON_PATCH,
        [("op", text.clone()), ("path", text.clone()), ("from", text), ("value", Type::Dyn)],
    )
});
static PATCHES: LazyLock<Type> = LazyLock::new(|| Type::list(PATCH.clone()));
static CONFIGURATION: LazyLock<Type> = LazyLock::new(|| Type::open_record(OBJECT));

static REQUEST: LazyLock<Type> = LazyLock::new(|| {
    let text = || Type::String;
    let texts = || Type::list(Type::String);
    let kind = Type::record(
        "kubernetes.GroupVersionKind",
        [("group", text()), ("version", text()), ("kind", text())],
    );
    let resource = Type::record(
        "kubernetes.GroupVersionResource",
        [("group", text()), ("version", text()), ("resource", text())],
    );
    let user = Type::record(
        "kubernetes.UserInfo",
        [
            ("username", text()),
            ("uid", text()),
            ("groups", texts()),
            ("extra", Type::map(text(), texts())),
        ],
    );
    Type::record(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", text()),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", text()),
            ("name", text()),
            ("namespace", text()),
            ("operation", text()),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
});

static NAMESPACE: LazyLock<Type> = LazyLock::new(|| {
    let text = || Type::String;
    let texts = || Type::list(Type::String);
    let labels = || Type::map(Type::String, Type::String);
    let spec = Type::record("kubernetes.NamespaceSpec", [("finalizers", texts())]);
    let condition = Type::record(
        "kubernetes.NamespaceCondition",
        [
            ("status", text()),
            ("type", text()),
            ("lastTransitionTime", Type::Timestamp),
            ("message", text()),
            ("reason", text()),
        ],
    );
    let status = Type::record(
        "kubernetes.NamespaceStatus",
        [("conditions", Type::list(condition)), ("phase", text())],
    );
    let metadata = Type::record(
        "kubernetes.NamespaceMetadata",
        [
            ("name", text()),
            ("generateName", text()),
            ("namespace", text()),
            ("labels", labels()),
            ("annotations", labels()),
            ("UID", text()),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", text()),
            ("finalizers", texts()),
        ],
    );
    Type::record(
        "kubernetes.Namespace",
        [("metadata", metadata), ("spec", spec), ("status", status)],
    )
});
