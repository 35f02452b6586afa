//! IP addresses as texts: what is refused, and what is only warned about.
//!
//! Fields that are older than strict parsing accept addresses that are not in their canonical form, but neither leading zeros nor IPv4
//! addresses in the clothes of IPv6.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

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
        errors.invalid(at, text, format!("must be in canonical form (\"{address}\")"));
    }
}

/// What is wrong with a text that must be an address in its canonical form.
pub(crate) fn check(text: &str) -> Vec<String> {
    let mut errors = Errors::new();
    validate_canonical(&mut errors, &At::root(""), text);
    errors.into_list().into_iter().map(|error| error.detail).collect()
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

/// An address in any form in which older servers accepted it.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().or_else(|| sloppy_v4(text).map(IpAddr::V4))
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
        *octet = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

const CIDR_EXAMPLES: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// What is wrong with a range of addresses in a field that allows other forms than the canonical one.
pub(crate) fn validate_range(errors: &mut Errors, at: &At<'_>, text: &str) {
    let detail = match strict_range(text) {
        None if sloppy_range(text).is_some() => "must not have leading 0s in IP or prefix length",
        None => CIDR_EXAMPLES,
        Some(range) if is_mapped(&range.addr().to_string()) => {
            "must not have an IPv4-mapped IPv6 address"
        }
        Some(range) if range.addr() != range.network() => {
            "must not have bits set beyond the prefix length"
        }
        Some(_) => return,
    };
    errors.invalid(at, text, detail);
}

/// What is wrong with a range of addresses in a field that allows the canonical form only.
pub(crate) fn validate_canonical_range(errors: &mut Errors, at: &At<'_>, text: &str) {
    let before = errors.len();
    validate_range(errors, at, text);
    if errors.len() == before
        && let Some(range) = strict_range(text)
        && range.to_string() != text
    {
        errors.invalid(at, text, format!("must be in canonical form (\"{range}\")"));
    }
}

/// Advice about the form of a range of addresses.
pub(crate) fn warn_range(warnings: &mut Vec<String>, at: &At<'_>, text: &str) {
    let strict = strict_range(text);
    let Some(range) = strict.or_else(|| sloppy_range(text)) else {
        return;
    };
    let quoted = meta::quote(text);
    let network = range.trunc();
    if range.addr() != range.network() {
        let single = format!("{}/{}", range.addr(), range.max_prefix_len());
        warnings.push(format!(
            "{at}: CIDR value {quoted} is ambiguous in this context (should be \"{network}\" or \
             \"{single}\"?)"
        ));
    }
    if strict.is_none() || is_mapped(&range.addr().to_string()) {
        warnings
            .push(format!("{at}: non-standard CIDR value {quoted} is invalid: use \"{network}\""));
    } else if range.addr() == range.network() && network.to_string() != text {
        warnings.push(format!(
            "{at}: IPv6 CIDR value {quoted} should be in RFC 5952 canonical format (\"{network}\")"
        ));
    }
}

/// Whether the text can be read as a range, in whatever form.
pub(crate) fn is_range(text: &str) -> bool {
    parse_range(text).is_some()
}

/// A range in any form in which older servers accepted it.
pub(crate) fn parse_range(text: &str) -> Option<IpNet> {
    strict_range(text).or_else(|| sloppy_range(text))
}

/// The parser of ranges lets leading zeros pass.
fn strict_range(text: &str) -> Option<IpNet> {
    let has_zeros = text.split(['.', '/']).any(|part| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    text.parse().ok().filter(|_| !has_zeros)
}

/// Whether the ranges are of both families.
pub(crate) fn ranges_are_dual_stack<'a>(texts: impl IntoIterator<Item = &'a str>) -> bool {
    is_dual_stack(texts.into_iter().map(|text| text.split('/').next().unwrap_or_default()))
}

fn sloppy_range(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let address = parse(address)?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = length.parse().ok().filter(|_| is_number)?;
    IpNet::new(address, length).ok()
}

/// What is wrong with an address as the end of a connection: those that every machine has for itself lead nowhere.
pub(crate) fn validate_endpoint(errors: &mut Errors, at: &At<'_>, text: &str) {
    let Some(address) = parse(text) else {
        errors.invalid(at, text, "must be a valid IP address");
        return;
    };
    let address = address.to_canonical();
    if address.is_unspecified() {
        errors.invalid(at, text, format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        let detail = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
        errors.invalid(at, text, detail);
    }
    let (is_link_local, is_link_local_multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    if is_link_local {
        let detail = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
        errors.invalid(at, text, detail);
    }
    if is_link_local_multicast {
        let detail = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
        errors.invalid(at, text, detail);
    }
}

#[cfg(test)]
mod tests;
