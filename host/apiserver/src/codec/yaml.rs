//! YAML as Kubernetes reads and writes it: version 1.1 scalars, only the first document, keys as texts.
//!
//! `y`, `No` and `off` are booleans, `0o17`, `017` and `1_000` are integers; a key that occurs twice is reported with its line, and the last
//! value counts. Aliases are expanded up to a bound, so that a small body cannot become a huge tree.
//! See <https://yaml.org/spec/1.1/>.

use std::collections::HashMap;
use std::fmt::Write as _;

use meta::Tree;
use meta::decode::{DEPTH_MAX, depth};
use serde_json::{Map, Number};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

/// A document may have this many nodes once its aliases are expanded.
const MAX_NODES: usize = 2_000_000;
/// Lines that are longer are broken where that is possible.
const BEST_WIDTH: usize = 80;
/// A decoded document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) tree: Tree,
    /// One text for each key that occurs more than once.
    pub(crate) duplicates: Vec<String>,
}

/// Reads the first document; an empty text is `null`.
pub(crate) fn parse(text: &str) -> Result<Document, String> {
    match json(text) {
        Some(tree) => Ok(Document { tree, duplicates: Vec::new() }),
        None => read(text),
    }
}

/// JSON is YAML, and what most clients send as such. It is read as JSON, which takes a tenth of the time, where both surely mean the same: no
/// escapes, no fractions, nothing but printable ASCII, no merge keys, no key that occurs twice or is longer than YAML allows.
fn json(text: &str) -> Option<Tree> {
    let is_common_byte =
        |byte: u8| byte == b'\n' || ((b' '..=b'~').contains(&byte) && byte != b'\\');
    if !text.starts_with('{') || !text.bytes().all(is_common_byte) || text.contains("<<") {
        return None;
    }
    let parsed = meta::decode::parse_json(text.as_bytes()).ok()?;
    (parsed.duplicates.is_empty() && is_common(&parsed.tree)).then_some(parsed.tree)
}

/// YAML's bound for a key that is not marked as one.
const KEY_MAX_BYTES: usize = 1000;

fn is_common(tree: &Tree) -> bool {
    match tree {
        Tree::Number(number) => !number.is_f64(),
        Tree::Array(items) => items.iter().all(is_common),
        Tree::Object(map) => {
            map.iter().all(|(key, value)| key.len() <= KEY_MAX_BYTES && is_common(value))
        }
        Tree::Null | Tree::Bool(_) | Tree::String(_) => true,
    }
}

fn read(text: &str) -> Result<Document, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| broken(error.marker().line(), &error.info()))?;
        if builder.take(event, span)? {
            break;
        }
    }
    let tree = builder.root.unwrap_or_default();
    // Aliases bring depth of their own.
    if depth(&tree) > DEPTH_MAX {
        return Err(too_deep());
    }
    Ok(Document { tree, duplicates: builder.duplicates })
}

fn too_deep() -> String {
    format!("yaml: exceeded max depth of {DEPTH_MAX}")
}

/// An error on the first line is told without its number.
fn broken(line: usize, what: &str) -> String {
    if line > 1 { format!("yaml: line {line}: {what}") } else { format!("yaml: {what}") }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Tree>,
    root: Option<Tree>,
    duplicates: Vec<String>,
    nodes: usize,
}

/// A collection whose end has not come yet.
enum Open {
    List { items: Vec<Tree>, anchor: usize },
    Map { entries: Map<String, Tree>, merged: Vec<Tree>, key: Option<String>, anchor: usize },
}

impl Builder {
    /// Takes the next event; true once the first document is complete.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<bool, String> {
        let line = span.start.line();
        match event {
            Event::DocumentEnd => return Ok(true),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref(), line)?;
                self.remember(anchor, &value);
                self.place(value, line)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.push(Open::List { items: Vec::new(), anchor })?;
            }
            Event::MappingStart(_, anchor, _) => {
                self.push(Open::Map {
                    entries: Map::new(),
                    merged: Vec::new(),
                    key: None,
                    anchor,
                })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(line)?,
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor).cloned() else {
                    return Err(format!("yaml: line {line}: unknown anchor referenced"));
                };
                self.nodes += nodes(&value);
                self.place(value, line)?;
            }
            _ => {}
        }
        Ok(false)
    }

    fn push(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep());
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self, line: usize) -> Result<(), String> {
        let (value, anchor) = match self.open.pop() {
            Some(Open::List { items, anchor }) => (Tree::Array(items), anchor),
            Some(Open::Map { mut entries, merged, anchor, .. }) => {
                for other in merged {
                    let Tree::Object(other) = other else { continue };
                    for (key, value) in other {
                        entries.entry(key).or_insert(value);
                    }
                }
                (Tree::Object(entries), anchor)
            }
            None => return Ok(()),
        };
        self.remember(anchor, &value);
        self.place(value, line)
    }

    fn remember(&mut self, anchor: usize, value: &Tree) {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
    }

    /// Puts a complete value where it belongs.
    fn place(&mut self, value: Tree, line: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err("yaml: document contains excessive aliasing".to_owned());
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List { items, .. }) => items.push(value),
            Some(Open::Map { entries, merged, key, .. }) => match key.take() {
                None => *key = Some(key_text(&value, line)?),
                Some(own) if own == "<<" => match value {
                    Tree::Array(several) => merged.extend(several),
                    one => merged.push(one),
                },
                Some(own) => {
                    if entries.contains_key(&own) {
                        self.duplicates.push(format!(
                            "line {line}: key {} already set in map",
                            meta::quote(&own)
                        ));
                    }
                    entries.insert(own, value);
                }
            },
        }
        Ok(())
    }
}

fn nodes(value: &Tree) -> usize {
    match value {
        Tree::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Tree::Object(entries) => 1 + entries.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

/// Keys of JSON are texts; other scalars become the text that JSON would show.
fn key_text(key: &Tree, line: usize) -> Result<String, String> {
    match key {
        Tree::String(text) => Ok(text.clone()),
        Tree::Bool(value) => Ok(value.to_string()),
        Tree::Number(value) => Ok(value.to_string()),
        Tree::Null => Ok("null".to_owned()),
        _ => Err(format!("yaml: line {line}: unsupported map key of a collection type")),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, line: usize) -> Result<Tree, String> {
    let tag = tag.and_then(Tag::core_suffix);
    if tag == Some("str") || (style != ScalarStyle::Plain && tag.is_none()) {
        return Ok(Tree::String(text.to_owned()));
    }
    let value = plain(text);
    match (tag, &value) {
        (None, _) | (Some("null"), Tree::Null) | (Some("bool"), Tree::Bool(_)) => Ok(value),
        (Some("int"), Tree::Number(number)) if !number.is_f64() => Ok(value),
        (Some("float"), Tree::Number(number)) => {
            Ok(number.as_f64().and_then(Number::from_f64).map_or(Tree::Null, Tree::Number))
        }
        (Some(tag), _) => Err(format!("yaml: line {line}: cannot decode `{text}` as a !!{tag}")),
    }
}

/// What a bare word is.
fn plain(text: &str) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Tree::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Tree::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Tree::Bool(false);
        }
        _ => {}
    }
    number(text).map_or_else(|| Tree::String(text.to_owned()), Tree::Number)
}

fn number(text: &str) -> Option<Number> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| float(&digits))
}

fn integer(text: &str) -> Option<Number> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = rest.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if !negative {
        return Some(magnitude.into());
    }
    0i64.checked_sub_unsigned(magnitude).map(Number::from)
}

fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let shaped = unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !shaped {
        return None;
    }
    Number::from_f64(text.parse().ok()?)
}

/// Writes a tree in block style. Words that a reader could take for something else are quoted.
pub(crate) fn write(tree: &Tree) -> String {
    let mut text = String::new();
    node(&mut text, tree, 0, false);
    text
}

fn node(out: &mut String, tree: &Tree, indent: usize, in_list: bool) {
    match tree {
        Tree::Object(entries) if !entries.is_empty() => {
            for (index, (key, value)) in entries.iter().enumerate() {
                // The first entry of an item stands beside its dash.
                if index > 0 || !in_list {
                    pad(out, indent);
                }
                word(out, key, indent);
                out.push(':');
                nested(out, value, indent);
            }
        }
        Tree::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 || !in_list {
                    pad(out, indent);
                }
                out.push('-');
                match item {
                    Tree::Object(entries) if !entries.is_empty() => {
                        out.push(' ');
                        node(out, item, indent + 2, true);
                    }
                    Tree::Array(inner) if !inner.is_empty() => {
                        out.push(' ');
                        node(out, item, indent + 2, true);
                    }
                    _ => nested(out, item, indent),
                }
            }
        }
        leaf_value => {
            leaf(out, leaf_value, indent);
            out.push('\n');
        }
    }
}

fn nested(out: &mut String, value: &Tree, indent: usize) {
    match value {
        Tree::Object(entries) if !entries.is_empty() => {
            out.push('\n');
            node(out, value, indent + 2, false);
        }
        Tree::Array(items) if !items.is_empty() => {
            out.push('\n');
            node(out, value, indent, false);
        }
        _ => {
            out.push(' ');
            leaf(out, value, indent);
            out.push('\n');
        }
    }
}

fn leaf(out: &mut String, value: &Tree, indent: usize) {
    match value {
        Tree::String(text) => word(out, text, indent),
        Tree::Array(_) => out.push_str("[]"),
        Tree::Object(_) => out.push_str("{}"),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// A text without quotes if it can be read without them, otherwise in those that Kubernetes writes: double ones for what would be taken for
/// something else than a text.
fn word(out: &mut String, text: &str, indent: usize) {
    if text.contains('\n')
        && text.chars().all(|character| character == '\n' || !character.is_control())
        && !text.starts_with([' ', '\n'])
    {
        literal(out, text, indent);
    } else if text.chars().any(char::is_control) || is_of_another_type(text) {
        // A JSON string is a YAML string in double quotes.
        let _ = write!(out, "{}", Tree::String(text.to_owned()));
    } else if is_plain_word(text) {
        folded(out, text, indent);
    } else {
        let quoted = format!("'{}'", text.replace('\'', "''"));
        folded(out, &quoted, indent);
    }
}

/// Lines of a text as they are, below a bar.
fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if !text.ends_with('\n') {
        out.push('-');
    } else if text.ends_with("\n\n") {
        out.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent + 2);
            out.push_str(line);
        }
    }
}

/// Long lines are broken at a single space, which a reader puts back.
fn folded(out: &mut String, text: &str, indent: usize) {
    let line_start = out.rfind('\n').map_or(0, |at| at + 1);
    let mut column = out.len() - line_start;
    let mut characters = text.chars().peekable();
    let mut before = '\0';
    while let Some(character) = characters.next() {
        let single =
            character == ' ' && before != ' ' && characters.peek().is_some_and(|next| *next != ' ');
        if single && column > BEST_WIDTH && before != '\0' {
            out.push('\n');
            pad(out, indent + 2);
            column = indent + 2;
        } else {
            out.push(character);
            column += 1;
        }
        before = character;
    }
}

fn is_plain_word(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let indicator = "#,[]{}&*!|>'\"%@`".contains(first)
        || (matches!(first, '-' | '?' | ':')
            && (text.len() == 1 || text.chars().nth(1) == Some(' ')))
        || text.starts_with("---")
        || text.starts_with("...");
    !indicator
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && text != "="
}

/// Whether readers of version 1.1 take the text for something else, if it has no quotes.
fn is_of_another_type(text: &str) -> bool {
    text == "<<"
        || !matches!(plain(text), Tree::String(_))
        || looks_like_date(text)
        || looks_sexagesimal(text)
}

/// Readers of version 1.1 take dates for timestamps.
fn looks_like_date(text: &str) -> bool {
    text.len() >= 8
        && text.as_bytes().get(4) == Some(&b'-')
        && text.bytes().take(4).all(|byte| byte.is_ascii_digit())
}

/// Readers of version 1.1 take `1:30` for ninety.
fn looks_sexagesimal(text: &str) -> bool {
    text.contains(':')
        && text
            .trim_start_matches(['-', '+'])
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'_' | b'.'))
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests;
