//! The formats that values are checked against. Others are ignored.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation>.

mod addresses;
mod mail;
mod numbers;
mod time;

use super::node::Type;

pub(crate) use time::{parse_date, parse_date_time, parse_duration};

/// What a format asks of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    Text(fn(&str) -> bool),
    Int32,
    Int64,
    Float,
    Double,
}

/// A format of texts, and whether a text has it.
type Text = (&'static str, fn(&str) -> bool);

/// The names are without dashes, which make no difference.
const TEXTS: &[Text] = &[
    ("bsonobjectid", |text| text.len() == 24 && is_hexadecimal(text)),
    ("uri", addresses::is_request_uri),
    ("email", mail::is_email),
    ("hostname", addresses::is_hostname),
    ("ipv4", addresses::is_ipv4),
    ("ipv6", addresses::is_ipv6),
    ("cidr", addresses::is_cidr),
    ("mac", addresses::is_mac),
    ("uuid", |text| is_uuid(text, None)),
    ("uuid3", |text| is_uuid(text, Some('3'))),
    ("uuid4", |text| is_uuid(text, Some('4'))),
    ("uuid5", |text| is_uuid(text, Some('5'))),
    ("isbn", |text| numbers::is_isbn10(text) || numbers::is_isbn13(text)),
    ("isbn10", numbers::is_isbn10),
    ("isbn13", numbers::is_isbn13),
    ("creditcard", numbers::is_credit_card),
    ("ssn", numbers::is_social_security_number),
    ("hexcolor", numbers::is_hexadecimal_color),
    ("rgbcolor", numbers::is_rgb_color),
    ("byte", is_base64),
    ("password", |_| true),
    ("date", |text| parse_date(text).is_some()),
    ("duration", |text| parse_duration(text).is_some()),
    ("datetime", time::is_date_time),
    ("k8sshortname", |text| text.len() <= 63 && is_name(text)),
    ("k8slongname", |text| text.len() <= 253 && text.split('.').all(is_name)),
];

/// The format of this name for values of a type; none for what is not checked.
pub(crate) fn find(name: &str, ty: Option<Type>) -> Option<Format> {
    match ty {
        None | Some(Type::String) => {
            let plain = name.replace('-', "");
            let found = TEXTS.iter().find(|(known, _)| *known == plain);
            found.map(|(_, check)| Format::Text(*check))
        }
        Some(Type::Integer) => match name {
            "int32" => Some(Format::Int32),
            "int64" => Some(Format::Int64),
            _ => None,
        },
        Some(Type::Number) => match name {
            "float" => Some(Format::Float),
            "double" => Some(Format::Double),
            _ => None,
        },
        Some(Type::Object | Type::Array | Type::Boolean) => None,
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Groups of digits with or without dashes between them; the version is the first digit of the third.
fn is_uuid(text: &str, version: Option<char>) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, behind)) = rest.split_at_checked(length) else { return false };
        let is_good = match (index, version) {
            (2, Some(version)) => group.starts_with(version),
            // The random and the hashed kinds say so once more.
            (3, Some('4' | '5')) => group.starts_with(['8', '9', 'a', 'b', 'A', 'B']),
            _ => true,
        };
        if !is_good || !is_hexadecimal(group) {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

/// Whole groups of four characters, at least one.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !text.is_empty() && text.len().is_multiple_of(4) && padding <= 2 && digits.bytes().all(is_digit)
}

fn is_name(text: &str) -> bool {
    let is_edge = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    is_edge(text.bytes().next()) && is_edge(text.bytes().last()) && text.bytes().all(inside)
}

#[cfg(test)]
mod tests;
