//! From the parts of a program to its cost, with what is known of the size of each value on the way.

use std::sync::Arc;

use super::range::Range;
use super::{Extent, Parts};
use crate::environment::Environment;
use crate::program::{Comprehension, Node, Select};
use crate::types::Type;
use crate::value::Value;

const LIST: Range = Range::fixed(10);
const MAP: Range = Range::fixed(30);
const RECORD: Range = Range::fixed(40);
/// Looking at one character of a text.
pub(super) const CHARACTER: f64 = 0.1;

pub(super) fn cost_max(node: &Node, environment: &Environment, extent: &Extent) -> u64 {
    let mut walk = Walk { environment, root: extent, scope: Vec::new() };
    walk.node(node).cost.max
}

/// What is known of a part.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub(super) cost: Range,
    pub(super) size: Option<Range>,
    /// The sizes of the keys and values of a list or map that an expression makes.
    pub(super) entry: Option<Entry>,
    pub(super) path: Path<'a>,
    pub(super) ty: Type,
}

/// Which part of the variables a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    /// It is made by the expression.
    None,
    At(&'a Extent),
    /// Where none is known to be.
    Lost,
}

/// The sizes of the keys and values of a container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    is_list: bool,
    key: Range,
    value: Range,
}

/// A variable of a comprehension.
struct Variable<'a> {
    size: Option<Range>,
    entry: Option<Entry>,
    path: Path<'a>,
    ty: Type,
}

pub(super) struct Walk<'a> {
    environment: &'a Environment,
    root: &'a Extent,
    scope: Vec<Variable<'a>>,
}

impl<'a> Part<'a> {
    /// A part of which nothing but its path and type tell the size.
    pub(super) fn new(cost: Range, path: Path<'a>, ty: Type) -> Self {
        let size = sized(path).or_else(|| type_size(&ty));
        Self { cost, size, entry: None, path, ty }
    }

    pub(super) fn size_or_unknown(&self) -> Range {
        self.size.unwrap_or(Range::UNKNOWN)
    }
}

impl<'a> Walk<'a> {
    pub(super) fn node(&mut self, node: &Node) -> Part<'a> {
        match node {
            // The name of a type is read like a variable.
            Node::Literal(Value::Type(_)) => {
                let ty = Type::Type(Arc::new(Type::Dyn));
                Part::new(Range::ONE, Path::At(self.root), ty)
            }
            Node::Literal(value) => literal(value),
            Node::Global(name) => {
                let ty = self.environment.variable(name).cloned().unwrap_or(Type::Dyn);
                Part::new(Range::ONE, Path::At(self.root), ty)
            }
            Node::Composed(_) => Part::new(Range::ONE, Path::None, Type::Dyn),
            Node::Local(index) | Node::Taken(index) => self.local(*index),
            Node::Select { of, field, kind } => self.select(of, field, *kind),
            Node::Index { of, index, optional } => self.index(of, index, *optional),
            Node::And(left, right) | Node::Or(left, right) => {
                let (left, right) = (self.node(left).cost, self.node(right).cost);
                // The left side may decide alone.
                let cost = Range { min: left.min, max: left.plus(right).max };
                Part::new(cost, Path::None, Type::Bool)
            }
            Node::Conditional(condition, then, otherwise) => {
                self.conditional(condition, then, otherwise)
            }
            Node::NotStrictlyFalse(of) => {
                let cost = self.node(of).cost.plus(Range::ONE);
                Part::new(cost, Path::None, Type::Bool)
            }
            Node::Equal { left, right, negated } => {
                let args = [self.node(left), self.node(right)];
                let own = super::calls::equality(&args, *negated);
                let cost = args.iter().fold(own, |sum, arg| sum.plus(arg.cost));
                Part::new(cost, Path::None, Type::Bool)
            }
            Node::Call { name, candidates, args } => {
                let parts: Vec<Part<'a>> = args.iter().map(|arg| self.node(arg)).collect();
                super::calls::call(self, name, candidates, args, &parts)
            }
            Node::List(items) => self.list(items),
            Node::Map(entries) => self.map(entries),
            Node::Record { name, fields } => {
                let cost = fields
                    .iter()
                    .fold(RECORD, |sum, (_, value, _)| sum.plus(self.node(value).cost));
                let ty = self.environment.record(name).map_or(Type::Dyn, Type::Struct);
                Part::new(cost, Path::None, ty)
            }
            Node::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn local(&self, index: usize) -> Part<'a> {
        let Some(variable) = self.scope.get(index) else {
            return Part::new(Range::ONE, Path::None, Type::Dyn);
        };
        let size = sized(variable.path).or_else(|| type_size(&variable.ty)).or(variable.size);
        Part {
            cost: Range::ONE,
            size,
            entry: variable.entry,
            path: variable.path,
            ty: variable.ty.clone(),
        }
    }

    fn select(&mut self, of: &Node, field: &str, kind: Select) -> Part<'a> {
        let of = self.node(of);
        let (inner, is_optional) = match &of.ty {
            Type::Optional(inner) => ((**inner).clone(), true),
            other => (other.clone(), false),
        };
        let found = match &inner {
            Type::Map(_, value) => (**value).clone(),
            Type::Struct(record) => record.field(field).unwrap_or(Type::Dyn),
            _ => Type::Dyn,
        };
        match kind {
            // Asking whether a field is there is free.
            Select::Test => Part::new(of.cost, Path::None, Type::Bool),
            Select::Plain if !is_optional => {
                let own = match of.ty {
                    Type::Map(..) | Type::Struct(_) => Range::ONE,
                    _ => Range::ZERO,
                };
                Part::new(of.cost.plus(own), self.step(of.path, Step::Field(field)), found)
            }
            Select::Plain => {
                let path = self.step(of.path, Step::Field(field));
                Part::new(of.cost, path, Type::optional(found))
            }
            Select::Optional => {
                Part::new(of.cost.plus(Range::ONE), Path::None, Type::optional(found))
            }
        }
    }

    fn index(&mut self, of: &Node, index: &Node, optional: bool) -> Part<'a> {
        let (of, index) = (self.node(of), self.node(index));
        let cost = of.cost.plus(index.cost).plus(Range::ONE);
        let (step, found) = match &of.ty {
            Type::List(item) => (Step::Items, (**item).clone()),
            Type::Map(_, value) => (Step::Values, (**value).clone()),
            _ => return Part::new(cost, Path::None, Type::Dyn),
        };
        if optional {
            return Part::new(cost, Path::None, Type::optional(found));
        }
        let mut part = Part::new(cost, self.step(of.path, step), found);
        part.size = of.entry.map(|entry| entry.value).or(part.size);
        part
    }

    fn conditional(&mut self, condition: &Node, then: &Node, otherwise: &Node) -> Part<'a> {
        let condition = self.node(condition).cost;
        let (then, otherwise) = (self.node(then), self.node(otherwise));
        let cost = condition.plus(then.cost.union(otherwise.cost));
        let size = then.size_or_unknown().union(otherwise.size_or_unknown());
        let ty = if then.ty == otherwise.ty { then.ty } else { Type::Dyn };
        let entry = union(then.entry, otherwise.entry);
        Part { cost, size: Some(size), entry, path: Path::None, ty }
    }

    fn list(&mut self, items: &[(Node, bool)]) -> Part<'a> {
        let (mut cost, mut value, mut ty) = (LIST, Range::NONE, None);
        for (item, _) in items {
            let item = self.node(item);
            cost = cost.plus(item.cost);
            value = value.union(item.size_or_unknown());
            ty = Some(joined(ty, item.ty));
        }
        if items.is_empty() {
            value.min = 0;
        }
        let entry = Entry { is_list: true, key: Range::ONE, value };
        let ty = Type::list(ty.unwrap_or(Type::Dyn));
        Part { cost, size: Some(fixed(items.len())), entry: Some(entry), path: Path::None, ty }
    }

    fn map(&mut self, entries: &[(Node, Node, bool)]) -> Part<'a> {
        let (mut cost, mut key, mut value) = (MAP, Range::NONE, Range::NONE);
        let (mut key_type, mut value_type) = (None, None);
        for (name, of, _) in entries {
            let (name, of) = (self.node(name), self.node(of));
            cost = cost.plus(name.cost).plus(of.cost);
            key = key.union(name.size_or_unknown());
            value = value.union(of.size_or_unknown());
            (key_type, value_type) =
                (Some(joined(key_type, name.ty)), Some(joined(value_type, of.ty)));
        }
        if entries.is_empty() {
            (key.min, value.min) = (0, 0);
        }
        let entry = Entry { is_list: false, key, value };
        let ty = Type::map(key_type.unwrap_or(Type::Dyn), value_type.unwrap_or(Type::Dyn));
        Part { cost, size: Some(fixed(entries.len())), entry: Some(entry), path: Path::None, ty }
    }

    fn comprehension(&mut self, of: &Comprehension) -> Part<'a> {
        let (over, init) = (self.node(&of.over), self.node(&of.init));
        let mut cost = over.cost.plus(init.cost);
        let outer = self.scope.len();
        self.scope.push(Variable {
            size: init.size,
            entry: init.entry,
            path: init.path,
            ty: init.ty.clone(),
        });
        self.range_over(&over, of.has_second);
        let going = self.node(&of.going).cost;
        let step = self.node(&of.step);
        self.scope.truncate(outer + 1);
        if let (Some(variable), true) = (self.scope.last_mut(), is_open(&init.ty)) {
            variable.ty = step.ty.clone();
        }
        let result = self.node(&of.result);
        self.scope.truncate(outer);
        let count = over.size_or_unknown();
        cost = cost.plus(result.cost).plus(count.times(step.cost.plus(going)));
        let ty = if is_open(&result.ty) { step.ty.clone() } else { result.ty };
        let mut part = Part::new(cost, Path::None, ty);
        match of.init {
            Node::Literal(_) => part.size = init.size.or(part.size),
            Node::List(_) | Node::Map(_) => {
                part.size = Some(count);
                part.entry = step.entry;
            }
            _ => part.size = result.size.or(part.size),
        }
        part
    }

    /// The variables that stand for what a comprehension goes through.
    fn range_over(&mut self, over: &Part<'a>, has_second: bool) {
        let is_list = match over.entry {
            Some(entry) => entry.is_list,
            None => matches!(over.ty, Type::List(_)),
        };
        let (key_type, value_type) = match &over.ty {
            Type::List(item) => (Type::Int, (**item).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            _ => (Type::Dyn, Type::Dyn),
        };
        let key = |walk: &Self, step| Variable {
            size: over.entry.map(|entry| entry.key),
            entry: None,
            path: walk.step(over.path, step),
            ty: key_type.clone(),
        };
        let value = |walk: &Self, step| Variable {
            size: over.entry.map(|entry| entry.value),
            entry: None,
            path: walk.step(over.path, step),
            ty: value_type.clone(),
        };
        let values = if is_list { Step::Items } else { Step::Values };
        if has_second {
            let keys = if is_list { Step::Indexes } else { Step::Keys };
            let (first, second) = (key(self, keys), value(self, values));
            self.scope.extend([first, second]);
        } else {
            let only = if is_list { value(self, Step::Items) } else { key(self, Step::Keys) };
            self.scope.push(only);
        }
    }

    /// A path one step longer. One that an expression begins counts as the beginning of a variable, as it does for Kubernetes.
    pub(super) fn step(&self, path: Path<'a>, step: Step<'_>) -> Path<'a> {
        let extent = match path {
            Path::None => return Path::At(self.root),
            Path::Lost => return Path::Lost,
            Path::At(extent) => extent,
        };
        let found = match (&extent.parts, step) {
            (Parts::Items(item), Step::Items | Step::Values) => Some(&**item),
            (Parts::Entries(_, value), Step::Items | Step::Values) => Some(&**value),
            (Parts::Entries(key, _), Step::Keys) => Some(&**key),
            (Parts::Fields(fields), Step::Field(name)) => fields.get(name),
            _ => None,
        };
        found.map_or(Path::Lost, Path::At)
    }
}

/// A step on the way to a part.
#[derive(Clone, Copy)]
pub(super) enum Step<'n> {
    Field(&'n str),
    Items,
    Indexes,
    Keys,
    Values,
}

pub(super) fn sized(path: Path<'_>) -> Option<Range> {
    match path {
        Path::At(extent) => Some(Range { min: 0, max: extent.max }),
        Path::None | Path::Lost => None,
    }
}

/// Values of these types are of one size.
pub(super) fn type_size(ty: &Type) -> Option<Range> {
    match ty {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => {
            Some(Range::ONE)
        }
        Type::Optional(of) => type_size(of),
        _ => None,
    }
}

fn literal(value: &Value) -> Part<'static> {
    let (size, ty) = match value {
        Value::String(text) => (Some(fixed(text.chars().count())), Type::String),
        Value::Bytes(bytes) => (Some(fixed(bytes.len())), Type::Bytes),
        Value::Bool(_) => (Some(Range::ONE), Type::Bool),
        Value::Int(_) => (Some(Range::ONE), Type::Int),
        Value::Uint(_) => (Some(Range::ONE), Type::Uint),
        Value::Double(_) => (Some(Range::ONE), Type::Double),
        Value::Null => (Some(Range::ONE), Type::Null),
        _ => (None, Type::Dyn),
    };
    Part { cost: Range::ZERO, size, entry: None, path: Path::None, ty }
}

fn fixed(size: usize) -> Range {
    Range::fixed(u64::try_from(size).unwrap_or(u64::MAX))
}

fn joined(known: Option<Type>, ty: Type) -> Type {
    match known {
        Some(known) if known != ty => Type::Dyn,
        _ => ty,
    }
}

/// Whether a type says less than what comes later: that of an empty list or map.
fn is_open(ty: &Type) -> bool {
    match ty {
        Type::List(of) => **of == Type::Dyn,
        Type::Map(key, value) => **key == Type::Dyn && **value == Type::Dyn,
        _ => false,
    }
}

pub(super) fn union(a: Option<Entry>, b: Option<Entry>) -> Option<Entry> {
    let (a, b) = (a?, b?);
    Some(Entry { is_list: a.is_list, key: a.key.union(b.key), value: a.value.union(b.value) })
}
