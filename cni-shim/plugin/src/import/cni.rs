//! CNI configurations: a .conf, a .conflist, or what a NetworkAttachmentDefinition holds.

use landfall_core::network::NetworkKind;

use super::{
    Outcome,
    fields::{Fields, brief},
    network::{Ipv6, Macvlan, Network},
    place::{At, Fault},
    source::Given,
};
use crate::standalone::driver;

mod ipam;
mod parent;
mod route;
mod tuning;

/// A plugin of a configuration whose type we know.
struct Plugin {
    fields: Fields,
    kind: NetworkKind,
    /// The 802.1Q link itself would be the pod's.
    is_vlan: bool,
}

/// The network that a configuration describes.
pub(super) fn network(mut fields: Fields, given: Given) -> Result<Outcome, Fault> {
    let at = fields.place().clone();
    let mut name = fields.text("name")?.map(|(_, name)| name);
    // The format's own version, and switches of the runtime.
    for own in [
        "cniVersion",
        "cniVersions",
        "disableCheck",
        "disableGC",
        "loadOnlyInlinedPlugins",
    ] {
        drop(fields.take(own));
    }
    let plugins = if fields.has("plugins") {
        fields.objects("plugins")?
    } else {
        vec![std::mem::replace(&mut fields, Fields::empty(&at))]
    };
    let mut others = Vec::new();
    let mut chosen = None;
    for plugin in plugins {
        let (kind, plugin) = known(plugin)?;
        match (kind, &chosen) {
            (Some((kind, is_vlan)), None) => {
                chosen = Some(Plugin {
                    fields: plugin,
                    kind,
                    is_vlan,
                });
            }
            (_, _) => others.push(plugin),
        }
    }
    let Some(mut plugin) = chosen else {
        return Ok(Outcome::Other(other(&at, others)));
    };
    let inner = plugin.fields.text("name")?;
    let named = given
        .name
        .clone()
        .or_else(|| name.take())
        .or_else(|| inner.map(|(_, name)| name));
    let named = named.ok_or_else(|| at.field("name").fault("is missing"))?;
    let mut network = Network::new(&named, plugin.kind);
    surroundings(given, &mut network);
    if plugin.is_vlan {
        network.notes.say(
            "type vlan gives the pod the 802.1Q interface itself; here each pod gets a macvlan link on it",
        );
    }
    link(plugin.fields, &mut network)?;
    for other in others {
        tuning::chained(other, &mut network)?;
    }
    fields.report(&mut network.notes);
    Ok(Outcome::Network(Box::new(network)))
}

/// The kind of a plugin, if it makes links such as ours.
fn known(mut fields: Fields) -> Result<(Option<(NetworkKind, bool)>, Fields), Fault> {
    let Some((_, kind)) = fields.clone().text("type")? else {
        return Err(fields
            .place()
            .field("type")
            .fault("is missing, expected macvlan or ipvlan"));
    };
    let known = match kind.as_str() {
        "vlan" => Some((NetworkKind::Macvlan, true)),
        "landfall" => match fields.text("driver")? {
            None => None,
            Some((at, word)) => {
                let fault = || at.fault(format!("is {word:?}, expected macvlan or ipvlan"));
                Some((driver(&word).ok_or_else(fault)?, false))
            }
        },
        word => driver(word).map(|kind| (kind, false)),
    };
    Ok((known, fields))
}

fn other(at: &At, others: Vec<Fields>) -> String {
    let kind = |mut fields: Fields| fields.text("type").ok().flatten().map(|(_, kind)| kind);
    let kinds: Vec<String> = others.into_iter().filter_map(kind).collect();
    format!(
        "{at}: is of type {}, expected macvlan or ipvlan",
        kinds.join(", ")
    )
}

/// What a NetworkAttachmentDefinition says of the network.
fn surroundings(given: Given, network: &mut Network) {
    let labels = &mut network.spec.namespaces.match_labels;
    match given.namespace {
        Some(namespace) => {
            network.notes.say(format!(
                "only pods of namespace {namespace} may attach, as the definition lies there"
            ));
            drop(labels.insert("kubernetes.io/metadata.name", namespace));
        }
        None => network
            .notes
            .say("pods of every namespace may attach: spec.namespaces"),
    }
    if let Some(resource) = given.resource {
        network.notes.say(format!(
            "devices of the resource {resource} have no equivalent: parents are the node's interfaces"
        ));
    }
}

/// The fields of the reference plugins.
fn link(mut fields: Fields, network: &mut Network) -> Result<(), Fault> {
    // The runtime's business, or ours in any case.
    for own in ["type", "capabilities", "runtimeConfig", "prevResult"] {
        drop(fields.take(own));
    }
    if let Some((at, mode)) = fields.text("mode")? {
        network.set_mode(&at, &mode)?;
    }
    if network.kind == NetworkKind::Ipvlan
        && let Some((at, flag)) = fields.text("flag")?
    {
        network.set_flag(&at, &flag)?;
    }
    let parent = parent::parent(&mut fields, network)?;
    network.spec.parents.push(parent);
    ipam::ipam(fields.object("ipam")?, network)?;
    if let Some((at, mtu)) = fields.number("mtu")? {
        network.set_mtu(&at, mtu)?;
    }
    options(&mut fields, network)?;
    remarks(&mut fields, network)?;
    fields.report(&mut network.notes);
    let mut subnets = network.spec.ipam.subnets.iter();
    if network.is_routed() && subnets.any(|subnet| subnet.gateway.is_some()) {
        network.routed();
    }
    Ok(())
}

/// Options of macvlan, and `dad`, which is ours.
fn options(fields: &mut Fields, network: &mut Network) -> Result<(), Fault> {
    if network.kind == NetworkKind::Macvlan {
        let length = fields.number("bcqueuelen")?;
        let options = Macvlan {
            broadcast_queue_length: length.map(|(_, length)| length),
            no_promiscuous: fields.flag("noPromiscuous")?.then_some(true),
        };
        let is_set = options.broadcast_queue_length.is_some() || options.no_promiscuous.is_some();
        network.spec.macvlan = is_set.then_some(options);
    }
    network.spec.ipv6 = fields.flag("dad")?.then_some(Ipv6 { dad: true });
    Ok(())
}

/// Fields whose fate deserves more than "no equivalent".
fn remarks(fields: &mut Fields, network: &mut Network) -> Result<(), Fault> {
    let Network {
        notes, original, ..
    } = network;
    if let Some((at, mac)) = fields.text("mac")? {
        original.mac = Some(mac.clone());
        notes.at(
            &at,
            format_args!(
                "{mac} would be every pod's; a pod asks for its own with mac in its annotation"
            ),
        );
    }
    if fields.flag("linkInContainer")? {
        original.link_in_container = true;
        let at = fields.place().field("linkInContainer");
        notes.at(
            &at,
            "has no equivalent: parents are interfaces of the node, not of the pod",
        );
    }
    if fields.flag("ipMasq")? {
        let at = fields.place().field("ipMasq");
        notes.at(&at, "has no equivalent: what a pod sends here does not pass the node, which could hide its address");
    }
    if let Some((at, dns)) = fields.take("dns") {
        notes.at(
            &at,
            format_args!(
                "{} has no equivalent: a pod's DNS is spec.dnsConfig of the pod",
                brief(&dns)
            ),
        );
    }
    Ok(())
}
