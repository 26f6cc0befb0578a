//! The IPAM plugins of CNI configurations: host-local, static, dhcp, whereabouts.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{
    address::{Family, Range, predecessor, successor},
    network::{DefaultRoute, IpamType, NetworkKind},
};

use super::{
    super::{
        fields::{self, Fields},
        network::Network,
        place::{At, Fault},
        pool::{Gathered, Pool},
    },
    route,
};

mod subnets;
mod whereabouts;

const ADDRESS: &str = "address: write it like 10.20.0.1 or fd00:20::1";
const SUBNET: &str = "subnet: write it like 10.20.0.0/24 or fd00:20::/64";

/// Puts subnets, routes and the default route into the network.
pub(super) fn ipam(ipam: Option<Fields>, network: &mut Network) -> Result<(), Fault> {
    let Some(mut ipam) = ipam else {
        network.spec.ipam.kind = Some(IpamType::None);
        return Ok(());
    };
    let kind = ipam.text("type")?;
    let (at, kind) = kind.unwrap_or_else(|| (ipam.place().field("type"), String::new()));
    let pool = match kind.as_str() {
        "host-local" => host_local(&mut ipam, network)?,
        // Ours reads and writes the same, and has a key of its own.
        "landfall" => {
            let mut pool = host_local(&mut ipam, network)?;
            subnets::gather(&mut ipam, &mut pool, network)?;
            pool
        }
        "static" => r#static(&mut ipam, network)?,
        "whereabouts" => whereabouts::pool(&mut ipam, network)?,
        "dhcp" => {
            dhcp(&at, ipam, network);
            return Ok(());
        }
        "" => {
            none(ipam, network);
            return Ok(());
        }
        other => {
            network.notes.at(&at, format_args!(
                "{other} has no equivalent, so pods get no address: name the subnets in spec.ipam"
            ));
            none(ipam, network);
            return Ok(());
        }
    };
    finish(ipam, pool, network)
}

/// Only now the gateways are known, which routes without one of their own go through.
fn finish(mut ipam: Fields, mut pool: Pool, network: &mut Network) -> Result<(), Fault> {
    route::routes(ipam.objects("routes")?, &mut pool, network)?;
    if pool.is_empty() {
        network
            .notes
            .say("no subnet is named, so pods get no address: name some in spec.ipam");
        network.spec.ipam.kind = Some(IpamType::None);
        network.spec.default_route = None;
        network.spec.default_route_metric = None;
    }
    network.spec.ipam.subnets = pool.finish();
    ipam.report(&mut network.notes);
    Ok(())
}

fn none(ipam: Fields, network: &mut Network) {
    network.spec.ipam.kind = Some(IpamType::None);
    ipam.report(&mut network.notes);
}

fn dhcp(at: &At, ipam: Fields, network: &mut Network) {
    if network.kind == NetworkKind::Ipvlan {
        network.notes.at(
            at,
            "DHCP needs a hardware address for each pod, which ipvlan does not have, so pods get \
             no address",
        );
        return none(ipam, network);
    }
    network.spec.ipam.kind = Some(IpamType::Dhcp);
    // The reference plugin sets the default route that the server names.
    network.spec.default_route = Some(DefaultRoute::Always);
    ipam.report(&mut network.notes);
}

/// `ranges` has one list for each address of a pod; a subnet may also stand there by itself.
fn host_local(ipam: &mut Fields, network: &mut Network) -> Result<Pool, Fault> {
    // Where it keeps its files is nobody's business any more.
    drop(ipam.take("dataDir"));
    let mut pool = Pool::default();
    let mut sets = Vec::new();
    if ipam.has("subnet") {
        sets.push(host_local_range(ipam, &mut pool, network)?);
    }
    for (at, set) in ipam.list("ranges")? {
        let mut family = None;
        for (at, range) in fields::items(&at, set)? {
            let mut range = Fields::of(&at, range)?;
            family = Some(host_local_range(&mut range, &mut pool, network)?);
            range.report(&mut network.notes);
        }
        sets.extend(family);
    }
    for family in Family::ALL {
        let addresses = sets.iter().filter(|f| **f == family).count();
        if addresses > 1 {
            network.notes.at(&ipam.place().field("ranges"), format_args!(
                "host-local gives each pod {addresses} addresses of one family; here it gets one, of the first \
                 subnet with room, and more if it asks for them"
            ));
        }
    }
    Ok(pool)
}

/// Its gateway is the subnet's first address, unless it is named.
fn host_local_range(
    fields: &mut Fields,
    pool: &mut Pool,
    network: &mut Network,
) -> Result<Family, Fault> {
    let at = fields.place().field("subnet");
    let cidr: IpNet = fields
        .parse("subnet", SUBNET)?
        .ok_or_else(|| at.fault("is missing"))?;
    let subnet = pool.subnet(&at, cidr, &mut network.notes)?;
    let at = fields.place().field("gateway");
    let named = fields.parse("gateway", ADDRESS)?;
    let first = successor(subnet.cidr.network())
        .filter(|_| subnet.cidr.prefix_len() < cidr.max_prefix_len());
    if let Some(gateway) = named.or(first) {
        subnet.set_gateway(&at, gateway, &mut network.notes);
    }
    bounds(fields, ["rangeStart", "rangeEnd"], subnet)?;
    Ok(Family::of(cidr.addr()))
}

/// A range of which either end may be missing.
fn bounds(
    fields: &mut Fields,
    [start, end]: [&str; 2],
    subnet: &mut Gathered,
) -> Result<(), Fault> {
    let at = fields.place().field(start);
    let ends = [fields.parse(start, ADDRESS)?, fields.parse(end, ADDRESS)?];
    if ends == [None, None] {
        subnet.add_whole();
        return Ok(());
    }
    let whole = Range::from(subnet.cidr);
    let last = match whole.family() {
        Family::V4 => predecessor(whole.last()),
        Family::V6 => None,
    };
    let [from, to] = ends;
    let from: IpAddr = from
        .or_else(|| successor(whole.first()))
        .unwrap_or_else(|| whole.first());
    let to = to.or(last).unwrap_or_else(|| whole.last());
    let range = Range::new(from, to)
        .map_err(|error| at.fault(format!("goes from {from} to {to}: {error}")))?;
    subnet.add_range(&at, range)
}

/// The addresses of one pod: nobody else gets them.
fn r#static(ipam: &mut Fields, network: &mut Network) -> Result<Pool, Fault> {
    let mut pool = Pool::default();
    let list = ipam.objects("addresses")?;
    if !list.is_empty() {
        network.notes.at(
            &ipam.place().field("addresses"),
            "static gives them to every pod; here the first pod gets them, and no second one",
        );
    }
    for mut fields in list {
        let at = fields.place().field("address");
        let Some((_, text)) = fields.text("address")? else {
            return Err(at.fault("is missing"));
        };
        let cidr: IpNet = fields::parse(
            &at,
            &text,
            "address with its prefix: write it like 10.20.0.5/24",
        )?;
        let mut quiet = network.notes.clone();
        let subnet = pool.subnet(&at, cidr.trunc(), &mut quiet)?;
        subnet.add_range(&at, Range::single(cidr.addr()))?;
        let at = fields.place().field("gateway");
        if let Some(gateway) = fields.parse("gateway", ADDRESS)? {
            subnet.set_gateway(&at, gateway, &mut network.notes);
        }
        fields.report(&mut network.notes);
    }
    Ok(pool)
}
