//! Whether a value is what its schema says.
//!
//! Every check that applies is made, and each error is told once. What was wrong before and did not change is no error.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation>.

mod combined;
mod number;
mod shown;

use std::fmt::Write as _;

use meta::Tree;
use meta::field::{BadValue, ErrorKind, FieldError};

use super::correlate::Pair;
use super::formats::Format;
use super::node::{Node, Rest, Type};
pub(crate) use shown::bad_value;

/// How errors without a place are shown.
pub(crate) const NOWHERE: &str = "<nil>";

/// What is checked, and by which rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) value: &'a Tree,
    pub(crate) node: &'a Node,
    /// The value that this one replaces.
    pub(crate) pair: Option<Pair<'a>>,
}

/// Where errors are told to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place<'a> {
    /// The path of the value in the object, nothing for the object itself.
    pub(crate) base: Option<&'a str>,
    /// Defaults are checked while their definition is: a type need not be told apart there, and paths begin anew.
    pub(crate) in_definition: bool,
}

/// Checks a value, of which `place` says where it is.
pub(crate) fn check(subject: Subject<'_>, place: Place<'_>) -> Vec<FieldError> {
    let mut walk = Walk { place, path: String::new() };
    walk.ratcheted(subject).errors.into_iter().map(|finding| finding.error).collect()
}

/// What one value came to.
#[derive(Debug, Default)]
struct Outcome {
    errors: Vec<Finding>,
    /// How many checks were made, by which the best of several alternatives is chosen.
    matched: usize,
}

#[derive(Debug)]
struct Finding {
    /// Errors are told apart by this.
    message: String,
    error: FieldError,
}

impl Outcome {
    fn is_good(&self) -> bool {
        self.errors.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        if !self.errors.iter().any(|known| known.message == finding.message) {
            self.errors.push(finding);
        }
    }

    fn merge(&mut self, other: Self) {
        self.matched += other.matched;
        other.errors.into_iter().for_each(|finding| self.add(finding));
    }
}

struct Walk<'a> {
    place: Place<'a>,
    /// From the value that was given.
    path: String,
}

impl<'a> Walk<'a> {
    /// Errors of what did not change are forgiven.
    fn ratcheted(&mut self, subject: Subject<'a>) -> Outcome {
        let mut outcome = self.value(subject);
        if !outcome.is_good() && subject.pair.is_some_and(|pair| pair.is_same()) {
            outcome.errors.clear();
        }
        outcome
    }

    fn value(&mut self, subject: Subject<'a>) -> Outcome {
        let Subject { value, node, .. } = subject;
        let mut outcome = Outcome::default();
        if value.is_null() {
            outcome.matched = 1;
            self.null(node, &mut outcome);
            self.options(value, node, &mut outcome);
            return outcome;
        }
        self.ty(value, node, &mut outcome);
        let combined = self.combined(subject);
        outcome.merge(combined);
        outcome.matched += 1;
        match value {
            Tree::String(text) => self.text(text, node, &mut outcome),
            Tree::Number(number) => {
                self.number(number, node, &mut outcome);
                outcome.matched += 2;
            }
            Tree::Array(items) => self.items(items, subject, &mut outcome),
            _ => {}
        }
        self.options(value, node, &mut outcome);
        outcome.matched += 1;
        if let Tree::Object(fields) = value {
            self.fields(fields, subject, &mut outcome);
            outcome.matched += 1;
        }
        outcome.matched += 1;
        outcome
    }

    fn null(&self, node: &Node, outcome: &mut Outcome) {
        if let Some(wanted) = self.wanted(node)
            && !node.nullable
        {
            outcome.add(self.wrong_type(&wanted, "null"));
        }
    }

    /// The declared type as it is told. Definitions of what is an integer or a text have none.
    fn wanted(&self, node: &Node) -> Option<String> {
        if node.int_or_string && !self.place.in_definition {
            return Some("integer,string".to_owned());
        }
        node.ty.map(|ty| ty.as_str().to_owned())
    }

    fn ty(&self, value: &Tree, node: &Node, outcome: &mut Outcome) {
        let format = node.checks.format.as_ref().map(|(text, _)| &**text);
        let wanted = self.wanted(node);
        if wanted.is_none() && format.is_none() {
            return;
        }
        outcome.matched += 1;
        let is_number = |ty| matches!(ty, Type::Integer | Type::Number);
        let takes_numbers =
            node.ty.is_some_and(is_number) || (node.int_or_string && !self.place.in_definition);
        let fits = match (value, node.ty) {
            _ if node.int_or_string && !self.place.in_definition => {
                value.is_string() || number::is_integer(value)
            }
            (Tree::Object(_), Some(Type::Object))
            | (Tree::Array(_), Some(Type::Array))
            | (Tree::String(_), Some(Type::String))
            | (Tree::Bool(_), Some(Type::Boolean))
            | (Tree::Number(_), Some(Type::Number)) => true,
            (Tree::Number(_), Some(Type::Integer)) => number::is_integer(value),
            _ => false,
        };
        let found = found_type(value);
        match format {
            Some(format) if !value.is_string() && !value.is_array() => {
                let own = number::format_of(value);
                if !fits && own != format {
                    outcome.add(self.wrong_type(format, own));
                    return;
                }
            }
            // Kubernetes looks at texts and lists that have a format no further.
            Some(_) if !takes_numbers => {
                outcome.matched += 1;
                return;
            }
            _ => {}
        }
        if fits {
            outcome.matched += 1;
        } else {
            outcome.add(self.wrong_type(&wanted.unwrap_or_default(), found));
        }
    }

    fn wrong_type(&self, wanted: &str, found: &str) -> Finding {
        let message = self.says(&format!("must be of type {wanted}: {}", meta::quote(found)));
        let error = self.error(ErrorKind::TypeInvalid, BadValue::from(found), message.clone());
        Finding { message, error }
    }

    fn text(&self, text: &str, node: &Node, outcome: &mut Outcome) {
        outcome.matched += 1;
        if let Some(finding) = self.text_rule(text, node) {
            outcome.add(finding);
        }
        if let Some((name, Format::Text(has_format))) = &node.checks.format {
            outcome.matched += 1;
            if !has_format(text) {
                outcome.add(self.wrong_type(name, text));
            }
        }
    }

    /// The first of these rules that a text breaks.
    fn text_rule(&self, text: &str, node: &Node) -> Option<Finding> {
        let checks = &node.checks;
        let length = count(text.chars().count());
        if let Some(max) = checks.max_length.filter(|max| length > *max) {
            let message = self.says(&format!("should be at most {max} chars long"));
            let mut error = self.error(ErrorKind::TooLong, BadValue::Omitted, String::new());
            let unit = if max == 1 { "byte" } else { "bytes" };
            error.detail = format!("may not be more than {max} {unit}");
            return Some(Finding { message, error });
        }
        if let Some(min) = checks.min_length.filter(|min| length < *min) {
            return Some(self.invalid(text, &format!("should be at least {min} chars long")));
        }
        let pattern = checks.pattern.as_ref()?;
        match pattern.get() {
            Ok(compiled) if compiled.is_match(text) => None,
            Ok(_) => Some(self.invalid(text, &format!("should match '{}'", pattern.text))),
            Err(problem) => {
                let wrong = format!("{}, but pattern is invalid: {problem}", pattern.text);
                Some(self.invalid(text, &format!("should match '{wrong}'")))
            }
        }
    }

    fn items(&mut self, items: &'a [Tree], subject: Subject<'a>, outcome: &mut Outcome) {
        if let Some(node) = &subject.node.items {
            for (index, value) in items.iter().enumerate() {
                let pair = subject.pair.and_then(|pair| pair.index(index));
                let length = self.path.len();
                // Writing to a String cannot fail.
                let _ = write!(self.path, "[{index}]");
                let of_item = self.ratcheted(Subject { value, node, pair });
                self.path.truncate(length);
                outcome.merge(of_item);
            }
        }
        let (size, checks) = (count(items.len()), &subject.node.checks);
        if let Some(min) = checks.min_items.filter(|min| size < *min) {
            outcome.add(self.invalid_count(size, &format!("should have at least {min} items")));
        }
        if let Some(max) = checks.max_items.filter(|max| size > *max) {
            outcome.add(self.too_many(size, max, "items"));
        }
        outcome.matched += 2;
    }

    fn fields(
        &mut self,
        fields: &'a serde_json::Map<String, Tree>,
        subject: Subject<'a>,
        outcome: &mut Outcome,
    ) {
        let (size, node) = (count(fields.len()), subject.node);
        if let Some(min) = node.checks.min_properties.filter(|min| size < *min) {
            let says = format!("should have at least {min} properties");
            outcome.add(self.invalid_count(size, &says));
        }
        if let Some(max) = node.checks.max_properties.filter(|max| size > *max) {
            outcome.add(self.too_many(size, max, "properties"));
        }
        for (name, value) in fields {
            if node.properties.contains_key(name.as_str()) {
                continue;
            }
            match &node.rest {
                Rest::Forbidden => {
                    let message = format!("{}.{name} in body is a forbidden property", self.path);
                    let error = self.error(ErrorKind::Invalid, name.into(), message.clone());
                    outcome.add(Finding { message, error });
                }
                Rest::Schema(rest) => {
                    let of_field = self.field(name, value, rest, subject);
                    outcome.merge(of_field);
                }
                Rest::Unsaid | Rest::Any => {}
            }
        }
        for (name, property) in &node.properties {
            if let Some(value) = fields.get(&**name) {
                let of_field = self.field(name, value, property, subject);
                outcome.merge(of_field);
            }
        }
        for name in node.checks.required.iter().filter(|name| !fields.contains_key(&***name)) {
            let length = self.path.len();
            self.push(name);
            let message = self.says("is required");
            let error = self.error(ErrorKind::Required, BadValue::Omitted, String::new());
            self.path.truncate(length);
            outcome.add(Finding { message, error });
        }
    }

    fn field(
        &mut self,
        name: &str,
        value: &'a Tree,
        node: &'a Node,
        parent: Subject<'a>,
    ) -> Outcome {
        // Both versions of an object are of one type, whatever the old one says.
        let is_type = self.path.is_empty() && matches!(name, "kind" | "apiVersion");
        let pair = parent.pair.filter(|_| !is_type).and_then(|pair| pair.key(name));
        let length = self.path.len();
        self.push(name);
        let outcome = self.ratcheted(Subject { value, node, pair });
        self.path.truncate(length);
        outcome
    }

    fn push(&mut self, name: &str) {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    fn options(&self, value: &Tree, node: &Node, outcome: &mut Outcome) {
        let options = &node.checks.options;
        if options.is_empty() || options.iter().any(|option| number::is_option(value, option)) {
            return;
        }
        let texts: Vec<String> = options
            .iter()
            .map(|option| option.as_str().map_or_else(|| meta::quote::json(option), str::to_owned))
            .collect();
        let message = self.says(&format!("should be one of [{}]", texts.join(" ")));
        let allowed = meta::quote::quote_all(texts.iter().map(String::as_str));
        let detail = format!("supported values: {allowed}");
        let error = self.error(ErrorKind::NotSupported, bad_value(value), detail);
        outcome.add(Finding { message, error });
    }

    fn too_many(&self, size: i64, max: i64, what: &str) -> Finding {
        let message = self.says(&format!("should have at most {max} {what}"));
        let unit = if max == 1 { "item" } else { "items" };
        let detail = format!("must have at most {max} {unit}");
        Finding { message, error: self.error(ErrorKind::TooMany, size.into(), detail) }
    }

    fn invalid(&self, value: impl Into<BadValue>, says: &str) -> Finding {
        let message = self.says(says);
        let error = self.error(ErrorKind::Invalid, value.into(), message.clone());
        Finding { message, error }
    }

    fn invalid_count(&self, size: i64, says: &str) -> Finding {
        self.invalid(size, says)
    }

    /// An error about no field in particular.
    fn anywhere(&self, message: String) -> Finding {
        let path = self.place.base.unwrap_or(NOWHERE).to_owned();
        let (kind, value) = (ErrorKind::Invalid, BadValue::from(""));
        let error = FieldError { kind, path, detail: message.clone(), value };
        Finding { message, error }
    }

    fn says(&self, what: &str) -> String {
        format!("{} in body {what}", self.path)
    }

    fn error(&self, kind: ErrorKind, value: BadValue, detail: String) -> FieldError {
        let path = match (self.place.base, self.path.as_str()) {
            (None, "") => NOWHERE.to_owned(),
            (None, path) => path.to_owned(),
            (Some(base), "") => base.to_owned(),
            (Some(base), path) => format!("{base}.{path}"),
        };
        FieldError { kind, path, detail, value }
    }
}

/// The name of a value's type.
pub(crate) fn found_type(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Number(number) if number.is_f64() => "number",
        Tree::Number(_) => "integer",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "object",
    }
}

fn count(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
