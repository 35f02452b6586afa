//! Runs programs. Every step is counted, so that no expression runs long; there is no way out of an evaluation but its value.
//!
//! See <https://kubernetes.io/docs/reference/using-api/cel/#resource-constraints>.

mod access;
mod activation;
mod comprehension;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use activation::Meter;
pub use activation::{Activation, Composition, Error, TOTAL_COST_MAX};

use crate::library::{self, Args, Function};
use crate::program::{Node, Select};
use crate::value::{Key, Record, Value};

const LIST_COST: u64 = 10;
const MAP_COST: u64 = 30;
const RECORD_COST: u64 = 40;

/// One evaluation.
struct Evaluator<'a> {
    activation: &'a mut Activation,
    /// Variables of comprehensions, outermost first.
    scope: Vec<Evaluated>,
}

type Evaluated = Result<Value, Error>;

impl Evaluator<'_> {
    fn eval(&mut self, node: &Node) -> Evaluated {
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Global(name) => self.global(name),
            Node::Composed(name) => self.activation.composed(name),
            Node::Local(index) => self.local(*index),
            Node::Taken(index) => self.taken(*index),
            Node::Select { of, field, kind } => self.select(of, field, *kind),
            Node::Index { of, index, optional } => self.index(of, index, *optional),
            Node::And(left, right) => self.logical(left, right, false),
            Node::Or(left, right) => self.logical(left, right, true),
            Node::Conditional(condition, then, otherwise) => {
                if self.truth(condition)? {
                    self.eval(then)
                } else {
                    self.eval(otherwise)
                }
            }
            Node::NotStrictlyFalse(of) => self.not_strictly_false(of),
            Node::Equal { left, right, negated } => self.equal(left, right, *negated),
            Node::Call { name, candidates, args } => self.call(name, candidates, args),
            Node::List(items) => self.list(items),
            Node::Map(entries) => self.map(entries),
            Node::Record { name, fields } => self.record(name, fields),
            Node::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn charge(&mut self, cost: u64) -> Result<(), Error> {
        self.activation.meter.charge(cost)
    }

    fn global(&mut self, name: &str) -> Evaluated {
        self.charge(1)?;
        let found = self.activation.global(name);
        found.ok_or_else(|| Error::message(format!("no such attribute(s): {name}")))
    }

    fn local(&mut self, index: usize) -> Evaluated {
        self.charge(1)?;
        self.scope.get(index).cloned().unwrap_or_else(|| Err(library::no_overload()))
    }

    fn taken(&mut self, index: usize) -> Evaluated {
        self.charge(1)?;
        let place = self.scope.get_mut(index).ok_or_else(library::no_overload)?;
        std::mem::replace(place, Ok(Value::Null))
    }

    fn truth(&mut self, node: &Node) -> Result<bool, Error> {
        self.charge(1)?;
        self.eval(node)?.as_bool().ok_or_else(library::no_overload)
    }

    /// One side may decide alone, whatever is wrong with the other.
    fn logical(&mut self, left: &Node, right: &Node, decides: bool) -> Evaluated {
        let left = match self.truth(left) {
            Ok(value) if value == decides => return Ok(decides.into()),
            Err(error) if error.ends_all() => return Err(error),
            other => other,
        };
        match self.truth(right) {
            Ok(value) if value == decides => Ok(decides.into()),
            Err(error) if error.ends_all() => Err(error),
            right => {
                left?;
                right.map(Value::Bool)
            }
        }
    }

    fn not_strictly_false(&mut self, of: &Node) -> Evaluated {
        match self.eval(of) {
            Ok(Value::Bool(value)) => Ok(value.into()),
            Err(error) if error.ends_all() => Err(error),
            _ => Ok(true.into()),
        }
    }

    fn equal(&mut self, left: &Node, right: &Node, negated: bool) -> Evaluated {
        let left = self.eval(left)?;
        let right = self.eval(right)?;
        self.charge(left.weight().min(right.weight()) + 1)?;
        Ok(((left == right) != negated).into())
    }

    fn call(&mut self, name: &str, candidates: &[Arc<Function>], args: &[Node]) -> Evaluated {
        self.charge(1)?;
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.eval(arg)?);
        }
        let Some(function) = candidates.iter().find(|function| function.takes(&values)) else {
            return Err(unfit(name, &values));
        };
        (function.run)(&mut Args { values, meter: &mut self.activation.meter })
    }

    fn list(&mut self, items: &[(Node, bool)]) -> Evaluated {
        self.charge(LIST_COST)?;
        let mut list = Vec::with_capacity(items.len());
        for (item, optional) in items {
            let value = self.eval(item)?;
            list.extend(present(value, *optional)?);
        }
        Ok(Value::list(list))
    }

    fn map(&mut self, entries: &[(Node, Node, bool)]) -> Evaluated {
        self.charge(MAP_COST)?;
        let mut map = BTreeMap::new();
        for (key, value, optional) in entries {
            let key = self.eval(key)?;
            let key = Key::of(&key).ok_or_else(|| Error::message("unsupported key type"))?;
            let value = self.eval(value)?;
            let Some(value) = present(value, *optional)? else { continue };
            if map.insert(key.clone(), value).is_some() {
                return Err(Error::message(format!("Failed with repeated key: {key}")));
            }
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn record(&mut self, name: &Arc<str>, fields: &[(Arc<str>, Node, bool)]) -> Evaluated {
        self.charge(RECORD_COST)?;
        let mut record = Record { name: Arc::clone(name), fields: BTreeMap::new() };
        for (field, value, optional) in fields {
            let value = self.eval(value)?;
            if let Some(value) = present(value, *optional)? {
                record.fields.insert(Arc::clone(field), value);
            }
        }
        Ok(Value::Record(Arc::new(record)))
    }

    fn select(&mut self, of: &Node, field: &str, kind: Select) -> Evaluated {
        self.charge(1)?;
        let of = self.eval(of)?;
        access::select(&of, field, kind)
    }

    fn index(&mut self, of: &Node, index: &Node, optional: bool) -> Evaluated {
        self.charge(1)?;
        let of = self.eval(of)?;
        let index = self.eval(index)?;
        access::index(&of, &index, optional)
    }
}

/// The element that is there: an optional one may be missing.
fn present(value: Value, optional: bool) -> Result<Option<Value>, Error> {
    match value {
        value if !optional => Ok(Some(value)),
        Value::Optional(value) => Ok(value.map(|value| (*value).clone())),
        other => Err(Error::message(format!(
            "cannot initialize optional entry from non-optional value {}",
            other.type_name()
        ))),
    }
}

fn unfit(name: &str, values: &[Value]) -> Error {
    if name.contains('_') || name.starts_with('@') {
        return library::no_overload();
    }
    let types: Vec<&str> = values.iter().map(Value::type_name).collect();
    Error::message(format!("no such overload: {name}({})", types.join(", ")))
}
