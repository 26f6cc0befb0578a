//! Parents.

use landfall_core::{
    attachment::check_interface,
    id::Name,
    network::{LinkMatch, Parent, ParentRule, Vlan},
};

use super::{At, Fault, selector, text};
use crate::network_spec::{ParentSpec, VlanSpec};

pub(super) fn rule(at: &At, spec: &ParentSpec) -> Result<ParentRule, Fault> {
    let nodes = selector::optional(&at.field("nodeSelector"), spec.node_selector.as_ref())?;
    let vlan = spec.vlan.as_ref();
    let vlan = vlan
        .map(|vlan| self::vlan(&at.field("vlan"), vlan))
        .transpose()?;
    let link = link(at, spec)?;
    Ok(ParentRule {
        nodes,
        parent: Parent { link, vlan },
    })
}

/// Exactly one of the five ways to name a link.
fn link(at: &At, spec: &ParentSpec) -> Result<LinkMatch, Fault> {
    let interface = spec.interface.as_deref();
    let ways = [
        interface.map(|name| self::interface(&at.field("interface"), name)),
        spec.mac_address.as_deref().map(|mac| {
            let mac = text::mac(&at.field("macAddress"), mac)?;
            Ok(LinkMatch::Mac(mac))
        }),
        spec.pci_address
            .as_deref()
            .map(|pci| self::pci(&at.field("pciAddress"), pci)),
        spec.subnet.as_deref().map(|subnet| {
            let subnet = text::subnet(&at.field("subnet"), subnet)?;
            Ok(LinkMatch::Subnet(subnet))
        }),
        (spec.from_default_route == Some(true)).then_some(Ok(LinkMatch::DefaultRoute)),
    ];
    let mut given = ways.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(link), None) => link,
        _ => Err(at.fault(
            "needs exactly one of interface, macAddress, pciAddress, subnet and fromDefaultRoute: true",
        )),
    }
}

/// A name, or a glob. Without its stars a glob must have room in a name.
fn interface(at: &At, name: &str) -> Result<LinkMatch, Fault> {
    let plain = name.replace('*', "");
    if !plain.is_empty() || name.is_empty() {
        check_interface(&plain)
            .map_err(|fault| at.fault(format!("{name:?} can't match an interface: {fault}")))?;
    }
    Ok(LinkMatch::Interface(Name::from(name)))
}

/// `0000:3b:00.1`. Written in small letters, as sysfs does.
fn pci(at: &At, text: &str) -> Result<LinkMatch, Fault> {
    let lower = text.to_ascii_lowercase();
    let hex = |part: &str, min, max| {
        (min..=max).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = lower.split([':', '.']).collect();
    let separators: String = lower.chars().filter(|c| ":.".contains(*c)).collect();
    let good = separators == "::."
        && matches!(parts.as_slice(), [domain, bus, device, function]
            if hex(domain, 4, 8) && hex(bus, 2, 2) && hex(device, 2, 2)
                && matches!(function.as_bytes(), [b'0'..=b'7']));
    if good {
        Ok(LinkMatch::Pci(Name::from(lower.as_str())))
    } else {
        Err(at.fault(format!(
            "{text:?} is no PCI address: write it like 0000:3b:00.1"
        )))
    }
}

fn vlan(at: &At, spec: &VlanSpec) -> Result<Vlan, Fault> {
    if !Vlan::IDS.contains(&spec.id) {
        return Err(at
            .field("id")
            .fault(format!("is {}: it must be between 1 and 4094", spec.id)));
    }
    let name = spec.name.as_deref();
    if let Some(name) = name {
        check_interface(name).map_err(|fault| {
            at.field("name")
                .fault(format!("{name:?} can't be an interface: {fault}"))
        })?;
    }
    Ok(Vlan {
        id: spec.id,
        name: name.map(Name::from),
        protocol: spec.protocol.unwrap_or_default(),
    })
}
