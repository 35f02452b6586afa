//! Help for making JSON patches.

use super::Args;
use super::declare::{Declared, global};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] =
    &[global("jsonpatch.escapeKey", "string -> string", escape_key)];

fn escape_key(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(Value::from(args.text(0)?.replace('~', "~0").replace('/', "~1")))
}
