//! A Pod template in the words of Go's `%#v`, as the reference hashes it.
//!
//! The order of fields and the names of types are facts of the Go API, kept in
//! `facts/template.tsv`: `T` begins a type, `F` is a field with its Go name, its JSON name (none if
//! its fields are part of the same JSON object), its Go type as printed, and its shape. Shapes are
//! `s`tring, `b`ool, `i`nteger, `@n` the n-th type, `[` list of, `{` map to, `*` pointer to,
//! `q`uantity, `o` integer or string, `t`ime and `n`othing. What JSON leaves out is Go's zero value.

use std::fmt::Write;
use std::sync::OnceLock;

use serde_json::{Map, Value};

struct Field {
    name: &'static str,
    json: &'static str,
    printed: &'static str,
    shape: &'static str,
}

/// The whole template.
pub(super) fn template(tree: &Value) -> String {
    let mut out = String::with_capacity(16 << 10);
    out.push_str("(v1.PodTemplateSpec)");
    Dump { out: &mut out }.structure(0, tree);
    out
}

fn types() -> &'static [Vec<Field>] {
    static TYPES: OnceLock<Vec<Vec<Field>>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut types: Vec<Vec<Field>> = Vec::new();
        for line in include_str!("../../../facts/template.tsv").lines() {
            let mut parts = line.split('\t');
            if parts.next() == Some("T") {
                types.push(Vec::new());
            } else if let (Some(name), Some(json), Some(printed), Some(shape)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
                && let Some(fields) = types.last_mut()
            {
                fields.push(Field { name, json, printed, shape });
            }
        }
        types
    })
}

struct Dump<'a> {
    out: &'a mut String,
}

impl Dump<'_> {
    fn structure(&mut self, index: usize, object: &Value) {
        let none = Map::new();
        let members = object.as_object().unwrap_or(&none);
        self.out.push('{');
        for (place, field) in types()[index].iter().enumerate() {
            if place > 0 {
                self.out.push(' ');
            }
            self.put(&[field.name, ":(", field.printed, ")"]);
            let value = if field.json.is_empty() { Some(object) } else { members.get(field.json) };
            self.value(field.shape, value.unwrap_or(&Value::Null));
        }
        self.out.push('}');
    }

    fn value(&mut self, shape: &str, value: &Value) {
        let (first, rest) = shape.split_at(1);
        let is_empty = match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty() && first == "{",
            _ => false,
        };
        match first {
            "[" | "{" | "*" | "n" if is_empty => self.out.push_str("<nil>"),
            "*" => self.value(rest, value),
            "[" => self.list(rest, value),
            "{" => self.map(rest, value),
            "@" => self.structure(rest.parse().unwrap_or(0), value),
            "b" => self.put(&[if value == &Value::Bool(true) { "true" } else { "false" }]),
            "i" => self.number(value.as_i64().unwrap_or(0)),
            "q" => self.quantity(value.as_str().unwrap_or("")),
            "o" => self.int_or_string(value),
            "t" => self.out.push_str(
                "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}",
            ),
            _ => self.out.push_str(value.as_str().unwrap_or("")),
        }
    }

    fn list(&mut self, of: &str, value: &Value) {
        self.out.push('[');
        for (place, item) in value.as_array().into_iter().flatten().enumerate() {
            if place > 0 {
                self.out.push(' ');
            }
            self.value(of, item);
        }
        self.out.push(']');
    }

    fn map(&mut self, of: &str, value: &Value) {
        let mut members: Vec<(&String, &Value)> = value.as_object().into_iter().flatten().collect();
        members.sort_by_key(|(key, _)| *key);
        self.out.push_str("map[");
        for (place, (key, item)) in members.into_iter().enumerate() {
            if place > 0 {
                self.out.push(' ');
            }
            self.put(&[key, ":"]);
            self.value(of, item);
        }
        self.out.push(']');
    }

    fn int_or_string(&mut self, value: &Value) {
        let (kind, number) = (i64::from(value.is_string()), value.as_i64().unwrap_or(0));
        self.out.push_str("{Type:(intstr.Type)");
        self.number(kind);
        self.out.push_str(" IntVal:(int32)");
        self.number(number);
        self.put(&[" StrVal:(string)", value.as_str().unwrap_or(""), "}"]);
    }

    /// A quantity shows its insides: a scaled integer, the text it came from where that is kept, and
    /// the family of its suffix.
    fn quantity(&mut self, text: &str) {
        let (value, scale, kept, format) = insides(text);
        self.out.push_str("{i:(resource.int64Amount){value:(int64)");
        self.number(value);
        self.out.push_str(" scale:(resource.Scale)");
        self.number(i64::from(scale));
        self.out.push_str("} d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} s:(string)");
        self.put(&[if kept { text } else { "" }, " Format:(resource.Format)", format, "}"]);
    }

    fn number(&mut self, number: i64) {
        let _ = write!(self.out, "{number}");
    }

    fn put(&mut self, texts: &[&str]) {
        for text in texts {
            self.out.push_str(text);
        }
    }
}

/// Scaled integer, scale, whether the text is kept, and the format of a canonical quantity.
fn insides(text: &str) -> (i64, i32, bool, &'static str) {
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    const BINARY: [(&str, u32); 6] =
        [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
    if text.is_empty() {
        return (0, 0, false, "");
    }
    if text == "0" {
        return (0, 0, true, "DecimalSI");
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'));
    let (digits, suffix) = text.split_at(end.unwrap_or(text.len()));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('+');
    let shifted: i64 = format!("{whole}{part}").parse().unwrap_or(0);
    let part_len = i32::try_from(part.len()).unwrap_or(0);
    if let Some((_, bits)) = BINARY.iter().find(|(known, _)| *known == suffix) {
        let value = shifted.saturating_mul(1_i64.checked_shl(*bits).unwrap_or(i64::MAX));
        return (value, -part_len, shifted & 7 != 0, "BinarySI");
    }
    let text = format!("{whole}{part}");
    let exponent =
        DECIMAL.iter().find(|(known, _)| *known == suffix).map(|(_, exponent)| *exponent);
    let (scale, format) = if let Some(exponent) = exponent {
        (exponent - part_len, "DecimalSI")
    } else {
        let exponent = suffix.trim_start_matches(['e', 'E']).parse().unwrap_or(0);
        (exponent - part_len, "DecimalExponent")
    };
    let kept = scale % 3 == 0 && !text.ends_with("000") && !text.starts_with('0');
    (shifted, scale, kept, format)
}
