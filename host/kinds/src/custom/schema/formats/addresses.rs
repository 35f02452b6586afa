//! Addresses of machines and of the web, as Go's libraries read them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use expressions::Pattern;

/// Labels of letters, digits and symbols of any script; several of them end in one of letters. A
/// name of one label has at most one dash, after its first letter.
static HOSTNAME: LazyLock<Option<Pattern>> = LazyLock::new(|| {
    let any = r"a-zA-Z0-9\p{S}\p{L}";
    let single = format!("[{any}]-?[{any}]*");
    let label = format!(r"[{any}](?:[{any}-]*[{any}])?\.");
    Pattern::compile(&format!(r"^(?:{single}|(?:{label})+\p{{L}}\p{{L}}+)$")).ok()
});

pub(super) fn is_hostname(text: &str) -> bool {
    text.len() <= 255
        && text.split('.').all(|label| label.len() <= 63)
        && HOSTNAME.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Numbers may have leading zeros, as they once might everywhere.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u8> = text.split('.').map(number).collect::<Option<_>>()?;
    <[u8; 4]>::try_from(parts).ok().map(Ipv4Addr::from)
}

fn number(text: &str) -> Option<u8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let digits = text.trim_start_matches('0');
    let value = if digits.is_empty() { "0" } else { digits };
    is_number.then(|| value.parse().ok())?
}

/// An address of IPv6 may end in one of IPv4 as well.
pub(super) fn is_ipv4(text: &str) -> bool {
    parse_ipv4(text).is_some() || (text.contains('.') && text.parse::<Ipv6Addr>().is_ok())
}

pub(super) fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

pub(super) fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let max = if parse_ipv4(address).is_some() {
        32
    } else if is_ipv6(address) {
        128
    } else {
        return false;
    };
    let digits = bits.trim_start_matches('0');
    let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (digits.is_empty() || digits.parse::<u32>().is_ok_and(|bits| bits <= max))
}

/// 6, 8 or 20 octets: pairs of digits after colons or dashes, or four digits after dots.
pub(super) fn is_mac(text: &str) -> bool {
    let (separator, digits) = match (text.as_bytes().get(2), text.as_bytes().get(4)) {
        (Some(b':'), _) => (':', 2),
        (Some(b'-'), _) => ('-', 2),
        (_, Some(b'.')) => ('.', 4),
        _ => return false,
    };
    let groups: Vec<&str> = text.split(separator).collect();
    let is_group = |group: &&str| group.len() == digits && super::is_hexadecimal(group);
    matches!(groups.len() * digits / 2, 6 | 8 | 20) && groups.iter().all(is_group)
}

/// What a request may ask for: an absolute address, or a path from the root.
pub(super) fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let Some((scheme, rest)) = split_scheme(text) else { return false };
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !rest.starts_with('/') {
        return !scheme.is_empty();
    }
    let authority = rest.strip_prefix("//").filter(|_| !scheme.is_empty());
    let path = match authority {
        Some(authority) => {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            if !is_authority(authority) {
                return false;
            }
            path
        }
        None => rest,
    };
    has_good_escapes(path)
}

/// The scheme, which may be missing. Nothing if there is a colon without one.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return None,
            b':' => return Some((&text[..index], &text[index + 1..])),
            _ => break,
        }
    }
    Some(("", text))
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').map_or(("", text), |(user, host)| (user, host));
    let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(is_user) || !has_good_escapes(user) {
        return false;
    }
    let (name, port) = if host.starts_with('[') {
        let Some(end) = host.rfind(']') else { return false };
        host.split_at(end + 1)
    } else {
        host.split_at(host.rfind(':').unwrap_or(host.len()))
    };
    let port = port
        .strip_prefix(':')
        .map_or(port.is_empty(), |digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte)
    };
    port && name.bytes().all(is_host) && has_good_escapes(name)
}

/// Every percent sign has two digits behind it.
fn has_good_escapes(text: &str) -> bool {
    text.match_indices('%').all(|(at, _)| {
        text.as_bytes()
            .get(at + 1..at + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}
