//! How functions are declared: a signature as text, `string, int -> bool`, in which one capital letter is a parameter.

use std::sync::Arc;

use super::{Function, Run};
use crate::types::Type;

/// A declared function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared {
    name: &'static str,
    member: bool,
    signature: &'static str,
    run: Run,
}

/// A function that is called by its name alone.
pub(super) const fn global(name: &'static str, signature: &'static str, run: Run) -> Declared {
    Declared { name, member: false, signature, run }
}

/// A function that is called on its first argument.
pub(super) const fn member(name: &'static str, signature: &'static str, run: Run) -> Declared {
    Declared { name, member: true, signature, run }
}

impl Declared {
    pub(super) fn function(&self) -> Function {
        let (params, result) = self.signature.split_once("->").expect("a signature has a result");
        let params = split(params).into_iter().map(ty).collect();
        let Self { name, member, run, .. } = *self;
        Function { name, member, params, result: ty(result.trim()), run }
    }
}

/// The parts of a list, whose commas inside brackets do not count.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, char) in text.char_indices() {
        match char {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn ty(text: &str) -> Type {
    if let Some((name, rest)) = text.split_once('<') {
        let inner = split(rest.strip_suffix('>').expect("brackets are closed"));
        return match (name, inner.as_slice()) {
            ("list", [of]) => Type::list(ty(of)),
            ("optional", [of]) => Type::optional(ty(of)),
            ("type", [of]) => Type::Type(Arc::new(ty(of))),
            ("map", [key, value]) => Type::map(ty(key), ty(value)),
            _ => unreachable!("{text} is no type"),
        };
    }
    match text {
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "C" => Type::Param(2),
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "url" => Type::Opaque("kubernetes.URL"),
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        "authorizer" => Type::Opaque("kubernetes.authorization.Authorizer"),
        "path_check" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "group_check" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "resource_check" => Type::Opaque("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::Opaque("kubernetes.authorization.Decision"),
        other => unreachable!("{other} is no type"),
    }
}
