//! Runs rules over an object. All of them together may cost so much and no more.

use expressions::{Activation, Error, Value};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use meta::Tree;
use meta::field::{BadValue, ErrorKind, FieldError, Path};

use super::compiled::{Compiled, OLD_SELF, RuleTree, SELF};
use super::value::value;
use crate::custom::schema::correlate::{self, Pair};
use crate::custom::schema::node::{Node, Rule, Type};
use crate::custom::schema::values::{NOWHERE, bad_value};
use crate::wire::OrEmpty;

/// A message that an expression makes is no longer than this.
const MESSAGE_BYTES_MAX: usize = 5 * 1024;
const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// What rules found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<FieldError>,
    pub(crate) warnings: Vec<String>,
}

/// A value and the one that it replaces.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) new: &'a Tree,
    pub(crate) old: Option<&'a Tree>,
    pub(crate) node: &'a Node,
    pub(crate) is_resource: bool,
    pub(crate) unchanged: Unchanged<'a>,
}

/// By what it is told whether nothing changed: the value itself, or the nearest around it whose old value is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unchanged<'a> {
    current: Option<Pair<'a>>,
    nearest: Option<Pair<'a>>,
}

impl<'a> Unchanged<'a> {
    pub(crate) const fn root(pair: Option<Pair<'a>>) -> Self {
        Self { current: pair, nearest: None }
    }

    fn is_so(self) -> bool {
        self.current.or(self.nearest).is_some_and(|pair| pair.is_same())
    }

    fn key(self, name: &str) -> Self {
        match self.current {
            None => self,
            // Both versions of an object are of one type, whatever the old one says.
            Some(_) if self.nearest.is_none() && matches!(name, "apiVersion" | "kind") => {
                Self::default()
            }
            Some(pair) => Self { current: pair.key(name), nearest: self.current },
        }
    }

    fn index(self, index: usize) -> Self {
        match self.current {
            None => self,
            Some(pair) => Self { current: pair.index(index), nearest: self.current },
        }
    }
}

/// One evaluation of all rules, which may be of several values.
#[derive(Debug)]
pub(crate) struct Run {
    activation: Activation,
    /// No further rules are run.
    pub(crate) is_over: bool,
    pub(crate) found: Findings,
}

impl Default for Run {
    fn default() -> Self {
        let activation = Activation::new(std::sync::Arc::default());
        Self { activation, is_over: false, found: Findings::default() }
    }
}

impl Run {
    pub(crate) fn check(&mut self, tree: &RuleTree, subject: Subject<'_>, path: Option<&Path>) {
        if subject.new.is_null() || self.is_over {
            return;
        }
        if !tree.rules.is_empty() {
            self.rules(tree, subject, path);
        }
        match subject.new {
            Tree::Array(items) => self.items(tree, items, subject, path),
            Tree::Object(fields) => self.fields(tree, fields, subject, path),
            _ => {}
        }
    }

    fn items(
        &mut self,
        tree: &RuleTree,
        items: &[Tree],
        subject: Subject<'_>,
        path: Option<&Path>,
    ) {
        let (Some(tree), Some(node), Some(path)) = (&tree.items, &subject.node.items, path) else {
            return;
        };
        let old = subject.old.and_then(Tree::as_array);
        for (index, new) in items.iter().enumerate() {
            let old = old.and_then(|old| correlate::find(subject.node, old, new));
            let unchanged = subject.unchanged.index(index);
            let inner = Subject { new, old, node, is_resource: node.embedded, unchanged };
            self.check(tree, inner, Some(&path.index(index)));
        }
    }

    fn fields(
        &mut self,
        tree: &RuleTree,
        fields: &serde_json::Map<String, Tree>,
        subject: Subject<'_>,
        path: Option<&Path>,
    ) {
        let old = |name: &str| subject.old.and_then(|old| old.get(name));
        let inner = |name: &str, new, node| {
            let unchanged = subject.unchanged.key(name);
            Subject { new, old: old(name), node, is_resource: node.embedded, unchanged }
        };
        if let (Some(tree), Some(path)) = (&tree.rest, path) {
            for (name, new) in fields {
                if let Some(node) = subject.node.rest_schema() {
                    self.check(tree, inner(name, new, node), Some(&path.key(name)));
                }
            }
        }
        for (name, new) in fields {
            let node = subject.node.properties.get(name.as_str());
            if let (Some(tree), Some(node)) = (tree.properties.get(name.as_str()), node) {
                let path = match path {
                    Some(path) => path.child(name.clone()),
                    None => Path::new(name.clone()),
                };
                self.check(tree, inner(name, new, node), Some(&path));
            }
        }
    }

    fn rules(&mut self, tree: &RuleTree, subject: Subject<'_>, path: Option<&Path>) {
        let Subject { new, old, node, is_resource, .. } = subject;
        let old = old.filter(|old| !old.is_null());
        self.activation.set(SELF, value(new, node, is_resource));
        let uses_old = tree.rules.iter().any(|rule| rule.uses_old);
        let old_value = old.filter(|_| uses_old).map(|old| value(old, node, is_resource));
        for (compiled, rule) in tree.rules.iter().zip(&node.rules) {
            if self.is_over {
                return;
            }
            let place = Place { path, subject, compiled, rule };
            let program = match &compiled.program {
                Ok(program) => program,
                Err(problem) => {
                    let error = place.untyped(format!("rule compile error: {problem}"));
                    self.found.errors.push(error);
                    continue;
                }
            };
            let optional = rule.rule.optional_old_self == Some(true);
            if compiled.uses_old && old.is_none() && !optional {
                continue;
            }
            self.set_old(old_value.as_ref(), optional);
            match self.activation.evaluate(program) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => self.failed(&place, old_value.as_ref()),
                Err(error) => self.broken(&place, &error),
            }
        }
    }

    fn set_old(&mut self, old: Option<&Value>, optional: bool) {
        let value = match (old, optional) {
            (Some(old), true) => Value::some(old.clone()),
            (Some(old), false) => old.clone(),
            (None, _) => Value::Optional(None),
        };
        self.activation.set(OLD_SELF, value);
    }

    fn broken(&mut self, place: &Place<'_>, error: &Error) {
        let rule = place.rule_text();
        let text = error.to_string();
        let detail = match error {
            Error::OutOfBudget => OUT_OF_BUDGET.to_owned(),
            Error::TooCostly => format!(
                "'{text}': no further validation rules will be run due to call cost exceeds limit \
                 for rule: {rule}"
            ),
            Error::Message(_) if text.starts_with("no such overload") => format!(
                "'{text}': call arguments did not match a supported operator, function or macro \
                 signature for rule: {rule}"
            ),
            _ => format!("{text} evaluating rule: {rule}"),
        };
        self.is_over = matches!(error, Error::OutOfBudget | Error::TooCostly);
        self.found.errors.push(place.untyped(detail));
    }

    fn failed(&mut self, place: &Place<'_>, old: Option<&Value>) {
        let detail = match self.message(place, old) {
            Ok(detail) => detail,
            Err(problem) => {
                self.is_over = true;
                self.tell(place, place.error(ErrorKind::Invalid, place.type_name(), problem));
                return;
            }
        };
        let value = match place.subject.node.ty {
            Some(Type::Object | Type::Array) => BadValue::Omitted,
            _ => bad_value(place.subject.new),
        };
        let error = match place.rule.rule.reason.or_empty() {
            "FieldValueForbidden" => place.error(ErrorKind::Forbidden, BadValue::Omitted, detail),
            "FieldValueRequired" => place.error(ErrorKind::Required, BadValue::Omitted, detail),
            "FieldValueDuplicate" => place.error(ErrorKind::Duplicate, value, String::new()),
            _ => place.error(ErrorKind::Invalid, value, detail),
        };
        self.tell(place, error);
    }

    /// What did not change may stay, with a warning.
    fn tell(&mut self, place: &Place<'_>, error: FieldError) {
        if !place.compiled.uses_old && place.subject.unchanged.is_so() {
            self.found.warnings.push(error.to_string());
        } else {
            self.found.errors.push(error);
        }
    }

    /// The text of an error: that of the expression for it, or the one that is given. An error ends the evaluation.
    fn message(&mut self, place: &Place<'_>, old: Option<&Value>) -> Result<String, String> {
        let default = place.default_message();
        let Some(program) = &place.compiled.message else { return Ok(default) };
        // A message looks at the old value itself, whatever the rule does.
        self.set_old(old, false);
        match self.activation.evaluate(program) {
            Ok(Value::String(text)) => {
                let text = text.trim();
                let is_good =
                    !text.is_empty() && text.len() <= MESSAGE_BYTES_MAX && !text.contains('\n');
                Ok(if is_good { text.to_owned() } else { default })
            }
            Err(Error::OutOfBudget) => {
                Err("messageExpression evaluation failed due to running out \
                                            of cost budget, no further validation rules will be run"
                    .to_owned())
            }
            Err(Error::TooCostly) => {
                let text = place.rule.rule.message_expression.or_empty();
                Err(format!(
                    "no further validation rules will be run due to call cost exceeds limit for \
                     messageExpression: {}",
                    meta::quote(text)
                ))
            }
            _ => Ok(default),
        }
    }
}

/// Where a rule is run.
struct Place<'a> {
    path: Option<&'a Path>,
    subject: Subject<'a>,
    compiled: &'a Compiled,
    rule: &'a Rule,
}

impl Place<'_> {
    fn type_name(&self) -> BadValue {
        BadValue::from(self.subject.node.ty.map_or("", Type::as_str))
    }

    /// An error that says of the value no more than its type.
    fn untyped(&self, detail: String) -> FieldError {
        let path = self.path.map_or_else(|| NOWHERE.to_owned(), ToString::to_string);
        FieldError { kind: ErrorKind::Invalid, path, detail, value: self.type_name() }
    }

    /// An error about the field that the rule names, or about the value.
    fn error(&self, kind: ErrorKind, value: BadValue, detail: String) -> FieldError {
        let path = match (self.path, &self.rule.path) {
            (Some(path), Some(field)) => format!("{path}.{field}"),
            (None, Some(field)) => field.clone(),
            (Some(path), None) => path.to_string(),
            (None, None) => NOWHERE.to_owned(),
        };
        FieldError { kind, path, detail, value }
    }

    fn rule_text(&self) -> &str {
        let ValidationRule { rule, message, .. } = &self.rule.rule;
        match message.or_empty() {
            "" => rule.trim(),
            message => message.trim(),
        }
    }

    fn default_message(&self) -> String {
        if self.rule.rule.message.is_unset() {
            format!("failed rule: {}", self.rule_text())
        } else {
            self.rule_text().to_owned()
        }
    }
}
