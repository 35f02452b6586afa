//! `a.b`, `has(a.b)`, `a.?b`: a field, or a name with dots.

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, SelectExpr};

use super::{Checked, Checker, WRONG, literal};
use crate::environment::COMPOSED;
use crate::program::{Node, Select};
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn select(&mut self, id: u64, expr: &SelectExpr) -> Checked {
        if let Some(found) = self.dotted(id, expr) {
            return found;
        }
        let kind = if expr.test { Select::Test } else { Select::Plain };
        self.field(id, &expr.operand, &expr.field, kind)
    }

    /// A variable or type whose name has dots, or one of the composed expressions.
    fn dotted(&mut self, id: u64, expr: &SelectExpr) -> Option<Checked> {
        let mut parts = spelled(&expr.operand.expr)?;
        if self.local(parts.first()?).is_some() {
            return None;
        }
        if parts == [COMPOSED] && self.environment.has_composed() {
            let Some(ty) = self.environment.composed(&expr.field) else {
                self.issue(id, format!("undefined field '{}'", expr.field));
                return Some(WRONG);
            };
            let node = if expr.test {
                (Node::Literal(true.into()), Type::Bool)
            } else {
                (Node::Composed(Arc::from(expr.field.as_str())), ty.clone())
            };
            return Some(node);
        }
        if expr.test {
            return None;
        }
        parts.push(&expr.field);
        let name = parts.join(".");
        if let Some(ty) = self.environment.variable(&name) {
            return Some((Node::Global(Arc::from(name)), ty.clone()));
        }
        literal::type_name(&name)
    }

    /// A field of whatever the operand is.
    pub(super) fn field(&mut self, id: u64, of: &IdedExpr, field: &str, kind: Select) -> Checked {
        let (of, of_type) = self.expression(of);
        let resolved = self.unifier.resolved(&of_type);
        let (resolved, was_optional) = match resolved {
            Type::Optional(inner) => (self.unifier.resolved(&inner), true),
            other => (other, false),
        };
        let Some(found) = self.field_type(id, &resolved, field) else { return WRONG };
        let ty = match kind {
            Select::Test => Type::Bool,
            Select::Plain if !was_optional => found,
            Select::Plain | Select::Optional => Type::optional(found),
        };
        (Node::Select { of: Box::new(of), field: Arc::from(field), kind }, ty)
    }

    fn field_type(&mut self, id: u64, of: &Type, field: &str) -> Option<Type> {
        match of {
            Type::Dyn | Type::Param(_) => Some(Type::Dyn),
            Type::Map(_, value) => Some((**value).clone()),
            Type::Struct(record) => {
                let found = record.field(field);
                if found.is_none() {
                    self.issue(id, format!("undefined field '{field}'"));
                }
                found
            }
            other => {
                let other = self.unifier.settled(other);
                self.issue(id, format!("type '{other}' does not support field selection"));
                None
            }
        }
    }
}

/// The parts of a name with dots.
pub(super) fn spelled(expr: &Expr) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut expr = expr;
    loop {
        match expr {
            Expr::Ident(name) => {
                parts.push(name.strip_prefix('.').unwrap_or(name));
                parts.reverse();
                return Some(parts);
            }
            Expr::Select(select) if !select.test => {
                parts.push(&select.field);
                expr = &select.operand.expr;
            }
            _ => return None,
        }
    }
}
