//! The link that an attachment wants: from the network, the grants and the parent.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{
    agent::Key,
    id::Uid,
    link::{ALIAS, Device, Ipv6, Link, index, settings},
    mac::Mac,
    network::{Driver, Macvlan, MacvlanMode, Neighbor, Route},
};
use landfall_crds::node::{Grant, ServedNetwork};
use landfall_link::Parent as HostLink;

mod error;
mod routes;
mod sysctls;

pub use error::PlanError;

/// The link of one interface. `grants` are those of that interface: one an address, or one without.
pub fn plan(
    key: &Key,
    network: &ServedNetwork,
    grants: &[&Grant],
    parent: &HostLink,
) -> Result<Link, PlanError> {
    let driver = driver(network)?;
    if let Some(mtu) = network.mtu.filter(|mtu| *mtu > parent.mtu) {
        return Err(PlanError::Mtu {
            network: network.name.clone(),
            mtu,
            parent: parent.name.clone(),
            limit: parent.mtu,
        });
    }
    let addresses = addresses(network, grants)?;
    let device = Device {
        name: key.interface.clone(),
        index: index(key.container.as_str(), key.interface.as_str()),
        parent: parent.index,
        mac: mac(&driver, grants),
        driver,
        mtu: network.mtu,
        tx_queue_length: network.link.as_ref().and_then(|link| link.tx_queue_length),
        all_multicast: network.link.as_ref().is_some_and(|link| link.all_multicast),
        alias: Some(alias(network.uid)),
    };
    let ipv6 = ipv6(network, &addresses);
    let interface = key.interface.as_str();
    let users = sysctls::all(network, interface, ipv6);
    Ok(Link {
        settings: settings(interface, ipv6, users),
        dad: ipv6.has_dad(),
        routes: routes::all(network, grants, &device.driver, &addresses, ipv6),
        neighbors: neighbors(network, &addresses, ipv6),
        device,
        addresses,
    })
}

/// What marks the links of a network.
pub(crate) fn alias(network: Uid) -> String {
    format!("{ALIAS}{network}")
}

/// The driver of a network's links.
pub(crate) fn driver(network: &ServedNetwork) -> Result<Driver, PlanError> {
    let unknown = |field, word: &str| PlanError::Unknown {
        network: network.name.clone(),
        field,
        word: word.to_owned(),
    };
    match network.kind.as_str() {
        "Macvlan" => {
            let mode = network.mode.parse();
            Ok(Driver::Macvlan(macvlan(
                network,
                mode.map_err(|_| unknown("mode", &network.mode))?,
            )))
        }
        "Ipvlan" => {
            let flag = network.flag.as_deref().unwrap_or("bridge");
            Ok(Driver::Ipvlan {
                mode: network
                    .mode
                    .parse()
                    .map_err(|_| unknown("mode", &network.mode))?,
                flag: flag.parse().map_err(|_| unknown("flag", flag))?,
            })
        }
        other => Err(unknown("kind", other)),
    }
}

fn macvlan(network: &ServedNetwork, mode: MacvlanMode) -> Macvlan {
    let options = network.macvlan.clone().unwrap_or_default();
    Macvlan {
        mode,
        broadcast_queue_length: options.broadcast_queue_length,
        broadcast_cutoff: options.broadcast_cutoff,
        no_promiscuous: options.no_promiscuous,
        allowed_sources: options.allowed_sources,
        ..Macvlan::default()
    }
}

fn mac(driver: &Driver, grants: &[&Grant]) -> Option<Mac> {
    let mut granted = grants.iter().filter(|_| driver.has_own_mac());
    granted.find_map(|grant| grant.mac)
}

fn addresses(network: &ServedNetwork, grants: &[&Grant]) -> Result<Vec<IpNet>, PlanError> {
    let mut addresses = Vec::new();
    for grant in grants {
        let Some(address) = grant.address else {
            continue;
        };
        // The grant's own length counts: its subnet may be gone from the network.
        let subnet = network.subnets.iter().find(|s| s.cidr.contains(&address));
        let length = grant
            .prefix_length
            .or_else(|| subnet.map(|subnet| subnet.cidr.prefix_len()));
        let net = length.and_then(|length| IpNet::new(address, length).ok());
        addresses.push(net.ok_or_else(|| PlanError::NoPrefix {
            network: network.name.clone(),
            address,
        })?);
    }
    Ok(addresses)
}

/// Without an IPv6 address, and without a router to give one, IPv6 stays off: the kernel would make
/// itself a link-local address that nobody granted. A network without IPAM leaves addresses to the
/// pod, so IPv6 is on there.
fn ipv6(network: &ServedNetwork, addresses: &[IpNet]) -> Ipv6 {
    let options = network.ipv6.clone().unwrap_or_default();
    let wanted = addresses.iter().any(|net| net.addr().is_ipv6())
        || options.accept_router_advertisements
        || network.ipam == "None";
    if wanted {
        Ipv6::On {
            router_advertisements: options.accept_router_advertisements,
            dad: options.dad,
        }
    } else {
        Ipv6::Off
    }
}

/// An entry of a family that the link does not have would fail the whole attach: a network's routes
/// are for both families, a pod may have one.
fn has_family(of: IpAddr, addresses: &[IpNet], ipv6: Ipv6) -> bool {
    if of.is_ipv6() {
        ipv6 != Ipv6::Off
    } else {
        addresses.is_empty() || addresses.iter().any(|net| net.addr().is_ipv4())
    }
}

fn neighbors(network: &ServedNetwork, addresses: &[IpNet], ipv6: Ipv6) -> Vec<Neighbor> {
    let usable = network
        .neighbors
        .iter()
        .filter(|neighbor| has_family(neighbor.address, addresses, ipv6));
    usable
        .map(|neighbor| Neighbor {
            address: neighbor.address,
            mac: neighbor.mac,
        })
        .collect()
}

/// A default route of a family.
fn default_route(family: IpAddr, gateway: Option<IpAddr>, metric: Option<u32>) -> Route {
    let destination = if family.is_ipv6() {
        IpNet::V6(ipnet::Ipv6Net::default())
    } else {
        IpNet::V4(ipnet::Ipv4Net::default())
    };
    Route {
        destination,
        gateway,
        metric,
    }
}

#[cfg(test)]
mod tests;
