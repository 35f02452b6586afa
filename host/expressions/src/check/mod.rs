//! The checker: finds what names mean and which types go together, and gives the program that runs.
//!
//! What is only known at run time passes here and is checked again when it runs.
//! See <https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking>.

mod aggregate;
mod call;
mod literal;
mod select;
mod unify;

use std::sync::Arc;

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, SourceInfo};

use self::unify::Unifier;
use crate::environment::Environment;
use crate::issue::{Issue, Issues};
use crate::parse::Parsed;
use crate::program::{Comprehension, Node, Program};
use crate::types::Type;

/// Expressions that are nested deeper are refused.
const DEPTH_MAX: usize = 200;

/// Checks a parsed expression.
pub(crate) fn check(
    environment: &Environment,
    text: &str,
    parsed: &Parsed,
) -> Result<Program, Issues> {
    let mut checker = Checker {
        environment,
        source: &parsed.source,
        text,
        scope: Vec::new(),
        unifier: Unifier::default(),
        taken: None,
        depth: 0,
        issues: Vec::new(),
    };
    let (root, result) = checker.expression(&parsed.root);
    if checker.issues.is_empty() {
        let result = checker.unifier.settled(&result);
        Ok(Program { root, result })
    } else {
        checker.issues.sort_by_key(|issue| (issue.line, issue.column));
        Err(Issues::new(text, checker.issues))
    }
}

struct Checker<'a> {
    environment: &'a Environment,
    source: &'a SourceInfo,
    text: &'a str,
    /// Variables of comprehensions, outermost first.
    scope: Vec<(String, Type)>,
    unifier: Unifier,
    /// The accumulator whose step is being checked.
    taken: Option<usize>,
    depth: usize,
    issues: Vec<Issue>,
}

/// A part of the program with its type.
type Checked = (Node, Type);

/// What stands for a part that is wrong: everything goes with it, so that one mistake is told once.
const WRONG: Checked = (Node::Literal(crate::value::Value::Null), Type::Dyn);

impl Checker<'_> {
    fn expression(&mut self, expr: &IdedExpr) -> Checked {
        if self.depth >= DEPTH_MAX {
            if self.issues.is_empty() {
                let message = format!("expression recursion limit exceeded: {DEPTH_MAX}");
                self.issue(expr.id, message);
            }
            return WRONG;
        }
        self.depth += 1;
        let checked = self.at_depth(expr);
        self.depth -= 1;
        checked
    }

    fn at_depth(&mut self, expr: &IdedExpr) -> Checked {
        match &expr.expr {
            Expr::Unspecified => WRONG,
            Expr::Literal(literal) => literal::literal(literal),
            Expr::Ident(name) => self.name(expr.id, name),
            Expr::Select(select) => self.select(expr.id, select),
            Expr::Call(call) => self.call(expr.id, call),
            Expr::List(list) => self.list(list),
            Expr::Map(map) => self.map(map),
            Expr::Struct(record) => self.record(expr.id, record),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn name(&mut self, id: u64, name: &str) -> Checked {
        if let Some(index) = self.local(name) {
            let ty = self.scope.get(index).map_or(Type::Dyn, |(_, ty)| ty.clone());
            let node =
                if self.taken == Some(index) { Node::Taken(index) } else { Node::Local(index) };
            return (node, ty);
        }
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some(ty) = self.environment.variable(name) {
            return (Node::Global(Arc::from(name)), ty.clone());
        }
        if let Some(found) = literal::type_name(name) {
            return found;
        }
        self.undeclared(id, name)
    }

    fn undeclared(&mut self, id: u64, name: &str) -> Checked {
        self.issue(id, format!("undeclared reference to '{name}' (in container '')"));
        WRONG
    }

    fn local(&self, name: &str) -> Option<usize> {
        self.scope.iter().rposition(|(known, _)| known == name)
    }

    fn comprehension(&mut self, expr: &ComprehensionExpr) -> Checked {
        let (over, over_type) = self.expression(&expr.iter_range);
        let (init, init_type) = self.expression(&expr.accu_init);
        let (first, second) = self.ranged(expr, &over_type);
        let outer = self.scope.len();
        let accumulator = outer;
        self.scope.push((expr.accu_var.clone(), init_type.clone()));
        self.scope.push((expr.iter_var.clone(), first));
        if let Some(name) = &expr.iter_var2 {
            self.scope.push((name.clone(), second));
        }
        let before = self.taken.take();
        let (going, going_type) = self.expression(&expr.loop_cond);
        self.expect(expr.loop_cond.id, &Type::Bool, &going_type);
        self.taken = Some(accumulator);
        let (step, step_type) = self.expression(&expr.loop_step);
        self.taken = None;
        self.expect(expr.loop_step.id, &init_type, &step_type);
        self.scope.truncate(outer + 1);
        let (result, result_type) = self.expression(&expr.result);
        self.scope.truncate(outer);
        self.taken = before;
        let has_second = expr.iter_var2.is_some();
        let node = Comprehension { over, has_second, init, going, step, result };
        (Node::Comprehension(Box::new(node)), result_type)
    }

    /// The types of a comprehension's variables.
    fn ranged(&mut self, expr: &ComprehensionExpr, over: &Type) -> (Type, Type) {
        let two = expr.iter_var2.is_some();
        match self.unifier.resolved(over) {
            Type::List(item) if two => (Type::Int, (*item).clone()),
            Type::List(item) => ((*item).clone(), Type::Dyn),
            Type::Map(key, value) => ((*key).clone(), (*value).clone()),
            Type::Dyn | Type::Param(_) => (Type::Dyn, Type::Dyn),
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be \
                     list, map, or dynamic)"
                );
                self.issue(expr.iter_range.id, message);
                (Type::Dyn, Type::Dyn)
            }
        }
    }

    /// Says so unless a type goes where another is wanted.
    fn expect(&mut self, id: u64, wanted: &Type, found: &Type) {
        if !self.unifier.assign(wanted, found) {
            let (wanted, found) = (self.unifier.settled(wanted), self.unifier.settled(found));
            self.issue(id, format!("expected type '{wanted}' but found '{found}'"));
        }
    }

    fn issue(&mut self, id: u64, message: String) {
        let (line, column) = self.place(id);
        self.issues.push(Issue { line, column, message });
    }

    /// Line and column of a part, counted from one, in characters.
    fn place(&self, id: u64) -> (usize, usize) {
        let Some((start, _)) = self.source.offset_for(id) else { return (1, 1) };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let (mut line, mut column) = (1, 1);
        for char in self.text.chars().take(start) {
            if char == '\n' {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        (line, column)
    }
}
