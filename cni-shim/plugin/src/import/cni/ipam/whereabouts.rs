//! The IPAM plugin whereabouts.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::address::{Family, Range};

use super::{
    super::super::{
        fields::{self, Fields},
        network::Network,
        place::Fault,
        pool::{Gathered, Pool},
    },
    ADDRESS, SUBNET, bounds,
};

/// Its ranges, each of which gives a pod one address. What only its own ledger needs is dropped.
pub(super) fn pool(ipam: &mut Fields, network: &mut Network) -> Result<Pool, Fault> {
    for own in [
        "log_file",
        "log_level",
        "kubernetes",
        "datastore",
        "configuration_path",
        "network_name",
    ] {
        drop(ipam.take(own));
    }
    let mut pool = Pool::default();
    let at = ipam.place().field("gateway");
    let gateway: Option<IpAddr> = ipam.parse("gateway", ADDRESS)?;
    if ipam.has("range") {
        range(ipam, &mut pool, network)?;
    }
    for mut fields in ipam.objects("ipRanges")? {
        range(&mut fields, &mut pool, network)?;
        fields.report(&mut network.notes);
    }
    if let Some(gateway) = gateway {
        let holds = |g: &&mut Gathered| Family::of(g.cidr.addr()) == Family::of(gateway);
        if let Some(subnet) = pool.iter_mut().find(holds) {
            subnet.set_gateway(&at, gateway, &mut network.notes);
        }
    }
    Ok(pool)
}

/// `range` is a CIDR, or `first-last/length`.
fn range(fields: &mut Fields, pool: &mut Pool, network: &mut Network) -> Result<(), Fault> {
    let at = fields.place().field("range");
    let Some((_, text)) = fields.text("range")? else {
        return Err(at.fault("is missing"));
    };
    let (first, rest) = text
        .split_once('-')
        .map_or((None, text.as_str()), |(a, b)| (Some(a), b));
    let net: IpNet = fields::parse(&at, rest, SUBNET)?;
    let mut quiet = network.notes.clone();
    let subnet = pool.subnet(&at, net.trunc(), &mut quiet)?;
    if let Some(first) = first {
        let from = fields::parse(&at, first, ADDRESS)?;
        let range = Range::new(from, net.addr())
            .map_err(|error| at.fault(format!("is {text:?}: {error}")))?;
        subnet.add_range(&at, range)?;
    } else {
        bounds(fields, ["range_start", "range_end"], subnet)?;
    }
    for item in fields.list("exclude")? {
        let (at, text) = fields::text(item)?;
        let range = fields::parse(&at, &text, "address, range or subnet")?;
        subnet.exclude(&at, range, &mut network.notes);
    }
    Ok(())
}
