//! Texts of a user that stand for something: addresses, subnets, times.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use landfall_core::{
    address::{Family, Range},
    mac::Mac,
};

use super::{At, Fault};
use crate::network_spec::RangeSpec;

pub(super) fn address(at: &At, text: &str) -> Result<IpAddr, Fault> {
    let address: IpAddr = text.parse().map_err(|_| {
        at.fault(format!(
            "{text:?} is no IP address: write it like 10.20.0.1 or fd00:20::1"
        ))
    })?;
    plain(at, address)
}

pub(super) fn subnet(at: &At, text: &str) -> Result<IpNet, Fault> {
    let subnet: IpNet = text.parse().map_err(|_| {
        at.fault(format!(
            "{text:?} is no subnet: write it like 10.20.0.0/24 or fd00:20::/64"
        ))
    })?;
    plain(at, subnet.addr())?;
    if subnet != subnet.trunc() {
        return Err(at.fault(format!(
            "{text:?} has bits set behind its prefix: write {}",
            subnet.trunc()
        )));
    }
    Ok(subnet)
}

/// An IPv4 address inside IPv6 is never on a wire.
fn plain(at: &At, address: IpAddr) -> Result<IpAddr, Fault> {
    if address.to_canonical() == address {
        return Ok(address);
    }
    let plain = address.to_canonical();
    Err(at.fault(format!(
        "{address} is an IPv4 address written as IPv6: write {plain}"
    )))
}

pub(super) fn range(at: &At, spec: &RangeSpec) -> Result<Range, Fault> {
    match (&spec.from, &spec.to, &spec.cidr) {
        (None, None, Some(cidr)) => Ok(subnet(&at.field("cidr"), cidr)?.into()),
        (Some(from), Some(to), None) => {
            let from = address(&at.field("from"), from)?;
            let to = address(&at.field("to"), to)?;
            Range::new(from, to).map_err(|error| {
                at.fault(format!(
                    "goes from {from} to {to}: {error}; swap or mend them"
                ))
            })
        }
        _ => Err(at.fault("is either from and to, or cidr: set one of the two forms")),
    }
}

pub(super) fn mac(at: &At, text: &str) -> Result<Mac, Fault> {
    let mac = text.parse::<Mac>().and_then(Mac::unicast);
    mac.map_err(|error| {
        at.fault(format!(
            "{text:?} is no hardware address of an interface: {error}"
        ))
    })
}

/// A time as Kubernetes writes it, `1m30s`, between two limits.
pub(super) fn millis(
    at: &At,
    text: Option<&str>,
    default: Duration,
    limits: [Duration; 2],
) -> Result<u64, Fault> {
    let Some(text) = text else {
        return Ok(whole_millis(default));
    };
    let parsed = text.parse::<kube::core::Duration>();
    let duration = parsed.ok().filter(|duration| !duration.is_negative());
    let duration: Duration = duration.map(Into::into).ok_or_else(|| {
        at.fault(format!(
            "{text:?} is no time: write it like 500ms, 30s or 1h30m"
        ))
    })?;
    let [least, most] = limits;
    if duration < least || most < duration {
        return Err(at.fault(format!(
            "is {text:?}: it must be between {least:?} and {most:?}"
        )));
    }
    Ok(whole_millis(duration))
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `IPv4` or `IPv6`.
pub(super) const fn family(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
