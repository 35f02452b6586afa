//! What an evaluation works on: the values of variables, the answers known so far, and what it may still cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Evaluator;
use crate::library::authorizer::{Answer, Question};
use crate::program::Program;
use crate::value::Value;

/// One expression may cost this much.
const CALL_COST_MAX: u64 = 1_000_000;
/// All expressions that are evaluated for one purpose may cost this much.
pub const TOTAL_COST_MAX: u64 = 10_000_000;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Message(String),
    /// The expression does too much.
    #[error("operation cancelled: actual cost limit exceeded")]
    TooCostly,
    /// All expressions together do too much.
    #[error(
        "validation failed due to running out of cost budget, no further validation rules will be run"
    )]
    OutOfBudget,
    /// An answer is needed first; see [`Activation::answered`].
    #[error("an answer is missing")]
    Ask(Box<Question>),
}

impl Error {
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// Whether the evaluation cannot go on, whatever the other side of an "or" says.
    pub(crate) fn ends_all(&self) -> bool {
        !matches!(self, Self::Message(_))
    }
}

/// Counts what an evaluation costs, and knows answers from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    left: u64,
    total_left: u64,
    answers: BTreeMap<Question, Answer>,
}

impl Meter {
    pub(crate) fn charge(&mut self, cost: u64) -> Result<(), Error> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None if self.total_left < CALL_COST_MAX => Err(Error::OutOfBudget),
            None => Err(Error::TooCostly),
        }
    }

    pub(crate) fn answer(&self, question: Question) -> Result<Answer, Error> {
        match self.answers.get(&question) {
            Some(answer) => Ok(answer.clone()),
            None => Err(Error::Ask(Box::new(question))),
        }
    }
}

/// Expressions that others name under `variables`.
pub type Composition = BTreeMap<Arc<str>, Program>;

/// The values of variables, for any number of expressions that are evaluated for one purpose.
#[derive(Clone, Debug)]
pub struct Activation {
    globals: BTreeMap<Arc<str>, Value>,
    composition: Arc<Composition>,
    /// Expressions under `variables` are evaluated once, when they are first needed.
    known: BTreeMap<Arc<str>, Result<Value, Error>>,
    pub(crate) meter: Meter,
}

impl Activation {
    pub fn new(composition: Arc<Composition>) -> Self {
        let meter = Meter { left: 0, total_left: TOTAL_COST_MAX, answers: BTreeMap::new() };
        Self { globals: BTreeMap::new(), composition, known: BTreeMap::new(), meter }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: Value) {
        self.globals.insert(Arc::from(name), value);
    }

    /// Begins a new purpose: what was evaluated is forgotten, what was answered is not.
    pub fn renew(&mut self, composition: Arc<Composition>) {
        self.composition = composition;
        self.known.clear();
        self.meter.total_left = TOTAL_COST_MAX;
    }

    /// Tells an answer that an evaluation ended for.
    pub fn answered(&mut self, question: Question, answer: Answer) {
        self.meter.answers.insert(question, answer);
    }

    /// Evaluates an expression.
    pub fn evaluate(&mut self, program: &Program) -> Result<Value, Error> {
        let limit = self.meter.total_left.min(CALL_COST_MAX);
        self.meter.left = limit;
        let value = Evaluator { activation: self, scope: Vec::new() }.eval(&program.root);
        // What ends with a question is evaluated again, and costs only once.
        if !matches!(value, Err(Error::Ask(_))) {
            self.meter.total_left -= limit - self.meter.left;
        }
        value
    }

    pub(super) fn global(&self, name: &str) -> Option<Value> {
        self.globals.get(name).cloned()
    }

    pub(super) fn composed(&mut self, name: &Arc<str>) -> Result<Value, Error> {
        self.meter.charge(1)?;
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let composition = Arc::clone(&self.composition);
        let Some(program) = composition.get(name) else {
            return Err(Error::message(format!("no such key: {name}")));
        };
        let value = Evaluator { activation: self, scope: Vec::new() }.eval(&program.root);
        let value = match value {
            Err(Error::Message(text)) => Err(Error::message(format!(
                "composited variable {} fails to evaluate: {text}",
                meta::quote(name)
            ))),
            Err(error) => return Err(error),
            value => value,
        };
        self.known.insert(Arc::clone(name), value.clone());
        value
    }
}
