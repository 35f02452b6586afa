//! A page of `Name:  value` lines, nested by indentation.

use serde_json::Value;

/// Where values begin, counted from the indentation of their names.
const VALUE_COLUMN: usize = 20;

/// The text as it grows.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    depth: usize,
}

impl Page {
    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.indent();
        let value = if value.is_empty() { "<none>" } else { value };
        let padding = VALUE_COLUMN.saturating_sub(name.chars().count() + 1).max(1);
        self.text.push_str(name);
        self.text.push(':');
        self.text.extend(std::iter::repeat_n(' ', padding));
        // Further lines of a value stand under its first one.
        let hang = format!("\n{}", " ".repeat(self.depth * 2 + VALUE_COLUMN));
        self.text.push_str(&value.trim_end().replace('\n', &hang));
        self.text.push('\n');
    }

    /// Labels and the like, one a line.
    pub(super) fn map(&mut self, name: &str, map: Option<&Value>, between: &str) {
        let pairs = map.and_then(Value::as_object).into_iter().flatten();
        let lines: Vec<String> =
            pairs.map(|(key, value)| format!("{key}{between}{}", plain(value))).collect();
        self.field(name, &lines.join("\n"));
    }

    /// A heading, and what `fill` writes below it.
    pub(super) fn section(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.indent();
        self.text.push_str(name);
        self.text.push_str(":\n");
        self.depth += 1;
        fill(self);
        self.depth -= 1;
    }

    /// A heading with text of several lines below it.
    pub(super) fn block(&mut self, name: &str, block: &str) {
        self.section(name, |page| {
            for line in block.lines() {
                page.indent();
                page.text.push_str(line);
                page.text.push('\n');
            }
        });
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n(' ', self.depth * 2));
    }
}

/// A value as people write it: text without quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The conditions of a status as a section.
pub(super) fn conditions(page: &mut Page, object: &Value) {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let Some(conditions) = conditions.filter(|all| !all.is_empty()) else { return };
    page.section("Conditions", |page| {
        for condition in conditions {
            let of = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
            let details: Vec<&str> =
                [of("reason"), of("message")].into_iter().filter(|it| !it.is_empty()).collect();
            let details = if details.is_empty() {
                String::new()
            } else {
                format!(" ({})", details.join(": "))
            };
            page.field(of("type"), &format!("{}{details}", of("status")));
        }
    });
}
