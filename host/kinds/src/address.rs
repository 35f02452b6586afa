//! IP addresses as texts: what is refused, and what is only warned about.
//!
//! Fields that are older than strict parsing accept addresses that are not in their canonical form, but neither leading zeros nor IPv4
//! addresses in the clothes of IPv6.

use std::net::{IpAddr, Ipv4Addr};

use crate::check::{At, Errors};

/// What is wrong with an address in a field that allows other forms than the canonical one.
pub(crate) fn validate(errors: &mut Errors, at: &At<'_>, text: &str) {
    if text.parse::<IpAddr>().is_err() {
        let detail = if sloppy_v4(text).is_some() {
            "must not have leading 0s"
        } else {
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        };
        errors.invalid(at, text, detail);
    } else if is_mapped(text) {
        errors.invalid(at, text, "must not be an IPv4-mapped IPv6 address");
    }
}

/// What is wrong with an address in a field that allows the canonical form only.
pub(crate) fn validate_canonical(errors: &mut Errors, at: &At<'_>, text: &str) {
    let before = errors.len();
    validate(errors, at, text);
    if errors.len() == before
        && let Ok(address) = text.parse::<IpAddr>()
        && address.to_string() != text
    {
        errors.invalid(
            at,
            text,
            format!("must be in canonical form (\"{address}\")"),
        );
    }
}

/// Advice about the form of an address.
pub(crate) fn warn(warnings: &mut Vec<String>, at: &At<'_>, text: &str) {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => {
            if let Some(v4) = address.to_ipv4_mapped() {
                warnings.push(format!(
                    "{at}: non-standard IP address {} is invalid: use \"{v4}\"",
                    meta::quote(text)
                ));
            } else if address.to_string() != text {
                warnings.push(format!(
                    "{at}: IPv6 address {} should be in RFC 5952 canonical format (\"{address}\")",
                    meta::quote(text)
                ));
            }
        }
        Ok(IpAddr::V4(_)) => {}
        Err(_) => {
            if let Some(address) = sloppy_v4(text) {
                warnings.push(format!(
                    "{at}: non-standard IP address {} is invalid: use \"{address}\"",
                    meta::quote(text)
                ));
            }
        }
    }
}

/// Whether the addresses are of both families.
pub(crate) fn is_dual_stack<'a>(texts: impl IntoIterator<Item = &'a str>) -> bool {
    let (mut v4, mut v6) = (false, false);
    for text in texts {
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => v4 = true,
            Ok(IpAddr::V6(_)) => v6 = true,
            Err(_) => {}
        }
    }
    v4 && v6
}

fn is_mapped(text: &str) -> bool {
    matches!(text.parse::<IpAddr>(), Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some())
}

/// An IPv4 address whose parts may have leading zeros, which some read as octal.
fn sloppy_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = part.trim_start_matches('0');
        *octet = if digits.is_empty() {
            0
        } else {
            digits.parse().ok()?
        };
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}
