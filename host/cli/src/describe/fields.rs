//! Any object, field by field.

use serde_json::Value;

use super::page::{Page, plain};

pub(super) fn describe(page: &mut Page, object: &Value) {
    let shown = object.as_object().into_iter().flatten();
    for (name, value) in shown.filter(|(name, _)| *name != "metadata") {
        field(page, name, value);
    }
}

/// One field; objects and lists nest.
pub(super) fn field(page: &mut Page, name: &str, value: &Value) {
    let title = title(name);
    match value {
        Value::Object(fields) if !fields.is_empty() => page.section(&title, |page| {
            for (name, value) in fields {
                field(page, name, value);
            }
        }),
        Value::Array(items) if items.iter().any(Value::is_object) => page.section(&title, |page| {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                field(page, name.unwrap_or(&index.to_string()), item);
            }
        }),
        Value::Array(items) => {
            page.field(&title, &items.iter().map(plain).collect::<Vec<_>>().join("\n"));
        }
        Value::Object(_) => page.field(&title, ""),
        other => page.field(&title, &plain(other)),
    }
}

/// `maxSurge` as `Max Surge`.
fn title(name: &str) -> String {
    let mut title = String::with_capacity(name.len() + 4);
    let mut before_was_lower = false;
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && before_was_lower {
            title.push(' ');
        }
        before_was_lower = letter.is_lowercase();
        if index == 0 { title.extend(letter.to_uppercase()) } else { title.push(letter) }
    }
    title
}
