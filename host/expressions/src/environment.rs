//! What an expression may name: variables, records, and functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::admission::JSON_PATCH;
use crate::issue::{Issue, Issues};
use crate::program::Program;
use crate::types::{Struct, Type};
use crate::{check, library, parse};

/// Where the variables are that are expressions themselves.
pub(crate) const COMPOSED: &str = "variables";

/// What an expression may name.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<Arc<str>, Type>,
    composed: BTreeMap<Arc<str>, Type>,
    records: BTreeMap<Arc<str>, Arc<Struct>>,
    /// Records of this name and of all names below it may be made, with any fields.
    open_root: Option<&'static str>,
    has_composed: bool,
}

impl Environment {
    /// Only the functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a variable.
    #[must_use]
    pub fn with(mut self, name: &str, ty: Type) -> Self {
        self.variables.insert(Arc::from(name), ty);
        self
    }

    /// Adds a record that expressions can make.
    #[must_use]
    pub fn with_record(mut self, ty: &Type) -> Self {
        if let Type::Struct(record) = ty {
            self.records.insert(Arc::clone(&record.name), Arc::clone(record));
        }
        self
    }

    /// Lets expressions make records of this name and of names below it.
    #[must_use]
    pub fn with_open_records(mut self, root: &'static str) -> Self {
        self.open_root = Some(root);
        self
    }

    /// Lets expressions name others under `variables`.
    #[must_use]
    pub fn with_composed(mut self) -> Self {
        self.has_composed = true;
        self
    }

    /// Adds an expression that others name `variables.NAME`.
    pub fn compose(&mut self, name: &str, ty: Type) {
        self.composed.insert(Arc::from(name), ty);
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&Type> {
        self.variables.get(name)
    }

    pub(crate) fn has_composed(&self) -> bool {
        self.has_composed
    }

    pub(crate) fn composed(&self, name: &str) -> Option<&Type> {
        self.composed.get(name)
    }

    /// Whether a name with dots is that of a function. Those for patches are only known where patches are made.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        let makes_patches = self.records.contains_key(JSON_PATCH);
        library::is_function(name) && (makes_patches || !name.starts_with("jsonpatch."))
    }

    pub(crate) fn record(&self, name: &str) -> Option<Arc<Struct>> {
        if let Some(record) = self.records.get(name) {
            return Some(Arc::clone(record));
        }
        let root = self.open_root?;
        let below =
            name == root || name.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'));
        below.then(|| Arc::new(Struct::open(name)))
    }

    /// Compiles an expression.
    pub fn compile(&self, text: &str) -> Result<Program, Issues> {
        let compiled = parse::with_stack(|| {
            let parsed = parse::parse(text)?;
            check::check(self, text, &parsed)
        });
        compiled.unwrap_or_else(|| {
            let message = "the expression cannot be parsed".to_owned();
            Err(Issues::new(text, [Issue { line: 0, column: 0, message }]))
        })
    }
}
