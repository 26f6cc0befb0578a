//! What `docker network inspect` prints.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{
    address::Range,
    network::{IpamType, NetworkKind},
};
use serde_json::Value;

use super::{
    Outcome,
    fields::{self, Fields, brief},
    name,
    network::{Network, Parent, Vlan},
    place::{At, Fault, Notes},
    pool::Pool,
};
use crate::standalone;

/// The network that Docker describes.
pub(super) fn network(mut fields: Fields) -> Result<Outcome, Fault> {
    let at = fields.place().clone();
    let name = fields.text("Name")?;
    let (_, name) = name.ok_or_else(|| at.field("Name").fault("is missing"))?;
    let driver = fields.text("Driver")?.map(|(_, driver)| driver);
    let driver = driver.unwrap_or_default();
    let Some(kind) = standalone::driver(&driver) else {
        return Ok(Outcome::Other(format!(
            "{at}: the network {name} has the driver {driver}, expected macvlan or ipvlan"
        )));
    };
    let mut network = Network::new(&name, kind);
    network
        .notes
        .say("pods of every namespace may attach: spec.namespaces");
    let mut options = fields
        .object("Options")?
        .unwrap_or_else(|| Fields::empty(&at.field("Options")));
    mode_and_flag(&mut options, &mut network)?;
    let parent = parent(&mut options)?;
    let internal = fields.flag("Internal")?;
    if parent.is_none() || internal {
        network.spec.isolated = Some(true);
    }
    network.spec.parents.extend(parent);
    ipam(fields.object("IPAM")?, &mut network)?;
    remarks(&mut options, &mut fields, &mut network.notes)?;
    options.report(&mut network.notes);
    fields.report(&mut network.notes);
    Ok(Outcome::Network(Box::new(network)))
}

fn mode_and_flag(options: &mut Fields, network: &mut Network) -> Result<(), Fault> {
    let mode = match network.kind {
        NetworkKind::Macvlan => "macvlan_mode",
        NetworkKind::Ipvlan => "ipvlan_mode",
    };
    if let Some((at, mode)) = options.text(mode)? {
        network.set_mode(&at, &mode)?;
    }
    if network.kind == NetworkKind::Ipvlan
        && let Some((at, flag)) = options.text("ipvlan_flag")?
    {
        network.set_flag(&at, &flag)?;
    }
    Ok(())
}

/// `eth1.70` is the VLAN 70 of eth1, which Docker makes and removes as we do. Without a parent it
/// makes a dummy of its own.
fn parent(options: &mut Fields) -> Result<Option<Parent>, Fault> {
    let Some((at, name)) = options.text("parent")? else {
        return Ok(None);
    };
    let is_dummy = ["dm-", "di-"].iter().any(|prefix| {
        let id = name.strip_prefix(prefix);
        id.is_some_and(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    if is_dummy {
        return Ok(None);
    }
    // It reads a name with exactly one dot so.
    let spelled = landfall_core::network::Vlan::spelled(&name);
    let Some((base, id)) = spelled.filter(|(base, _)| !base.contains('.')) else {
        return name::interface(&at, &name).map(Some);
    };
    Ok(Some(Parent {
        vlan: Some(Vlan {
            id,
            name: None,
            protocol: None,
        }),
        ..name::interface(&at, base)?
    }))
}

fn ipam(ipam: Option<Fields>, network: &mut Network) -> Result<(), Fault> {
    let mut pool = Pool::default();
    if let Some(mut ipam) = ipam {
        let driver = ipam.text("Driver")?;
        let is_ours = |driver: &str| ["default", "null"].contains(&driver);
        if let Some((at, driver)) = driver.filter(|(_, driver)| !is_ours(driver)) {
            network.notes.at(
                &at,
                format_args!("{driver} has no equivalent: addresses are given in the cluster"),
            );
        }
        for config in ipam.objects("Config")? {
            subnet(config, &mut pool, &mut network.notes)?;
        }
        ipam.report(&mut network.notes);
    }
    way_out(&mut pool, network);
    if pool.is_empty() {
        network.spec.ipam.kind = Some(IpamType::None);
    }
    network.spec.ipam.subnets = pool.finish();
    Ok(())
}

fn subnet(mut config: Fields, pool: &mut Pool, notes: &mut Notes) -> Result<(), Fault> {
    let at = config.place().field("Subnet");
    let cidr = config.parse("Subnet", "subnet: write it like 10.20.0.0/24")?;
    let cidr: IpNet = cidr.ok_or_else(|| at.fault("is missing"))?;
    let subnet = pool.subnet(&at, cidr, notes)?;
    if let Some((at, gateway)) = config.text("Gateway")? {
        // Some versions write it with the subnet's length.
        let address = gateway.split('/').next().unwrap_or_default();
        let gateway: IpAddr = fields::parse(&at, address, "address")?;
        subnet.set_gateway(&at, gateway, notes);
    }
    let at = config.place().field("IPRange");
    match config.parse::<IpNet>("IPRange", "subnet: write it like 10.20.0.128/25")? {
        Some(range) => subnet.add_range(&at, range.into())?,
        None => subnet.add_whole(),
    }
    for key in ["AuxiliaryAddresses", "AuxAddress"] {
        let Some(addresses) = config.object(key)? else {
            continue;
        };
        for (_, at, value) in addresses.rest() {
            let (at, text) = fields::text((at, value))?;
            let address: IpAddr = fields::parse(&at, &text, "address")?;
            subnet.exclude(&at, Range::single(address), notes);
        }
    }
    config.report(notes);
    Ok(())
}

/// A container's default route leads through the network; a pod has one already.
fn way_out(pool: &mut Pool, network: &mut Network) {
    let gateways: Vec<_> = pool.iter().filter_map(|subnet| subnet.gateway).collect();
    network.original.default_route = network.spec.isolated.is_none();
    if network.spec.isolated == Some(true) {
        if !gateways.is_empty() {
            network
                .notes
                .say("an isolated network has no gateway, so its address is only kept free");
        }
        pool.close();
        return;
    }
    if network.is_routed() && !gateways.is_empty() {
        network.routed();
    }
    if network.is_routed() || !gateways.is_empty() {
        network.notes.say(
            "a container has its default route here; a pod keeps the cluster's unless spec.defaultRoute is Always",
        );
    }
}

/// Fields whose fate deserves more than "no equivalent".
fn remarks(options: &mut Fields, fields: &mut Fields, notes: &mut Notes) -> Result<(), Fault> {
    // Docker's own identity of the network, and what the subnets say as well.
    for own in [
        "Id",
        "Created",
        "Scope",
        "EnableIPv4",
        "EnableIPv6",
        "Attachable",
        "Ingress",
        "Status",
        "Peers",
        "ConfigOnly",
    ] {
        drop(fields.take(own));
    }
    if let Some(mut from) = fields.object("ConfigFrom")?
        && let Some((at, name)) = from.text("Network")?
    {
        notes.at(
            &at,
            format_args!("{name} is a configuration per host; here one network serves all nodes"),
        );
    }
    if let Some((at, mtu)) = options.take("com.docker.network.driver.mtu") {
        notes.at(
            &at,
            format_args!(
                "{} is ignored by Docker's driver; spec.mtu would not be",
                brief(&mtu)
            ),
        );
    }
    containers(fields, notes)
}

/// Whoever is on the network keeps its addresses, and we know nothing of them.
fn containers(fields: &mut Fields, notes: &mut Notes) -> Result<(), Fault> {
    let Some(containers) = fields.object("Containers")? else {
        return Ok(());
    };
    for (_, at, value) in containers.rest() {
        let mut container = Fields::of(&at, value)?;
        let name = container
            .text("Name")?
            .map(|(_, name)| name)
            .unwrap_or_default();
        let mut addresses = Vec::new();
        for key in ["IPv4Address", "IPv6Address"] {
            addresses.extend(container.text(key)?.map(|(_, address)| address));
        }
        note_container(&at, &name, &addresses, notes);
    }
    Ok(())
}

fn note_container(at: &At, name: &str, addresses: &[String], notes: &mut Notes) {
    let addresses = Value::from(addresses.to_vec());
    notes.at(at, format_args!(
        "the container {name:?} holds {addresses}: stop it before pods attach, or exclude its addresses"
    ));
}
