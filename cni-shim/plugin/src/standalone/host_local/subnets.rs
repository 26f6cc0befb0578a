//! `ipam.subnets`, which is ours alone: the subnets of a MacvlanNetwork, on one host.
//!
//! ```text
//! "subnets": ["fd00:20::/64",
//!             {"cidr": "10.20.0.0/24", "gateway": "10.20.0.1",
//!              "ranges": [{"from": "10.20.0.100", "to": "10.20.0.199"}, {"cidr": "10.20.0.224/28"}],
//!              "exclude": [{"cidr": "10.20.0.150/32"}]}]
//! ```
//!
//! An attachment gets one address of each family: the next one of all its subnets, which are gone through one
//! after another. A gateway is only there if it is written.

use ipnet::IpNet;
use landfall_core::{
    address,
    link::is_link_local,
    network::{reserved, usable},
};
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::range::{Range, RangeSet};
use crate::standalone::{
    object::{Malformed, Object},
    result,
};

/// The sets, IPv4 first: one for each family that is there.
pub(super) fn sets(ipam: &Object<'_>) -> Result<Vec<RangeSet>, Malformed> {
    let mut subnets = Vec::new();
    for (place, text) in ipam.list("subnets")?.into_iter().enumerate() {
        let at = format!("ipam.subnets[{place}]");
        subnets.push(subnet(text).map_err(|error| error.inside(&at))?);
    }
    let mut sets = Vec::new();
    for is_v4 in [true, false] {
        let own = subnets.iter().flatten();
        let own: Vec<_> = own
            .filter(|range| range.start.is_ipv4() == is_v4)
            .cloned()
            .collect();
        if !own.is_empty() {
            let set = RangeSet::of(own).map_err(|error| wrong("ipam.subnets", error))?;
            sets.push(set);
        }
    }
    Ok(sets)
}

/// What a subnet may give, as neighbouring addresses.
fn subnet(text: &RawValue) -> Result<Vec<Range>, Malformed> {
    let whole = text.get().starts_with('"');
    let object = if whole {
        Object::default()
    } else {
        Object::read(text.get()).map_err(|why| wrong("", why))?
    };
    let cidr: IpNet = if whole {
        parsed(
            "cidr",
            &serde_json::from_str::<String>(text.get()).map_err(|why| wrong("", why))?,
        )?
    } else {
        result::net(&object, "cidr")?
    };
    if cidr.addr() != cidr.network() {
        let network = cidr.trunc();
        return Err(wrong(
            "cidr",
            format!("{cidr} has bits behind its prefix: write {network}"),
        ));
    }
    if let Some(reserved) = reserved(cidr) {
        let why =
            format!("{cidr} reaches into {reserved}, which no host of a LAN has addresses of");
        return Err(wrong("cidr", why));
    }
    let gateway = result::address(&object, "gateway")?;
    if let Some(gateway) = gateway.filter(|ip| !cidr.contains(ip) && !is_link_local(*ip)) {
        return Err(wrong("gateway", format!("{gateway} lies outside {cidr}")));
    }
    let ranges = ranges(&object, "ranges", cidr)?;
    let exclude = self::ranges(&object, "exclude", cidr)?;
    let usable = usable(cidr, gateway, &ranges, &exclude);
    if usable.is_empty() {
        return Err(wrong("cidr", format!("nothing of {cidr} is left to give")));
    }
    let of = |range: &address::Range| Range {
        subnet: cidr,
        start: range.first(),
        end: range.last(),
        gateway,
    };
    Ok(usable.ranges().iter().map(of).collect())
}

/// `from` and `to`, or `cidr`: parts of the subnet.
fn ranges(object: &Object<'_>, key: &str, cidr: IpNet) -> Result<Vec<address::Range>, Malformed> {
    let mut ranges = Vec::new();
    for (place, range) in object.objects(key)?.iter().enumerate() {
        let at = format!("{key}[{place}]");
        let range = one(range).map_err(|error| error.inside(&at))?;
        if !address::Range::from(cidr).contains_range(&range) {
            return Err(wrong(&at, format!("{range} lies outside {cidr}")));
        }
        ranges.push(range);
    }
    Ok(ranges)
}

fn one(range: &Object<'_>) -> Result<address::Range, Malformed> {
    let ends = [
        result::address(range, "from")?,
        result::address(range, "to")?,
    ];
    match (ends, range.raw("cidr")) {
        ([Some(from), Some(to)], None) => {
            address::Range::new(from, to).map_err(|error| wrong("to", error))
        }
        ([None, None], Some(_)) => Ok(result::net(range, "cidr")?.into()),
        _ => Err(wrong("", "expected from and to, or cidr")),
    }
}

fn parsed(key: &str, text: &str) -> Result<IpNet, Malformed> {
    let parsed = text.parse();
    parsed.map_err(|_| wrong(key, format!("invalid CIDR address: {text}")))
}

fn wrong(key: &str, why: impl std::fmt::Display) -> Malformed {
    Malformed {
        key: key.to_owned(),
        why: serde_json::Error::custom(why),
    }
}

#[cfg(test)]
mod tests;
