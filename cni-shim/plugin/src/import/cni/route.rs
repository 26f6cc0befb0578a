//! Routes of a CNI configuration.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{address::Family, link::is_link_local, network::DefaultRoute};

use super::super::{
    fields::Fields,
    network::{Network, Route},
    place::{At, Fault, Notes},
    pool::Pool,
};

/// A route with the gateway that CNI would give it: its own, else the family's first.
struct Found {
    at: At,
    destination: IpNet,
    gateway: Option<IpAddr>,
    metric: Option<u32>,
}

/// Puts the routes into the network; of default routes it learns the gateway.
pub(super) fn routes(
    list: Vec<Fields>,
    pool: &mut Pool,
    network: &mut Network,
) -> Result<(), Fault> {
    let mut defaults = Vec::new();
    for fields in list {
        let Some(found) = found(fields, pool, &mut network.notes)? else {
            continue;
        };
        if found.destination.prefix_len() == 0 {
            defaults.push(found);
        } else {
            add(&found, pool, network);
        }
    }
    take_over(&defaults, pool, network);
    Ok(())
}

fn found(mut fields: Fields, pool: &Pool, notes: &mut Notes) -> Result<Option<Found>, Fault> {
    const MAIN: u64 = 254;
    let at = fields.place().clone();
    let destination = fields.parse("dst", "subnet: write it like 10.30.0.0/16 or ::/0")?;
    let destination: IpNet = destination.ok_or_else(|| at.field("dst").fault("is missing"))?;
    let gateway: Option<IpAddr> = fields.parse("gw", "address: write it like 10.20.0.1")?;
    let metric = fields.number("priority")?.map(|(_, metric)| metric);
    let family = Family::of(destination.addr());
    if gateway.is_some_and(|gateway| Family::of(gateway) != family) {
        return Err(at
            .field("gw")
            .fault("and dst must be both IPv4 or both IPv6"));
    }
    let table = fields
        .take("table")
        .filter(|(_, table)| table.as_u64() != Some(MAIN));
    if let Some((at, table)) = table {
        notes.at(
            &at,
            format_args!(
                "the route to {destination} is left out, since table {table} has no equivalent"
            ),
        );
        return Ok(None);
    }
    let scope = fields.take("scope").and_then(|(_, scope)| scope.as_u64());
    let on_link = gateway.is_none() && scope == Some(253);
    fields.report(notes);
    Ok(Some(Found {
        at,
        destination: destination.trunc(),
        gateway: gateway.or_else(|| pool.gateway(family).filter(|_| !on_link)),
        metric,
    }))
}

fn add(found: &Found, pool: &Pool, network: &mut Network) {
    let (at, destination) = (&found.at, found.destination);
    if let Some(gateway) = found.gateway.filter(|gateway| !is_near(*gateway, pool)) {
        network.notes.at(
            at,
            format_args!(
                "the route to {destination} is left out, since no subnet has its gateway {gateway}"
            ),
        );
        return;
    }
    let same = |r: &Route| (r.destination, r.metric) == (destination, found.metric);
    if network.spec.routes.iter().any(same) {
        network.notes.at(
            at,
            format_args!("the second route to {destination} is left out"),
        );
        return;
    }
    network.spec.routes.push(Route {
        destination,
        gateway: found.gateway,
        metric: found.metric,
    });
}

/// Whether pods can reach it on the link.
fn is_near(gateway: IpAddr, pool: &Pool) -> bool {
    is_link_local(gateway) || pool.iter().any(|gathered| gathered.cidr.contains(&gateway))
}

/// A network has one policy for both families: a family that had no default route loses its gateway.
fn take_over(defaults: &[Found], pool: &mut Pool, network: &mut Network) {
    let mut served = Vec::new();
    for found in defaults {
        let family = Family::of(found.destination.addr());
        let named = found.gateway.filter(|gateway| is_near(*gateway, pool));
        if served.contains(&family) {
            network
                .notes
                .at(&found.at, "a second default route has no equivalent");
        } else if let Some(gateway) = named {
            served.push(family);
            let near = |cidr: &IpNet| {
                cidr.contains(&gateway) || is_link_local(gateway) && cidr.addr().is_ipv6()
            };
            if let Some(subnet) = pool.iter_mut().find(|g| near(&g.cidr)) {
                subnet.replace_gateway(gateway);
            }
            network.spec.default_route = Some(DefaultRoute::Always);
            network.spec.default_route_metric = network.spec.default_route_metric.or(found.metric);
        } else if network.is_routed() {
            // The link is the way: no gateway is needed, and one that there is says nothing.
            served.push(family);
            network.spec.default_route = Some(DefaultRoute::Always);
            network.spec.default_route_metric = network.spec.default_route_metric.or(found.metric);
        } else {
            network.notes.at(
                &found.at,
                "a default route needs the gateway of a subnet, so it is left out",
            );
        }
    }
    if served.is_empty() || network.is_routed() {
        return;
    }
    for gathered in pool.iter_mut() {
        let family = Family::of(gathered.cidr.addr());
        if let Some(gateway) = gathered.gateway.filter(|_| !served.contains(&family)) {
            gathered.close();
            network.notes.say(format!(
                "{gateway} is only kept free, since there is a default route of the other family only"
            ));
        }
    }
}
