//! IP addresses and ranges of them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("ip", "string -> ip", ip),
    global("isIP", "string -> bool", is_ip),
    global("ip.isCanonical", "string -> bool", is_canonical),
    member("family", "ip -> int", family),
    member("isUnspecified", "ip -> bool", is_unspecified),
    member("isLoopback", "ip -> bool", is_loopback),
    member("isLinkLocalMulticast", "ip -> bool", is_link_local_multicast),
    member("isLinkLocalUnicast", "ip -> bool", is_link_local_unicast),
    member("isGlobalUnicast", "ip -> bool", is_global_unicast),
    global("cidr", "string -> cidr", cidr),
    global("isCIDR", "string -> bool", is_cidr),
    member("containsIP", "cidr, string -> bool", contains_ip),
    member("containsIP", "cidr, ip -> bool", contains_ip),
    member("containsCIDR", "cidr, string -> bool", contains_cidr),
    member("containsCIDR", "cidr, cidr -> bool", contains_cidr),
    member("ip", "cidr -> ip", address),
    member("masked", "cidr -> cidr", masked),
    member("prefixLength", "cidr -> int", prefix),
];

/// Reads an address. One of IPv4 in the form of IPv6 is refused, as are zones.
fn parse_ip(text: &str) -> Result<IpAddr, Error> {
    let wrong = || {
        Error::message(format!(
            "IP Address {} parse error during conversion from string: unable to parse IP",
            meta::quote(text)
        ))
    };
    let ip: IpAddr = text.parse().map_err(|_| wrong())?;
    match ip {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(Error::message(format!(
            "IPv4-mapped IPv6 address {} is not allowed",
            meta::quote(text)
        ))),
        ip => Ok(ip),
    }
}

fn parse_cidr(text: &str) -> Result<IpNet, Error> {
    let wrong = || {
        Error::message(format!(
            "network address parse error during conversion from string: netip.ParsePrefix({}): \
             invalid prefix",
            meta::quote(text)
        ))
    };
    let (_, bits) = text.split_once('/').ok_or_else(wrong)?;
    let padded = bits.len() > 1 && bits.starts_with('0') || bits.starts_with('+');
    let cidr: IpNet = text.parse().map_err(|_| wrong())?;
    let mapped = matches!(cidr.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    if padded || mapped { Err(wrong()) } else { Ok(cidr) }
}

fn ip(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    parse_ip(args.text(0)?).map(Value::Ip)
}

fn is_ip(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(parse_ip(args.text(0)?).is_ok().into())
}

fn is_canonical(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let text = args.text(0)?;
    Ok((parse_ip(text)?.to_string() == text).into())
}

fn of(args: &Args<'_>) -> Result<IpAddr, Error> {
    match args.get(0) {
        Value::Ip(ip) => Ok(*ip),
        _ => Err(no_overload()),
    }
}

fn family(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(if of(args)?.is_ipv4() { 4 } else { 6 }))
}

fn is_unspecified(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(of(args)?.is_unspecified().into())
}

fn is_loopback(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(of(args)?.is_loopback().into())
}

fn link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn is_link_local_unicast(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(link_local(of(args)?).into())
}

fn is_link_local_multicast(args: &mut Args<'_>) -> Result<Value, Error> {
    let found = match of(args)? {
        IpAddr::V4(v4) => matches!(v4.octets(), [224, 0, 0, _]),
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|first| first & 0xff0f == 0xff02),
    };
    Ok(found.into())
}

fn is_global_unicast(args: &mut Args<'_>) -> Result<Value, Error> {
    let ip = of(args)?;
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    let other = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || link_local(ip);
    Ok((!broadcast && !other).into())
}

fn cidr(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    parse_cidr(args.text(0)?).map(Value::Cidr)
}

fn is_cidr(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(parse_cidr(args.text(0)?).is_ok().into())
}

fn range(args: &Args<'_>) -> Result<IpNet, Error> {
    match args.get(0) {
        Value::Cidr(cidr) => Ok(*cidr),
        _ => Err(no_overload()),
    }
}

fn contains_ip(args: &mut Args<'_>) -> Result<Value, Error> {
    let ip = match args.get(1) {
        Value::Ip(ip) => *ip,
        _ => parse_ip(args.text(1)?)?,
    };
    Ok(range(args)?.contains(&ip).into())
}

fn contains_cidr(args: &mut Args<'_>) -> Result<Value, Error> {
    let inner = match args.get(1) {
        Value::Cidr(cidr) => *cidr,
        _ => parse_cidr(args.text(1)?)?,
    };
    let outer = range(args)?;
    Ok((outer.prefix_len() <= inner.prefix_len() && outer.contains(&inner.network())).into())
}

fn address(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Ip(range(args)?.addr()))
}

fn masked(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Cidr(range(args)?.trunc()))
}

fn prefix(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(range(args)?.prefix_len().into()))
}
