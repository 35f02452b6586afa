//! Paths to fields as definitions write them: `.spec.replicas`, `.map['key']`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrBool,
};
use meta::field::Path;

use crate::wire::OrEmpty;

/// A path that was found in a schema.
#[derive(Debug)]
pub(crate) struct Resolved<'a> {
    /// None for the value itself.
    pub(crate) path: Option<Path>,
    /// The first step.
    pub(crate) root: String,
    /// The schema that it leads to, if there is one.
    pub(crate) schema: Option<&'a JSONSchemaProps>,
}

/// Follows a path through a schema. `brackets` says whether keys may be written in them.
pub(crate) fn resolve<'a>(
    text: &str,
    schema: &'a JSONSchemaProps,
    brackets: bool,
) -> Result<Resolved<'a>, String> {
    let mut resolved = Resolved { path: None, root: String::new(), schema: Some(schema) };
    let mut tokens = Tokens { rest: text };
    while let Some(token) = tokens.next() {
        match token {
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let token = tokens.next().ok_or(ENDED)?;
                resolved.step(&unquote(token)?)?;
                let token = tokens.next().ok_or(ENDED)?;
                if token != "]" {
                    return Err(format!("expected ] but got {token}"));
                }
            }
            "." => resolved.step(tokens.next().ok_or(ENDED)?)?,
            other => return Err(format!("expected [ or . but got: {other}")),
        }
    }
    Ok(resolved)
}

const ENDED: &str = "unexpected end of JSON path";
const NOWHERE: &str = "does not refer to a valid field";

impl Resolved<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        let schema = self.schema.ok_or(NOWHERE)?;
        let first = self.path.is_none();
        if schema.properties.is_unset() {
            let Some(rest) = &schema.additional_properties else { return Err(NOWHERE.to_owned()) };
            let path = self.path.as_ref();
            self.path =
                Some(path.map_or_else(|| Path::new(format!("[{name}]")), |path| path.key(name)));
            self.schema = match rest {
                JSONSchemaPropsOrBool::Schema(rest) => Some(rest),
                JSONSchemaPropsOrBool::Bool(_) => None,
            };
        } else {
            self.schema = Some(schema.properties.or_empty().get(name).ok_or(NOWHERE)?);
            let path = self.path.as_ref();
            self.path = Some(
                path.map_or_else(|| Path::new(name.to_owned()), |path| path.child(name.to_owned())),
            );
        }
        if first {
            name.clone_into(&mut self.root);
        }
        Ok(())
    }
}

/// Dots, brackets, texts in quotes, and what is between those.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let end = match self.rest.as_bytes().first()? {
            b'.' | b'[' | b']' => 1,
            b'\'' => quoted(self.rest),
            _ => self.rest.find(['.', '[', ']']).unwrap_or(self.rest.len()),
        };
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(token)
    }
}

/// Where a text in quotes ends, or the whole text if it does not.
fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = (1..bytes.len()).find(|at| bytes[*at] == b'\'' && bytes[at - 1] != b'\\');
    end.map_or(text.len(), |end| end + 1)
}

fn unquote(token: &str) -> Result<String, String> {
    let inside = token.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let inside = inside.ok_or_else(|| format!("expected single quoted string but got {token}"))?;
    let mut text = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        text.push(match chars.next() {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(c @ ('\'' | '\\')) => c,
            other => {
                let other = other.map(String::from).unwrap_or_default();
                return Err(format!("invalid string literal: invalid escape char \\{other}"));
            }
        });
    }
    Ok(text)
}
