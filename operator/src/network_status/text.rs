//! The annotation's text, as Multus writes it.

use std::net::IpAddr;

use landfall_core::{
    id::{Name, Uid},
    mac::Mac,
    network::{DefaultRoute, Network},
};
use landfall_crds::node::{AddressSeq, AttachedLink, Grant, LandfallNode};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::world::World;

/// One interface. Field order and omissions are those of Multus.
#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the annotation's own words")]
struct Interface {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ips: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Mac>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "is_false")]
    default: bool,
    dns: Dns,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gateway: Vec<IpAddr>,
}

/// Always there, always empty: we set no DNS.
#[derive(Debug, Default, Serialize)]
struct Dns {}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The status of an owner's pod; `None` as long as it is not complete.
pub(crate) fn text(world: &World, owner: Uid) -> Option<String> {
    let facts = world.pod_of(owner)?;
    let pod = world.view.pods.get(&owner)?;
    let node = world.node_object(&pod.node)?;
    if facts.addresses.is_empty() {
        return None;
    }
    let status = node.status.as_ref();
    let primary = status.and_then(|status| status.primary_network.clone());
    let mut interfaces = vec![Interface {
        name: primary.unwrap_or_default(),
        interface: Some("eth0".to_owned()),
        ips: facts.addresses.clone(),
        default: true,
        ..Interface::default()
    }];
    for want in &pod.wants {
        let grants = attached(node, owner, want.interface.as_str())?;
        let network = world.view.networks.get(&want.network).map(|n| &n.network);
        let mtu = network.and_then(|network| network.mtu);
        let mtu = mtu.or_else(|| parents_mtu(node, want.network));
        interfaces.push(Interface {
            mtu,
            ..attachment(&want.interface, &grants, network)
        });
    }
    (interfaces.len() > 1).then(|| spell(&interfaces)).flatten()
}

/// The grants of one interface, if all of them are attached.
pub(crate) fn attached<'n>(
    node: &'n LandfallNode,
    owner: Uid,
    interface: &str,
) -> Option<Vec<&'n Grant>> {
    let status = node.status.as_ref()?;
    let grants = node.spec.grants.iter();
    let grants: Vec<&Grant> = grants
        .filter(|grant| grant.owner == owner && grant.interface == interface)
        .collect();
    let is_attached = |grant: &&Grant| match grant.address.zip(grant.seq) {
        Some((address, seq)) => status.attached.contains(&AddressSeq { address, seq }),
        None => status.attached_links.contains(&AttachedLink {
            owner,
            network: grant.network,
            interface: interface.to_owned(),
        }),
    };
    (!grants.is_empty() && grants.iter().all(is_attached)).then_some(grants)
}

/// What attachments have of a network that has no MTU of its own.
fn parents_mtu(node: &LandfallNode, network: Uid) -> Option<u32> {
    let parents = node.status.iter().flat_map(|status| &status.parents);
    let mut parents = parents.filter(|parent| parent.network == network);
    parents.find_map(|parent| parent.mtu)
}

fn attachment(interface: &Name, grants: &[&Grant], network: Option<&Network>) -> Interface {
    let ips: Vec<IpAddr> = grants.iter().filter_map(|grant| grant.address).collect();
    let name = grants.first().map(|grant| grant.network_name.clone());
    let asked = grants.iter().find_map(|grant| grant.default_route.clone());
    let gateway = match network {
        None => Vec::new(),
        Some(network) => match (network.default_route, asked) {
            (DefaultRoute::Never, _) | (DefaultRoute::OnRequest, None) => Vec::new(),
            (_, Some(gateways)) if !gateways.is_empty() => gateways,
            _ => gateways(network, &ips),
        },
    };
    Interface {
        name: name.unwrap_or_default(),
        interface: Some(interface.to_string()),
        mac: grants.iter().find_map(|grant| grant.mac),
        ips,
        gateway,
        ..Interface::default()
    }
}

/// The gateways of the subnets that the addresses are of.
fn gateways(network: &Network, ips: &[IpAddr]) -> Vec<IpAddr> {
    let of = |ip: &IpAddr| {
        let mut subnets = network.ipam.subnets.iter();
        subnets.find(|subnet| subnet.cidr.contains(ip))?.gateway
    };
    ips.iter().filter_map(of).collect()
}

/// Each element indented by four blanks, joined by a comma.
fn spell(interfaces: &[Interface]) -> Option<String> {
    let mut elements = Vec::new();
    for interface in interfaces {
        let mut text = Vec::new();
        let mut to = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
        interface.serialize(&mut to).ok()?;
        elements.push(String::from_utf8(text).ok()?);
    }
    Some(format!("[{}]", elements.join(",")))
}

#[cfg(test)]
mod tests;
