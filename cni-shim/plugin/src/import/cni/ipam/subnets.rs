//! `subnets` of the plugin's own IPAM, which are written as a network's.

use ipnet::IpNet;
use landfall_core::address::Range;
use serde_json::Value;

use super::{
    super::super::{
        fields::{self, Fields},
        network::Network,
        place::{At, Fault},
        pool::Pool,
    },
    ADDRESS, SUBNET,
};

/// Puts them into the pool. A gateway is only there if it is named.
pub(super) fn gather(
    ipam: &mut Fields,
    pool: &mut Pool,
    network: &mut Network,
) -> Result<(), Fault> {
    for (at, value) in ipam.list("subnets")? {
        if let Value::String(text) = &value {
            let cidr: IpNet = fields::parse(&at, text, SUBNET)?;
            pool.subnet(&at, cidr, &mut network.notes)?.add_whole();
            continue;
        }
        let mut fields = Fields::of(&at, value)?;
        let at = fields.place().field("cidr");
        let cidr = fields.parse("cidr", SUBNET)?;
        let cidr: IpNet = cidr.ok_or_else(|| at.fault("is missing"))?;
        let subnet = pool.subnet(&at, cidr, &mut network.notes)?;
        let at = fields.place().field("gateway");
        if let Some(gateway) = fields.parse("gateway", ADDRESS)? {
            subnet.set_gateway(&at, gateway, &mut network.notes);
        }
        let ranges = fields.objects("ranges")?;
        if ranges.is_empty() {
            subnet.add_whole();
        }
        for range in ranges {
            let at = range.place().clone();
            subnet.add_range(&at, one(range, network)?)?;
        }
        for range in fields.objects("exclude")? {
            let at = range.place().clone();
            let range = one(range, network)?;
            subnet.exclude(&at, range, &mut network.notes);
        }
        fields.report(&mut network.notes);
    }
    Ok(())
}

/// `from` and `to`, or `cidr`.
fn one(mut fields: Fields, network: &mut Network) -> Result<Range, Fault> {
    let at: At = fields.place().clone();
    let cidr: Option<IpNet> = fields.parse("cidr", SUBNET)?;
    let ends = (fields.parse("from", ADDRESS)?, fields.parse("to", ADDRESS)?);
    fields.report(&mut network.notes);
    match (cidr, ends) {
        (Some(cidr), (None, None)) => Ok(cidr.into()),
        (None, (Some(from), Some(to))) => Range::new(from, to)
            .map_err(|error| at.fault(format!("goes from {from} to {to}: {error}"))),
        _ => Err(at.fault("is no range, expected from and to, or cidr")),
    }
}
