//! Named formats of texts: `format.dns1123Label().validate(name)`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meta::names;

use super::declare::{Declared, global, member};
use super::{Args, no_overload, time};
use crate::eval::Error;
use crate::value::Value;

/// A format: its name, and what is wrong with a text.
#[derive(Debug)]
pub struct Format {
    pub(crate) name: &'static str,
    check: fn(&str) -> Vec<String>,
}

pub(super) const ALL: &[Declared] = &[
    global("format.named", "string -> optional<format>", named),
    global("format.dns1123Label", "-> format", |_| known("dns1123Label")),
    global("format.dns1123Subdomain", "-> format", |_| known("dns1123Subdomain")),
    global("format.dns1035Label", "-> format", |_| known("dns1035Label")),
    global("format.dns1123LabelPrefix", "-> format", |_| known("dns1123LabelPrefix")),
    global("format.dns1123SubdomainPrefix", "-> format", |_| known("dns1123SubdomainPrefix")),
    global("format.dns1035LabelPrefix", "-> format", |_| known("dns1035LabelPrefix")),
    global("format.qualifiedName", "-> format", |_| known("qualifiedName")),
    global("format.labelValue", "-> format", |_| known("labelValue")),
    global("format.uri", "-> format", |_| known("uri")),
    global("format.uuid", "-> format", |_| known("uuid")),
    global("format.byte", "-> format", |_| known("byte")),
    global("format.date", "-> format", |_| known("date")),
    global("format.datetime", "-> format", |_| known("datetime")),
    member("validate", "format, string -> optional<list<string>>", validate),
];

static FORMATS: &[Format] = &[
    Format { name: "dns1123Label", check: names::is_dns1123_label },
    Format { name: "dns1123Subdomain", check: names::is_dns1123_subdomain },
    Format { name: "dns1035Label", check: names::is_dns1035_label },
    Format { name: "dns1123LabelPrefix", check: |text| names::is_dns1123_label(&prefix(text)) },
    Format {
        name: "dns1123SubdomainPrefix",
        check: |text| names::is_dns1123_subdomain(&prefix(text)),
    },
    Format { name: "dns1035LabelPrefix", check: |text| names::is_dns1035_label(&prefix(text)) },
    Format { name: "qualifiedName", check: names::is_qualified_name },
    Format { name: "labelValue", check: names::is_label_value },
    Format {
        name: "uri",
        check: |text| unless(url::Url::parse(text).is_ok() || text.starts_with('/'), "invalid URI"),
    },
    Format { name: "uuid", check: |text| unless(is_uuid(text), "does not match the UUID format") },
    Format {
        name: "byte",
        check: |text| unless(BASE64_STANDARD.decode(text).is_ok(), "invalid base64"),
    },
    Format {
        name: "date",
        check: |text| unless(text.parse::<jiff::civil::Date>().is_ok(), "invalid date"),
    },
    Format {
        name: "datetime",
        check: |text| unless(time::parse_timestamp(text).is_some(), "invalid datetime"),
    },
];

/// A generated name ends in what follows a dash.
fn prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => text.to_owned(),
    }
}

fn unless(good: bool, problem: &str) -> Vec<String> {
    if good { Vec::new() } else { vec![problem.to_owned()] }
}

fn is_uuid(text: &str) -> bool {
    let lens: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.chars().all(|char| char.is_ascii_hexdigit() || char == '-');
    digits && (lens == [8, 4, 4, 4, 12] || lens == [32])
}

fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

fn known(name: &str) -> Result<Value, Error> {
    find(name).map(Value::Format).ok_or_else(no_overload)
}

fn named(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(find(args.text(0)?)
        .map_or(Value::Optional(None), |format| Value::some(Value::Format(format))))
}

fn validate(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(1)?;
    let Value::Format(format) = args.get(0) else { return Err(no_overload()) };
    let problems: Vec<Value> = (format.check)(args.text(1)?).into_iter().map(Value::from).collect();
    Ok(if problems.is_empty() { Value::Optional(None) } else { Value::some(Value::list(problems)) })
}
