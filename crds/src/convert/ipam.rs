//! Subnets, and what may be handed out.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use landfall_core::{
    address::{Family, Range},
    link::is_link_local,
    network::{FOREIGN_MS, Ipam, IpamType, Subnet, reserved, usable},
};

use super::{At, Fault, selector, text};
use crate::network_spec::{IpamSpec, RangeSpec, ReuseDelaySpec, SubnetSpec};

/// How long a released address rests, if the user does not say.
const PREFERRED: Duration = Duration::from_secs(30);
/// How long it rests in any case, if the user does not say.
const MINIMUM: Duration = Duration::from_secs(1);
/// A week: a pool that rests longer is not used again.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn ipam(at: &At, spec: Option<&IpamSpec>) -> Result<Ipam, Fault> {
    let spec = spec.cloned().unwrap_or_default();
    let kind = spec.kind.unwrap_or_default();
    check_kind(at, kind, &spec)?;
    let list = at.field("subnets");
    let subnets = list.each(&spec.subnets, subnet)?;
    check_disjoint(&list, &subnets)?;
    let (reuse_preferred_ms, reuse_minimum_ms) = reuse_delay(
        &at.field("reuseDelay"),
        &spec.reuse_delay.unwrap_or_default(),
    )?;
    Ok(Ipam {
        kind,
        subnets,
        reuse_preferred_ms,
        reuse_minimum_ms,
        conflict_probe: spec.conflict_probe.unwrap_or(false),
        foreign_ms: FOREIGN_MS,
    })
}

fn check_kind(at: &At, kind: IpamType, spec: &IpamSpec) -> Result<(), Fault> {
    let set = [
        ("subnets", !spec.subnets.is_empty()),
        ("reuseDelay", spec.reuse_delay.is_some()),
        ("conflictProbe", spec.conflict_probe == Some(true)),
    ];
    match (kind, set.iter().find(|(_, set)| *set)) {
        (IpamType::Cluster, _) if spec.subnets.is_empty() => Err(at.field("subnets").fault(
            "is empty: name at least one subnet to take addresses from, or set ipam.type to DHCP or None",
        )),
        (IpamType::Cluster, _) | (IpamType::Dhcp | IpamType::None, None) => Ok(()),
        (IpamType::Dhcp | IpamType::None, Some((field, _))) => Err(at.field(field).fault(format!(
            "goes with type Cluster, but ipam.type is {kind}: remove it, or set the type to Cluster"
        ))),
    }
}

fn subnet(at: &At, spec: &SubnetSpec) -> Result<Subnet, Fault> {
    let field = at.field("cidr");
    let cidr = text::subnet(&field, &spec.cidr)?;
    check_reserved(&field, cidr)?;
    let field = at.field("gateway");
    let gateway = spec.gateway.as_deref();
    let gateway = gateway
        .map(|text| self::gateway(&field, text, cidr))
        .transpose()?;
    let ranges = ranges(&at.field("ranges"), &spec.ranges, cidr)?;
    let exclude = self::ranges(&at.field("exclude"), &spec.exclude, cidr)?;
    Ok(Subnet {
        cidr,
        gateway,
        nodes: selector::optional(&at.field("nodeSelector"), spec.node_selector.as_ref())?,
        usable: usable(cidr, gateway, &ranges, &exclude),
    })
}

fn check_reserved(at: &At, cidr: IpNet) -> Result<(), Fault> {
    match reserved(cidr) {
        None => Ok(()),
        Some(reserved) => Err(at.fault(format!(
            "{cidr} reaches into {reserved}, whose addresses no host of a LAN may have: choose another subnet"
        ))),
    }
}

fn gateway(at: &At, text: &str, cidr: IpNet) -> Result<IpAddr, Fault> {
    let gateway = text::address(at, text)?;
    let link_local = is_link_local(gateway) && matches!(cidr, IpNet::V6(_));
    if !cidr.contains(&gateway) && !link_local {
        return Err(at.fault(format!(
            "{gateway} lies outside {cidr}: use an address of the subnet, or a link-local one for IPv6"
        )));
    }
    let ends = cidr.prefix_len() < 31 && matches!(cidr, IpNet::V4(_));
    if ends && (gateway == cidr.network() || gateway == cidr.broadcast()) {
        return Err(at.fault(format!(
            "{gateway} is the network or broadcast address of {cidr}, which no router has: use another"
        )));
    }
    Ok(gateway)
}

fn ranges(at: &At, specs: &[RangeSpec], cidr: IpNet) -> Result<Vec<Range>, Fault> {
    let whole = Range::from(cidr);
    at.each(specs, |at, spec| {
        let range = text::range(at, spec)?;
        if whole.contains_range(&range) {
            return Ok(range);
        }
        Err(at.fault(format!(
            "{range} reaches outside {cidr}: use addresses of the subnet only"
        )))
    })
}

/// An address comes from one subnet only. Two entries of one CIDR serve different nodes.
fn check_disjoint(at: &At, subnets: &[Subnet]) -> Result<(), Fault> {
    for (index, subnet) in subnets.iter().enumerate() {
        for other in subnets.iter().take(index) {
            let overlap = Range::from(subnet.cidr).overlaps(&other.cidr.into());
            if overlap && subnet.cidr != other.cidr {
                return Err(at.index(index).field("cidr").fault(format!(
                    "{} overlaps {}: write one CIDR with disjoint ranges, or CIDRs that don't overlap",
                    subnet.cidr, other.cidr
                )));
            }
            if let Some(common) = subnet.usable.common(&other.usable) {
                return Err(at.index(index).fault(format!(
                    "hands out {common}, which an earlier entry of {} does too: make the ranges disjoint",
                    other.cidr
                )));
            }
        }
    }
    Ok(())
}

/// Preferred and minimum in milliseconds. A minimum that is not given gives way to a short preferred.
fn reuse_delay(at: &At, spec: &ReuseDelaySpec) -> Result<(u64, u64), Fault> {
    let limits = [Duration::ZERO, LONGEST];
    let preferred = text::millis(
        &at.field("preferred"),
        spec.preferred.as_deref(),
        PREFERRED,
        limits,
    )?;
    let minimum = text::millis(
        &at.field("minimum"),
        spec.minimum.as_deref(),
        MINIMUM,
        limits,
    )?;
    match spec.minimum {
        None => Ok((preferred, minimum.min(preferred))),
        Some(_) if minimum <= preferred => Ok((preferred, minimum)),
        Some(_) => Err(at.field("minimum").fault(format!(
            "is {minimum} ms, longer than preferred, which is {preferred} ms: shorten it, or lengthen preferred"
        ))),
    }
}

/// The families that have a subnet.
pub(super) fn has(ipam: &Ipam, family: Family) -> bool {
    ipam.subnets.iter().any(|s| s.family() == family)
}
