//! A checked expression in the form in which it runs: names are places, calls know their candidates.

use std::sync::Arc;

use crate::library::Function;
use crate::types::Type;
use crate::value::Value;

/// An expression that can be evaluated.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) root: Node,
    /// What it evaluates to.
    pub(crate) result: Type,
}

impl Program {
    /// The type of what it evaluates to.
    pub fn result(&self) -> &Type {
        &self.result
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Literal(Value),
    /// A variable of the environment.
    Global(Arc<str>),
    /// A variable that is itself an expression.
    Composed(Arc<str>),
    /// A variable of a comprehension, by its place among those in scope.
    Local(usize),
    /// The same for an accumulator that is not read again before it is set anew, so that it can be changed in place.
    Taken(usize),
    Select {
        of: Box<Node>,
        field: Arc<str>,
        kind: Select,
    },
    Index {
        of: Box<Node>,
        index: Box<Node>,
        optional: bool,
    },
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    /// Errors of the condition of a comprehension do not end it.
    NotStrictlyFalse(Box<Node>),
    Equal {
        left: Box<Node>,
        right: Box<Node>,
        negated: bool,
    },
    Call {
        name: Arc<str>,
        candidates: Vec<Arc<Function>>,
        args: Vec<Node>,
    },
    /// Elements with whether they are left out when they are optional values without one.
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Record {
        name: Arc<str>,
        fields: Vec<(Arc<str>, Node, bool)>,
    },
    Comprehension(Box<Comprehension>),
}

/// How a field is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Select {
    /// A missing field is an error.
    Plain,
    /// Whether the field is there.
    Test,
    /// An optional value, without one if the field is missing.
    Optional,
}

#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub(crate) over: Node,
    pub(crate) has_second: bool,
    pub(crate) init: Node,
    pub(crate) going: Node,
    pub(crate) step: Node,
    pub(crate) result: Node,
}
