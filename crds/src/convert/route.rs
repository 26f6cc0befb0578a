//! Routes, neighbours and sysctls of every attachment.

use std::{collections::BTreeMap, net::IpAddr};

use landfall_core::{
    address::Family,
    link::is_link_local,
    network::{Ipam, IpamType, Neighbor, Route},
};

use super::{At, Fault, text};
use crate::network_spec::{NeighborSpec, RouteSpec, SYSCTLS};

pub(super) fn routes(at: &At, specs: &[RouteSpec], ipam: &Ipam) -> Result<Vec<Route>, Fault> {
    let routes = at.each(specs, |at, spec| route(at, spec, ipam))?;
    for (index, route) in routes.iter().enumerate() {
        let same = |r: &Route| (r.destination, r.metric) == (route.destination, route.metric);
        if routes.iter().take(index).any(same) {
            return Err(at.index(index).fault(format!(
                "is the second route to {} with that metric: remove one, or give it another metric",
                route.destination
            )));
        }
    }
    Ok(routes)
}

fn route(at: &At, spec: &RouteSpec, ipam: &Ipam) -> Result<Route, Fault> {
    let field = at.field("destination");
    let destination = text::subnet(&field, &spec.destination)?;
    if destination.prefix_len() == 0 {
        return Err(
            field.fault("is a default route, which is not set here: use defaultRoute: Always")
        );
    }
    let at = at.field("gateway");
    let gateway = spec.gateway.as_deref();
    let gateway = gateway
        .map(|gateway| text::address(&at, gateway))
        .transpose()?;
    if let Some(gateway) = gateway {
        let family = Family::of(destination.addr());
        if Family::of(gateway) != family {
            let family = text::family(family);
            return Err(at.fault(format!("{gateway} is not {family}, as the destination is")));
        }
        if !is_on_link(gateway, ipam) {
            return Err(at.fault(format!(
                "{gateway} lies in no subnet of this network, so no pod could reach it: use a router of a subnet"
            )));
        }
    }
    Ok(Route {
        destination,
        gateway,
        metric: spec.metric,
    })
}

/// What DHCP will bring, or another program, is not known here.
fn is_on_link(gateway: IpAddr, ipam: &Ipam) -> bool {
    ipam.kind != IpamType::Cluster
        || is_link_local(gateway)
        || ipam.subnets.iter().any(|s| s.cidr.contains(&gateway))
}

pub(super) fn neighbors(at: &At, specs: &[NeighborSpec]) -> Result<Vec<Neighbor>, Fault> {
    let neighbors = at.each(specs, |at, spec| {
        Ok(Neighbor {
            address: text::address(&at.field("address"), &spec.address)?,
            mac: text::mac(&at.field("mac"), &spec.mac)?,
        })
    })?;
    for (index, neighbor) in neighbors.iter().enumerate() {
        let same = |n: &Neighbor| n.address == neighbor.address;
        if neighbors.iter().take(index).any(same) {
            let at = at.index(index).field("address");
            return Err(at.fault(format!(
                "{} stands there twice: remove one",
                neighbor.address
            )));
        }
    }
    Ok(neighbors)
}

/// By their names below `net`, as core has them.
pub(super) fn sysctls(
    at: &At,
    specs: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut sysctls = BTreeMap::new();
    for (name, value) in specs {
        let at = at.key(name);
        let below_net = name.strip_prefix("net.");
        let Some(below_net) = below_net.filter(|_| SYSCTLS.contains(&name.as_str())) else {
            return Err(at.fault(
                "is not allowed: only names of one interface, with IFNAME in its place, that the documentation lists",
            ));
        };
        if value.is_empty() || value.len() > 10 || !value.bytes().all(|b| b.is_ascii_digit()) {
            return Err(at.fault(format!("is {value:?}: it must be a number")));
        }
        sysctls.insert(below_net.to_owned(), value.clone());
    }
    Ok(sysctls)
}
