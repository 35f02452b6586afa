//! What holds for lists and maps alike: size, membership, access, and how comprehensions make maps.
//!
//! Access and equality are declared here for the checker; the evaluator does them itself.

use std::sync::Arc;

use cel::common::ast::operators::{EQUALS, IN, INDEX, NOT_EQUALS, OPT_INDEX};

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::macros::{MAP_INSERT, MAP_MERGE};
use crate::value::{Key, Value};

pub(super) const ALL: &[Declared] = &[
    global("size", "string -> int", size),
    global("size", "bytes -> int", size),
    global("size", "list<A> -> int", size),
    global("size", "map<A, B> -> int", size),
    member("size", "string -> int", size),
    member("size", "bytes -> int", size),
    member("size", "list<A> -> int", size),
    member("size", "map<A, B> -> int", size),
    global(IN, "A, list<A> -> bool", contains),
    global(IN, "A, map<A, B> -> bool", contains),
    global(EQUALS, "A, A -> bool", unused),
    global(NOT_EQUALS, "A, A -> bool", unused),
    global(INDEX, "list<A>, int -> A", unused),
    global(INDEX, "map<A, B>, A -> B", unused),
    global(INDEX, "optional<list<A>>, int -> optional<A>", unused),
    global(INDEX, "optional<map<A, B>>, A -> optional<B>", unused),
    global(OPT_INDEX, "list<A>, int -> optional<A>", unused),
    global(OPT_INDEX, "map<A, B>, A -> optional<B>", unused),
    global(OPT_INDEX, "optional<list<A>>, int -> optional<A>", unused),
    global(OPT_INDEX, "optional<map<A, B>>, A -> optional<B>", unused),
    global(MAP_INSERT, "map<A, B>, A, B -> map<A, B>", insert),
    global(MAP_MERGE, "map<A, B>, map<A, B> -> map<A, B>", merge),
];

/// The evaluator knows these itself.
fn unused(_: &mut Args<'_>) -> Result<Value, Error> {
    Err(no_overload())
}

fn size(args: &mut Args<'_>) -> Result<Value, Error> {
    let size = match args.get(0) {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => return Err(no_overload()),
    };
    if matches!(args.get(0), Value::String(_)) {
        args.walk(0)?;
    }
    i64::try_from(size).map(Value::Int).map_err(|_| no_overload())
}

fn contains(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(1) {
        Value::Map(entries) => {
            let found = Key::of(args.get(0)).is_some_and(|key| entries.contains_key(&key));
            Ok(Value::Bool(found))
        }
        Value::List(_) => {
            let cost = args.get(1).size().saturating_mul(args.get(0).weight());
            args.meter.charge(cost)?;
            Ok(Value::Bool(args.list(1)?.contains(args.get(0))))
        }
        _ => Err(no_overload()),
    }
}

fn insert(args: &mut Args<'_>) -> Result<Value, Error> {
    let (map, key, value) = (args.take(0), args.take(1), args.take(2));
    let Value::Map(mut entries) = map else { return Err(no_overload()) };
    let key = Key::of(&key).ok_or_else(|| Error::message("unsupported key type"))?;
    if entries.contains_key(&key) {
        return Err(Error::message(format!("insert failed: key {key} already exists")));
    }
    if Arc::get_mut(&mut entries).is_none() {
        args.make(entries.len())?;
    }
    Arc::make_mut(&mut entries).insert(key, value);
    Ok(Value::Map(entries))
}

fn merge(args: &mut Args<'_>) -> Result<Value, Error> {
    let (map, added) = (args.take(0), args.take(1));
    let (Value::Map(mut entries), Value::Map(added)) = (map, added) else {
        return Err(no_overload());
    };
    args.make(added.len())?;
    if Arc::get_mut(&mut entries).is_none() {
        args.make(entries.len())?;
    }
    let into = Arc::make_mut(&mut entries);
    for (key, value) in added.iter() {
        if into.insert(key.clone(), value.clone()).is_some() {
            return Err(Error::message(format!("insert failed: key {key} already exists")));
        }
    }
    Ok(Value::Map(entries))
}
