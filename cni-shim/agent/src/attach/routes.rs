//! The routes of an attachment.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{
    link::Ipv6,
    network::{Driver, Route},
};
use landfall_crds::node::{Grant, ServedNetwork};

use super::{default_route, has_family};

/// The kernel's metric for an IPv6 route that names none (IP6_RT_PRIO_USER).
const IPV6_METRIC: u32 = 1024;

/// The network's routes and, if its policy says so, the default routes.
pub(super) fn all(
    network: &ServedNetwork,
    grants: &[&Grant],
    driver: &Driver,
    addresses: &[IpNet],
    ipv6: Ipv6,
) -> Vec<Route> {
    let usable = network
        .routes
        .iter()
        .filter(|route| has_family(route.destination.addr(), addresses, ipv6));
    let mut routes: Vec<Route> = usable
        .map(|route| Route {
            destination: route.destination,
            gateway: route.gateway,
            metric: route.metric,
        })
        .collect();
    if !network.isolated {
        routes.extend(defaults(network, grants, driver, addresses));
    }
    routes
}

fn defaults(
    network: &ServedNetwork,
    grants: &[&Grant],
    driver: &Driver,
    addresses: &[IpNet],
) -> Vec<Route> {
    let requested = grants.iter().find_map(|grant| grant.default_route.as_ref());
    let wanted = match network.default_route.as_str() {
        "Always" => true,
        "OnRequest" => requested.is_some(),
        _ => false,
    };
    if !wanted {
        return Vec::new();
    }
    let metric = network.default_route_metric;
    if driver.is_routed() {
        return one_of_each_family(addresses)
            .map(|address| default_route(address, None, metric))
            .collect();
    }
    match requested {
        Some(gateways) if !gateways.is_empty() => prioritized(gateways, metric),
        _ => one_of_each_family(addresses)
            .filter_map(|address| {
                let gateway = gateway(network, address)?;
                Some(default_route(address, Some(gateway), metric))
            })
            .collect(),
    }
}

/// The first has the network's metric, each further one of its family one more.
fn prioritized(gateways: &[IpAddr], metric: Option<u32>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for gateway in gateways {
        let earlier = routes
            .iter()
            .filter(|route| route.destination.addr().is_ipv6() == gateway.is_ipv6())
            .count();
        let kernels = if gateway.is_ipv6() { IPV6_METRIC } else { 0 };
        let first = metric.unwrap_or(kernels);
        let metric = match u32::try_from(earlier) {
            Ok(0) => metric,
            Ok(earlier) => Some(first.saturating_add(earlier)),
            Err(_) => continue,
        };
        routes.push(default_route(*gateway, Some(*gateway), metric));
    }
    routes
}

fn one_of_each_family(addresses: &[IpNet]) -> impl Iterator<Item = IpAddr> {
    let first = |v6: bool| {
        let mut own = addresses.iter().map(IpNet::addr);
        own.find(|address| address.is_ipv6() == v6)
    };
    [first(false), first(true)].into_iter().flatten()
}

/// The router of the subnet that the address is in.
fn gateway(network: &ServedNetwork, address: IpAddr) -> Option<IpAddr> {
    let subnet = network.subnets.iter().find(|s| s.cidr.contains(&address))?;
    subnet.gateway
}
