//! The rules of a schema, compiled once for all objects.

use std::collections::BTreeMap;

use expressions::{Environment, Program, Type};

use super::declare::{Declared, declare};
use crate::custom::schema::node::{Node, Rest};
use crate::wire::OrEmpty;

/// The name of the value that a rule is about.
pub(crate) const SELF: &str = "self";
/// The name of the value that it replaces.
pub(crate) const OLD_SELF: &str = "oldSelf";

/// What rules of one schema may name: with the old value as it is, and as one that may be missing.
#[derive(Debug)]
pub(crate) struct Environments {
    pub(crate) declared: Declared,
    plain: Environment,
    optional: Environment,
}

impl Environments {
    /// Nothing where the schema does not say enough for rules.
    pub(crate) fn new(node: &Node, is_resource: bool) -> Option<Self> {
        let declared = declare(node, is_resource, SELF)?;
        let of = |old| Environment::new().with(SELF, declared.ty.clone()).with(OLD_SELF, old);
        let plain = of(declared.ty.clone());
        let optional = of(Type::optional(declared.ty.clone()));
        Some(Self { declared, plain, optional })
    }

    pub(crate) const fn of(&self, optional: bool) -> &Environment {
        if optional { &self.optional } else { &self.plain }
    }

    /// Compiles a rule, or tells what is wrong with it.
    pub(crate) fn rule(&self, text: &str, optional: bool) -> Result<Program, String> {
        let program = self
            .of(optional)
            .compile(text)
            .map_err(|issues| format!("compilation failed: {issues}"))?;
        if *program.result() == Type::Bool {
            Ok(program)
        } else {
            Err("cel expression must evaluate to a bool".to_owned())
        }
    }

    /// Compiles an expression that makes a message, or tells what is wrong with it.
    pub(crate) fn message(&self, text: &str, optional: bool) -> Result<Program, String> {
        let program = self
            .of(optional)
            .compile(text)
            .map_err(|issues| format!("messageExpression compilation failed: {issues}"))?;
        if *program.result() == Type::String {
            Ok(program)
        } else {
            Err("messageExpression must evaluate to a string".to_owned())
        }
    }
}

/// The rules of a schema and of those inside it, where there are any.
#[derive(Debug, Default)]
pub(crate) struct RuleTree {
    /// In the order of the schema.
    pub(crate) rules: Vec<Compiled>,
    pub(crate) properties: BTreeMap<Box<str>, RuleTree>,
    pub(crate) rest: Option<Box<RuleTree>>,
    pub(crate) items: Option<Box<RuleTree>>,
}

/// A rule that is ready to run, or why there is none.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) program: Result<Program, String>,
    pub(crate) message: Option<Program>,
    pub(crate) uses_old: bool,
}

impl RuleTree {
    pub(crate) fn compile(node: &Node, is_resource: bool) -> Option<Self> {
        if !node.has_rules() {
            return None;
        }
        let rest = match &node.rest {
            Rest::Schema(rest) => Self::compile(rest, rest.embedded).map(Box::new),
            _ => None,
        };
        let properties = node.properties.iter().filter_map(|(name, property)| {
            Some((name.clone(), Self::compile(property, property.embedded)?))
        });
        let items = node.items.as_ref().and_then(|item| Self::compile(item, item.embedded));
        Some(Self {
            rules: compile_own(node, is_resource),
            properties: properties.collect(),
            rest,
            items: items.map(Box::new),
        })
    }
}

fn compile_own(node: &Node, is_resource: bool) -> Vec<Compiled> {
    if node.rules.is_empty() {
        return Vec::new();
    }
    let environments = Environments::new(node, is_resource);
    let compiled = node.rules.iter().map(|rule| {
        let Some(environments) = &environments else {
            let problem = "failed to convert to declType for CEL validation rules".to_owned();
            return Compiled { program: Err(problem), message: None, uses_old: false };
        };
        let rule = &rule.rule;
        let optional = rule.optional_old_self == Some(true);
        let program = environments.rule(&rule.rule, optional);
        let message = rule.message_expression.or_empty();
        let message = (!message.is_empty()).then(|| environments.message(message, optional).ok());
        let uses_old = program.as_ref().is_ok_and(|program| program.names(OLD_SELF));
        Compiled { program, message: message.flatten(), uses_old }
    });
    compiled.collect()
}
