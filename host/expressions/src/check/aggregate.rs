//! Lists, maps and records that an expression makes.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, IdedExpr, ListExpr, MapExpr, StructExpr};

use super::{Checked, Checker, WRONG};
use crate::macros;
use crate::program::Node;
use crate::types::{Struct, Type};

impl Checker<'_> {
    pub(super) fn list(&mut self, expr: &ListExpr) -> Checked {
        let mut joined = None;
        let mut items = Vec::with_capacity(expr.elements.len());
        for (index, element) in expr.elements.iter().enumerate() {
            let optional = expr.optional_indices.contains(&index);
            items.push((self.element(element, optional, &mut joined), optional));
        }
        let of = joined.unwrap_or_else(|| self.unifier.fresh());
        (Node::List(items), Type::list(of))
    }

    /// A list whose elements need not be of one type.
    pub(super) fn mixed_list(&mut self, expr: &ListExpr) -> Checked {
        let mut items = Vec::with_capacity(expr.elements.len());
        for (index, element) in expr.elements.iter().enumerate() {
            let optional = expr.optional_indices.contains(&index);
            items.push((self.expression(element).0, optional));
        }
        (Node::List(items), Type::list(Type::Dyn))
    }

    pub(super) fn map(&mut self, expr: &MapExpr) -> Checked {
        let (mut keys, mut values) = (None, None);
        let mut entries = Vec::with_capacity(expr.entries.len());
        for (key, value, optional) in macros::entries(expr) {
            let key = self.element(key, false, &mut keys);
            let value = self.element(value, optional, &mut values);
            entries.push((key, value, optional));
        }
        let key = keys.unwrap_or_else(|| self.unifier.fresh());
        let value = values.unwrap_or_else(|| self.unifier.fresh());
        (Node::Map(entries), Type::map(key, value))
    }

    /// An element of a collection, whose elements are all of one type.
    fn element(&mut self, expr: &IdedExpr, optional: bool, joined: &mut Option<Type>) -> Node {
        let (node, mut ty) = self.expression(expr);
        if optional {
            ty = self.unwrapped(expr.id, &ty);
        }
        match joined {
            None => *joined = Some(ty),
            Some(known) => {
                let known = known.clone();
                self.expect(expr.id, &known, &ty);
                if self.unifier.resolved(&ty) == Type::Dyn {
                    *joined = Some(Type::Dyn);
                }
            }
        }
        node
    }

    /// The type inside an optional one.
    fn unwrapped(&mut self, id: u64, ty: &Type) -> Type {
        match self.unifier.resolved(ty) {
            Type::Optional(of) => (*of).clone(),
            Type::Dyn => Type::Dyn,
            other => {
                let inner = self.unifier.fresh();
                self.expect(id, &Type::optional(inner.clone()), &other);
                inner
            }
        }
    }

    pub(super) fn record(&mut self, id: u64, expr: &StructExpr) -> Checked {
        let name = expr.type_name.strip_prefix('.').unwrap_or(&expr.type_name);
        let Some(record) = self.environment.record(name) else {
            return self.undeclared(id, name);
        };
        let mut fields = Vec::with_capacity(expr.entries.len());
        for entry in &expr.entries {
            if let EntryExpr::StructField(field) = &entry.expr {
                let (node, ty) = self.expression(&field.value);
                let ty = if field.optional { self.unwrapped(field.value.id, &ty) } else { ty };
                self.record_field(entry.id, &record, &field.field, &ty);
                fields.push((Arc::from(field.field.as_str()), node, field.optional));
            }
        }
        let made = Node::Record { name: Arc::clone(&record.name), fields };
        if self.issues.is_empty() {
            (made, Type::Struct(record))
        } else {
            (WRONG.0, Type::Struct(record))
        }
    }

    fn record_field(&mut self, id: u64, record: &Struct, field: &str, found: &Type) {
        match record.field(field) {
            None => {
                let found = self.unifier.settled(found);
                let message = format!(
                    "expected type of field '{field}' is '' but provided type is '{found}'"
                );
                self.issue(id, message);
            }
            Some(wanted) => {
                if !self.unifier.assign(&wanted, found) {
                    let (wanted, found) =
                        (self.unifier.settled(&wanted), self.unifier.settled(found));
                    let message = format!(
                        "expected type of field '{field}' is '{wanted}' but provided type is '{found}'"
                    );
                    self.issue(id, message);
                }
            }
        }
    }
}
