//! Reads the table of facts about the built-in types.
//!
//! A line is `T` (a struct) or `F` (a field of the last struct), its columns separated by tabs:
//!
//! ```text
//! T  go package  go name  openapi name  flags
//! F  json name   type     presence      proto number  facts
//! ```
//!
//! Types are one letter (`s` text, `i` 32-bit integer, …), `@N` for the struct of the Nth `T` line,
//! and `[` or `{` before the type of the items or values; a `*` marks a pointer. Facts are
//! `key=value` pairs joined by `;`.

use thiserror::Error;

use super::{Facts, Field, ListType, PatchStrategy, Presence, Schema, Struct, StructId, TypeRef};

/// A line of the table that does not follow the format.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct FactsError {
    pub line: usize,
    pub problem: &'static str,
}

impl Schema {
    /// Parses a whole table.
    pub fn from_facts(table: &str) -> Result<Self, FactsError> {
        let mut types: Vec<(Struct, Vec<Field>)> = Vec::new();
        for (index, line) in table.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let fail = |problem| FactsError { line: index + 1, problem };
            let mut columns = line.split('\t');
            let mut column = || columns.next().unwrap_or_default();
            match column() {
                "T" => {
                    let (package, name, openapi_name, flags) =
                        (column(), column(), column(), column());
                    let ty = Struct::new(name, Vec::new())
                        .with_package(package)
                        .with_openapi_name(openapi_name)
                        .with_atomic(flags.split(',').any(|flag| flag == "atomic"));
                    types.push((ty, Vec::new()));
                }
                "F" => {
                    let (_, fields) =
                        types.last_mut().ok_or_else(|| fail("field before struct"))?;
                    let columns = [column(), column(), column(), column(), column()];
                    fields.push(field(columns).map_err(fail)?);
                }
                "#" => {}
                _ => return Err(fail("neither a struct nor a field")),
            }
        }
        let known = types.len();
        let missing =
            types.iter().flat_map(|(_, fields)| fields).any(|f| refers_past(&f.ty, known));
        if missing {
            return Err(FactsError { line: 0, problem: "a type refers to a missing struct" });
        }
        Ok(Self::new(types.into_iter().map(|(ty, fields)| ty.with_fields(fields)).collect()))
    }
}

fn field([name, ty, presence, proto, facts]: [&str; 5]) -> Result<Field, &'static str> {
    let mut field = Field::new(name, parse_type(ty)?);
    field.pointer = ty.starts_with('*');
    field.presence = match presence {
        "z" => Presence::OmitZero,
        "p" => Presence::OmitNull,
        "a" => Presence::Always,
        _ => return Err("unknown presence"),
    };
    field.proto = match proto {
        "" => 0,
        number => number.parse().map_err(|_| "proto number is no number")?,
    };
    read_facts(&mut field, facts)?;
    Ok(field)
}

fn parse_type(text: &str) -> Result<TypeRef, &'static str> {
    let text = text.strip_prefix('*').unwrap_or(text);
    if let Some(item) = text.strip_prefix('[') {
        return parse_type(item).map(TypeRef::list);
    }
    if let Some(value) = text.strip_prefix('{') {
        return parse_type(value).map(TypeRef::map);
    }
    if let Some(number) = text.strip_prefix('@') {
        let number = number.parse().map_err(|_| "struct number is no number")?;
        return Ok(TypeRef::Struct(StructId(number)));
    }
    Ok(match text {
        "s" => TypeRef::String,
        "b" => TypeRef::Bool,
        "i" => TypeRef::Int32,
        "l" => TypeRef::Int64,
        "u" => TypeRef::Uint32,
        "v" => TypeRef::Uint64,
        "d" => TypeRef::Float64,
        "f" => TypeRef::Float32,
        "y" => TypeRef::Bytes,
        "q" => TypeRef::Quantity,
        "n" => TypeRef::IntOrString,
        "t" => TypeRef::Time,
        "m" => TypeRef::MicroTime,
        "r" => TypeRef::Duration,
        "x" => TypeRef::Any,
        _ => return Err("unknown type"),
    })
}

fn refers_past(ty: &TypeRef, known: usize) -> bool {
    match ty {
        TypeRef::Struct(id) => id.0 as usize >= known,
        TypeRef::List(inner) | TypeRef::Map(inner) => refers_past(inner, known),
        _ => false,
    }
}

fn read_facts(field: &mut Field, text: &str) -> Result<(), &'static str> {
    // A default may contain any character, so it comes last and takes the rest.
    let (text, default) = match text.strip_prefix("default=") {
        Some(default) => ("", Some(default)),
        None => match text.split_once(";default=") {
            Some((text, default)) => (text, Some(default)),
            None => (text, None),
        },
    };
    if let Some(default) = default {
        let value = serde_json::from_str(default).map_err(|_| "default is no JSON")?;
        field.default = Some(value);
    }
    let mut facts = Facts::default();
    let mut keys = Vec::new();
    for pair in text.split(';').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or("fact without a value")?;
        match (name, value) {
            ("listType", "atomic") => {}
            ("required", "true") => field.required = true,
            ("wrapped", "true") => field.wrapped = true,
            ("enum", values) => field.one_of = Some(values.into()),
            ("mapType" | "structType", "granular") => facts.atomic = Some(false),
            ("listType", "set") => facts.list = ListType::Set,
            ("listType", "map") => facts.list = ListType::Map(Box::default()),
            ("keys", names) => keys = names.split(',').map(Box::from).collect(),
            ("mapType" | "structType", "atomic") => facts.atomic = Some(true),
            ("patchStrategy", names) => facts.patch = strategy(names)?,
            ("mergeKey", name) => facts.merge_key = Some(name.into()),
            _ => return Err("unknown fact"),
        }
    }
    if matches!(facts.list, ListType::Map(_)) {
        facts.list = ListType::Map(keys.into());
    }
    field.facts = facts;
    Ok(())
}

fn strategy(names: &str) -> Result<PatchStrategy, &'static str> {
    let mut strategy = PatchStrategy::default();
    for name in names.split(',') {
        match name {
            "merge" => strategy.merge = true,
            "replace" => strategy.replace = true,
            "retainKeys" => strategy.retain_keys = true,
            _ => return Err("unknown patch strategy"),
        }
    }
    Ok(strategy)
}

impl Facts {
    /// The facts of a list whose items are identified by these fields.
    pub fn map_list(keys: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        let keys = keys.into_iter().map(Into::into).collect();
        Self { list: ListType::Map(keys), ..Self::default() }
    }

    /// The facts of a list of distinct scalars.
    pub fn set_list() -> Self {
        Self { list: ListType::Set, ..Self::default() }
    }

    /// The facts of a map or struct that is owned as a whole.
    pub fn atomic() -> Self {
        Self { atomic: Some(true), ..Self::default() }
    }
}
