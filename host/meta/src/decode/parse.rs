//! Bytes to a tree, with the duplicate keys that the tree cannot show.

use std::fmt::Write as _;

use serde_json::{Map, Number};

use super::reader::{Event, Reader};
use super::{ParseError, REPORTED_MAX};
use crate::Tree;

/// A parsed document.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub tree: Tree,
    /// The paths of keys that occur again in their object, each once; the last value counts.
    pub duplicates: Vec<String>,
}

/// Reads one JSON value. Bytes that are no UTF-8 read as replacement characters.
pub fn parse_json(source: &[u8]) -> Result<Parsed, ParseError> {
    if let Ok(text) = str::from_utf8(source) {
        return parse(text);
    }
    let text = String::from_utf8_lossy(source);
    parse(&text).map_err(|error| error.in_bytes(source))
}

fn parse(source: &str) -> Result<Parsed, ParseError> {
    let mut reader = Reader::new(source);
    let mut builder = Builder::default();
    while let Some(event) = reader.next()? {
        builder.take(event)?;
    }
    Ok(Parsed { tree: builder.root, duplicates: builder.duplicates })
}

/// Containers that are not closed yet stand on a list instead of the stack.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Tree,
    duplicates: Vec<String>,
}

enum Open {
    Object { map: Map<String, Tree>, key: String },
    Array(Vec<Tree>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::BeginObject => {
                self.open.push(Open::Object { map: Map::new(), key: String::new() });
            }
            Event::BeginArray => self.open.push(Open::Array(Vec::new())),
            Event::Key(name) => {
                if let Some(Open::Object { key, .. }) = self.open.last_mut() {
                    *key = name.into_owned();
                }
            }
            Event::EndObject | Event::EndArray => {
                let closed = match self.open.pop() {
                    Some(Open::Object { map, .. }) => Tree::Object(map),
                    Some(Open::Array(items)) => Tree::Array(items),
                    None => Tree::Null,
                };
                self.put(closed);
            }
            Event::Text(text) => self.put(Tree::String(text.into_owned())),
            Event::Number(literal) => self.put(Tree::Number(number(literal)?)),
            Event::Bool(value) => self.put(Tree::Bool(value)),
            Event::Null => self.put(Tree::Null),
        }
        Ok(())
    }

    fn put(&mut self, value: Tree) {
        match self.open.last_mut() {
            Some(Open::Object { map, key }) => {
                let key = std::mem::take(key);
                if map.contains_key(&key) {
                    self.duplicate(&key);
                }
                // The borrow ended with the report, which looks at all open containers.
                if let Some(Open::Object { map, .. }) = self.open.last_mut() {
                    map.insert(key, value);
                }
            }
            Some(Open::Array(items)) => items.push(value),
            None => self.root = value,
        }
    }

    fn duplicate(&mut self, name: &str) {
        let mut path = String::new();
        let outer = self.open.len().saturating_sub(1);
        for container in self.open.iter().take(outer) {
            // Writing to a String cannot fail.
            let _ = match container {
                Open::Object { key, .. } if path.is_empty() => write!(path, "{key}"),
                Open::Object { key, .. } => write!(path, ".{key}"),
                Open::Array(items) => write!(path, "[{}]", items.len()),
            };
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        if self.duplicates.len() < REPORTED_MAX && !self.duplicates.contains(&path) {
            self.duplicates.push(path);
        }
    }
}

fn number(literal: &str) -> Result<Number, ParseError> {
    if !literal.contains('.') {
        if let Ok(number) = literal.parse::<i64>() {
            return Ok(number.into());
        }
        if let Ok(number) = literal.parse::<u64>() {
            return Ok(number.into());
        }
    }
    literal.parse().ok().and_then(Number::from_f64).ok_or_else(|| ParseError {
        message: format!("json: cannot unmarshal number {literal} into Go value of type float64"),
        offset: 0,
    })
}
