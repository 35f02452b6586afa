//! Regular expressions: they run in time that is linear in the text, and their size is bounded.

use super::Args;
use super::declare::{Declared, global, member};
use crate::eval::Error;
use crate::re2::Pattern;
use crate::value::Value;

/// A compiled expression may take this much memory.
const SIZE_MAX: usize = 1 << 20;

pub(super) const ALL: &[Declared] = &[
    global("matches", "string, string -> bool", matches),
    member("matches", "string, string -> bool", matches),
    member("find", "string, string -> string", find),
    member("findAll", "string, string -> list<string>", find_all),
    member("findAll", "string, string, int -> list<string>", find_all),
];

/// Compiles a regular expression.
pub(crate) fn compile(text: &str) -> Result<Pattern, Error> {
    Pattern::within(text, SIZE_MAX).map_err(|error| Error::message(error.to_string()))
}

/// The expression of a call, with the cost of running it counted.
fn compiled(args: &mut Args<'_>) -> Result<Pattern, Error> {
    let (text, expression) = (args.get(0).size() + 1, args.get(1).size());
    // Compiling is dearer than matching.
    args.meter.charge(expression + text.div_ceil(10).saturating_mul(expression.div_ceil(4)))?;
    compile(args.text(1)?)
}

fn matches(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(compiled(args)?.is_match(args.text(0)?).into())
}

fn find(args: &mut Args<'_>) -> Result<Value, Error> {
    let found = compiled(args)?;
    Ok(Value::text(found.regex().find(args.text(0)?).map_or("", |found| found.as_str())))
}

fn find_all(args: &mut Args<'_>) -> Result<Value, Error> {
    let limit = match args.get(2) {
        Value::Int(limit) => usize::try_from(*limit).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let expression = compiled(args)?;
    let found = expression.regex().find_iter(args.text(0)?).take(limit);
    let found: Vec<Value> = found.map(|found| Value::text(found.as_str())).collect();
    args.make(found.len())?;
    Ok(Value::list(found))
}
