//! The functions of the language and of Kubernetes: one file for each subject, each a list of names, signatures and what they do.
//!
//! See <https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries>.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all functions are of one shape, those that cannot fail too"
)]

mod addresses;
mod arithmetic;
pub(crate) mod authorizer;
mod collections;
mod conversions;
mod declare;
pub(crate) mod formats;
mod json_patch;
mod lists;
mod optionals;
mod quantities;
mod rearranged;
pub(crate) mod regex;
mod semvers;
mod sets;
mod strings;
mod text_format;
pub(crate) mod time;
mod urls;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::eval::{Error, Meter};
use crate::types::Type;
use crate::value::Value;

/// What a function does.
pub(crate) type Run = fn(&mut Args<'_>) -> Result<Value, Error>;

/// A function with one signature; several may share a name.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Whether it is called on a value, which is its first argument then.
    pub(crate) member: bool,
    pub(crate) params: Vec<Type>,
    pub(crate) result: Type,
    pub(crate) run: Run,
}

static FUNCTIONS: LazyLock<BTreeMap<&'static str, Vec<Arc<Function>>>> = LazyLock::new(|| {
    let mut named: BTreeMap<&'static str, Vec<Arc<Function>>> = BTreeMap::new();
    let subjects: [&[declare::Declared]; 17] = [
        arithmetic::ALL,
        collections::ALL,
        conversions::ALL,
        time::ALL,
        strings::ALL,
        text_format::ALL,
        regex::ALL,
        lists::ALL,
        rearranged::ALL,
        sets::ALL,
        optionals::ALL,
        urls::ALL,
        quantities::ALL,
        addresses::ALL,
        formats::ALL,
        semvers::ALL,
        authorizer::ALL,
    ];
    for declared in subjects.into_iter().chain([json_patch::ALL]).flatten() {
        let function = declared.function();
        named.entry(function.name).or_default().push(Arc::new(function));
    }
    named
});

/// The functions of a name.
pub(crate) fn named(name: &str) -> &'static [Arc<Function>] {
    FUNCTIONS.get(name).map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains_key(name)
}

impl Function {
    /// Whether the function takes such values.
    pub(crate) fn takes(&self, args: &[Value]) -> bool {
        self.params.len() == args.len()
            && self.params.iter().zip(args).all(|(param, arg)| takes(param, arg))
    }
}

fn takes(param: &Type, arg: &Value) -> bool {
    match (param, arg) {
        (Type::Dyn | Type::Param(_), _)
        | (Type::Null, Value::Null)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Uint, Value::Uint(_))
        | (Type::Double, Value::Double(_))
        | (Type::String, Value::String(_))
        | (Type::Bytes, Value::Bytes(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Timestamp, Value::Timestamp(_))
        | (Type::List(_), Value::List(_))
        | (Type::Map(..), Value::Map(_))
        | (Type::Optional(_), Value::Optional(_))
        | (Type::Type(_), Value::Type(_)) => true,
        (Type::Opaque(name), arg) => *name == arg.type_name(),
        (Type::Struct(record), Value::Record(arg)) => record.name == arg.name,
        _ => false,
    }
}

/// The arguments of a call, which the function may take away, and what counts its cost.
pub(crate) struct Args<'a> {
    pub(crate) values: Vec<Value>,
    pub(crate) meter: &'a mut Meter,
}

impl Args<'_> {
    /// Takes an argument.
    pub(crate) fn take(&mut self, index: usize) -> Value {
        self.values
            .get_mut(index)
            .map_or(Value::Null, |value| std::mem::replace(value, Value::Null))
    }

    pub(crate) fn get(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, index: usize) -> Result<&str, Error> {
        self.get(index).as_str().ok_or_else(no_overload)
    }

    pub(crate) fn int(&self, index: usize) -> Result<i64, Error> {
        match self.get(index) {
            Value::Int(value) => Ok(*value),
            _ => Err(no_overload()),
        }
    }

    pub(crate) fn list(&self, index: usize) -> Result<&[Value], Error> {
        match self.get(index) {
            Value::List(items) => Ok(items.as_slice()),
            _ => Err(no_overload()),
        }
    }

    /// Counts the cost of looking at the whole of an argument.
    pub(crate) fn walk(&mut self, index: usize) -> Result<(), Error> {
        let size = self.get(index).size();
        self.meter.charge(size.div_ceil(10))
    }

    /// Counts the cost of making a text or a list of this size.
    pub(crate) fn make(&mut self, size: usize) -> Result<(), Error> {
        self.meter.charge(u64::try_from(size).unwrap_or(u64::MAX).div_ceil(10))
    }
}

pub(crate) fn no_overload() -> Error {
    Error::message("no such overload")
}
