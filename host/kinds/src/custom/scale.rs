//! What is wrong with the numbers that `/scale` shows of an object.

use meta::Tree;
use meta::field::{FieldError, Path};

use crate::info::{KindInfo, Selector};

pub(super) fn spec_errors(info: &KindInfo, tree: &Tree) -> Vec<FieldError> {
    let Some(paths) = info.scale else { return Vec::new() };
    replicas(paths.spec_replicas, tree).into_iter().collect()
}

pub(super) fn status_errors(info: &KindInfo, tree: &Tree) -> Vec<FieldError> {
    let Some(paths) = info.scale else { return Vec::new() };
    let mut errors: Vec<FieldError> = replicas(paths.status_replicas, tree).into_iter().collect();
    if let Some(Selector::Text(path)) = paths.selector {
        let wrong = match find(path, tree) {
            Ok(None | Some(Tree::String(_))) => None,
            Ok(Some(value)) => Some(wrong_type(path, value, "string")),
            Err(text) => Some(text),
        };
        errors.extend(wrong.map(|text| FieldError::invalid(&Path::new(path.to_owned()), "", text)));
    }
    errors
}

fn replicas(path: &str, tree: &Tree) -> Option<FieldError> {
    let at = Path::new(path.to_owned());
    let number = match find(path, tree) {
        Ok(None) => return None,
        Ok(Some(value)) => value.as_i64().ok_or_else(|| wrong_type(path, value, "int64")),
        Err(text) => Err(text),
    };
    match number {
        Err(text) => Some(FieldError::invalid(&at, 0, text)),
        Ok(number @ ..0) => {
            Some(FieldError::invalid(&at, number, "should be a non-negative integer"))
        }
        Ok(number) if number > i64::from(i32::MAX) => {
            let text = format!("should be less than or equal to {}", i32::MAX);
            Some(FieldError::invalid(&at, number, text))
        }
        Ok(_) => None,
    }
}

/// The value at a path, or which value on the way has nothing in it.
fn find<'a>(path: &str, tree: &'a Tree) -> Result<Option<&'a Tree>, String> {
    let mut value = tree;
    let mut seen = String::new();
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let Tree::Object(map) = value else {
            return Err(wrong_type(&seen, value, "map[string]interface{}"));
        };
        let Some(next) = map.get(step) else { return Ok(None) };
        seen.push('.');
        seen.push_str(step);
        value = next;
    }
    Ok(Some(value))
}

fn wrong_type(path: &str, value: &Tree, expected: &str) -> String {
    let (shown, is) = match value {
        Tree::Null => ("<nil>".to_owned(), "<nil>"),
        Tree::Bool(flag) => (flag.to_string(), "bool"),
        Tree::Number(number) => (number.to_string(), "float64"),
        Tree::String(text) => (text.clone(), "string"),
        Tree::Array(_) => (value.to_string(), "[]interface {}"),
        Tree::Object(_) => (value.to_string(), "map[string]interface {}"),
    };
    format!("{path} accessor error: {shown} is of the type {is}, expected {expected}")
}
