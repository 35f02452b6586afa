//! Calls of functions and operators.

use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::select::spelled;
use super::{Checked, Checker, WRONG};
use crate::library::time;
use crate::library::{self, Function};
use crate::program::{Node, Select};
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn call(&mut self, id: u64, call: &CallExpr) -> Checked {
        if let Some(target) = &call.target {
            return self.member_call(id, call, target);
        }
        let name = call.func_name.as_str();
        let args = call.args.as_slice();
        match (name, args) {
            (operators::OPT_SELECT, [of, field]) => self.optional_field(id, of, field),
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.logical(id, name, left, right)
            }
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                self.conditional(id, condition, then, otherwise)
            }
            (operators::NOT_STRICTLY_FALSE, [of]) => {
                let (of, _) = self.expression(of);
                (Node::NotStrictlyFalse(Box::new(of)), Type::Bool)
            }
            _ => {
                let args = args.iter().map(|arg| self.expression(arg)).collect();
                self.checked_literals(name, &call.args, 0);
                self.resolve(id, name, false, args)
            }
        }
    }

    fn member_call(&mut self, id: u64, call: &CallExpr, target: &IdedExpr) -> Checked {
        let name = call.func_name.as_str();
        // A function may have dots in its name, which looks like a call on a variable.
        if let Some(parts) = spelled(&target.expr)
            && parts.first().is_none_or(|first| self.local(first).is_none())
        {
            let full = format!("{}.{name}", parts.join("."));
            if self.environment.has_function(&full) {
                let args = call.args.iter().map(|arg| self.expression(arg)).collect();
                return self.resolve(id, &full, false, args);
            }
        }
        let mut args = vec![self.expression(target)];
        for arg in &call.args {
            // What is formatted may be of any types.
            args.push(match &arg.expr {
                Expr::List(list) if name == "format" => self.mixed_list(list),
                _ => self.expression(arg),
            });
        }
        self.checked_literals(name, &call.args, 0);
        self.resolve(id, name, true, args)
    }

    fn optional_field(&mut self, id: u64, of: &IdedExpr, field: &IdedExpr) -> Checked {
        let Expr::Literal(LiteralValue::String(field)) = &field.expr else {
            self.issue(id, "unsupported optional field selection".to_owned());
            return WRONG;
        };
        self.field(id, of, field.inner(), Select::Optional)
    }

    fn logical(&mut self, id: u64, name: &str, left: &IdedExpr, right: &IdedExpr) -> Checked {
        let (left, left_type) = self.expression(left);
        let (right, right_type) = self.expression(right);
        let types = [left_type, right_type];
        if !self.unifier.assign_all(&[Type::Bool, Type::Bool], &types) {
            return self.no_overload(id, name, false, &types);
        }
        let (left, right) = (Box::new(left), Box::new(right));
        let node = if name == operators::LOGICAL_AND {
            Node::And(left, right)
        } else {
            Node::Or(left, right)
        };
        (node, Type::Bool)
    }

    fn conditional(
        &mut self,
        id: u64,
        condition: &IdedExpr,
        then: &IdedExpr,
        otherwise: &IdedExpr,
    ) -> Checked {
        let (condition, condition_type) = self.expression(condition);
        let (then, then_type) = self.expression(then);
        let (otherwise, otherwise_type) = self.expression(otherwise);
        let either = self.unifier.fresh();
        let wanted = [Type::Bool, either.clone(), either.clone()];
        let found = [condition_type, then_type.clone(), otherwise_type.clone()];
        if !self.unifier.assign_all(&wanted, &found) {
            return self.no_overload(id, operators::CONDITIONAL, false, &found);
        }
        let dynamic = |ty: &Type| self.unifier.resolved(ty) == Type::Dyn;
        let ty = if dynamic(&then_type) || dynamic(&otherwise_type) { Type::Dyn } else { either };
        (Node::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise)), ty)
    }

    /// Finds the functions that a call may mean.
    fn resolve(&mut self, id: u64, name: &str, member: bool, args: Vec<Checked>) -> Checked {
        let (nodes, types): (Vec<Node>, Vec<Type>) = args.into_iter().unzip();
        if library::named(name).is_empty() {
            return self.undeclared(id, name);
        }
        let mut candidates: Vec<Arc<Function>> = Vec::new();
        let mut result: Option<Type> = None;
        let dynamic = types.iter().any(|ty| is_dynamic(&self.unifier.settled(ty)));
        for function in library::named(name).iter().filter(|function| function.member == member) {
            // Only the first fit may decide what parameters of the arguments are.
            let before = self.unifier.clone();
            let Some(found) = self.fits(function, &types) else { continue };
            match &result {
                None => result = Some(found),
                Some(known) => {
                    let known = self.unifier.settled(known);
                    let found = self.unifier.settled(&found);
                    self.unifier = before;
                    if known != found {
                        result = Some(Type::Dyn);
                    }
                }
            }
            candidates.push(Arc::clone(function));
            if !dynamic {
                break;
            }
        }
        match result {
            None => self.no_overload(id, name, member, &types),
            Some(ty) => (lowered(name, candidates, nodes), ty),
        }
    }

    fn fits(&mut self, function: &Function, types: &[Type]) -> Option<Type> {
        if function.params.len() != types.len() {
            return None;
        }
        let mut params = Vec::new();
        let wanted: Vec<Type> =
            function.params.iter().map(|param| self.unifier.instance(param, &mut params)).collect();
        if !self.unifier.assign_all(&wanted, types) {
            return None;
        }
        Some(self.unifier.instance(&function.result, &mut params))
    }

    fn no_overload(&mut self, id: u64, name: &str, member: bool, types: &[Type]) -> Checked {
        let shown: Vec<String> =
            types.iter().map(|ty| self.unifier.settled(ty).to_string()).collect();
        let applied = match shown.split_first() {
            Some((target, rest)) if member => format!("{target}.({})", rest.join(", ")),
            _ => format!("({})", shown.join(", ")),
        };
        let message = format!("found no matching overload for '{name}' applied to '{applied}'");
        self.issue(id, message);
        WRONG
    }

    /// Constants that can be seen to be wrong are told at once.
    fn checked_literals(&mut self, name: &str, args: &[IdedExpr], at: usize) {
        let Some(arg) = args.get(at).or_else(|| args.last()) else { return };
        let Expr::Literal(LiteralValue::String(text)) = &arg.expr else { return };
        let good = match name {
            "duration" => time::parse_duration(text.inner()).is_some(),
            "timestamp" => time::parse_timestamp(text.inner()).is_some(),
            "matches" => library::regex::compile(text.inner()).is_ok(),
            _ => true,
        };
        if !good {
            self.issue(arg.id, format!("invalid {name} argument"));
        }
    }
}

/// Whether something about the type is left to run time, so that several functions may be meant.
fn is_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Dyn => true,
        Type::List(of) | Type::Optional(of) => is_dynamic(of),
        Type::Map(key, value) => is_dynamic(key) || is_dynamic(value),
        _ => false,
    }
}

fn lowered(name: &str, candidates: Vec<Arc<Function>>, mut args: Vec<Node>) -> Node {
    let optional = name == operators::OPT_INDEX;
    if (name == operators::EQUALS || name == operators::NOT_EQUALS)
        && let (Some(right), Some(left)) = (args.pop(), args.pop())
    {
        let negated = name == operators::NOT_EQUALS;
        return Node::Equal { left: Box::new(left), right: Box::new(right), negated };
    }
    if (name == operators::INDEX || optional)
        && let (Some(index), Some(of)) = (args.pop(), args.pop())
    {
        return Node::Index { of: Box::new(of), index: Box::new(index), optional };
    }
    Node::Call { name: Arc::from(name), candidates, args }
}
