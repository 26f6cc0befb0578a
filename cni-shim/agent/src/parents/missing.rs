//! Why a network has no parent, for people.

use std::fmt;

use landfall_core::{id::Name, network::Clash};
use landfall_crds::keys::reason;
use landfall_link::{BridgeLink, VlanLink};

/// Why a network has no parent on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// None of the rules is for this node.
    NoRule,
    /// No link is meant by any of the rules.
    NoLink {
        /// What the rules look for.
        wanted: Vec<String>,
        /// A name that reads like a VLAN on a link that is there, and that VLAN's id.
        vlan: Option<(String, u16)>,
    },
    /// One rule means several links, so none.
    Ambiguous {
        /// What the rule looks for.
        wanted: String,
        /// What it found.
        found: Vec<String>,
    },
    /// The link carries no Ethernet frames.
    Unfit {
        /// The link.
        interface: String,
    },
    /// Another link takes all its packets.
    Held {
        /// The link.
        interface: String,
        /// Whose port it is.
        by: String,
        /// What that is: bridge, bond, …
        kind: String,
    },
    /// The link hangs itself from one of another namespace, where the kernel would make the network's links.
    Elsewhere {
        /// The link.
        interface: String,
        /// macvlan or ipvlan.
        kind: String,
    },
    /// An older network is on the link, with which this one can't share it.
    Conflict {
        /// The link.
        interface: String,
        /// The other network.
        older: String,
        /// Why they can't share it.
        clash: Clash,
    },
    /// The VLAN is not there (yet).
    NoVlan {
        /// The link below it.
        interface: String,
        /// What is missing.
        vlan: VlanLink,
        /// Why it could not be made.
        why: Option<String>,
    },
    /// The network has no parent, and the one that stands for it is not there (yet).
    NoBridge {
        /// What is missing.
        bridge: BridgeLink,
        /// Why it could not be made.
        why: Option<String>,
    },
    /// The VLAN is not there and can't be made under this name.
    VlanName {
        /// The link below it.
        interface: String,
        /// Its id.
        id: u16,
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// A link of the node that is made where it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeLink {
    /// A VLAN.
    Vlan(VlanLink),
    /// The parent of a network that has none.
    Bridge(BridgeLink),
}

// === impl NodeLink ===

impl NodeLink {
    /// Its name.
    pub const fn name(&self) -> &Name {
        match self {
            Self::Vlan(vlan) => &vlan.name,
            Self::Bridge(bridge) => &bridge.name,
        }
    }

    /// Whether it is the same link, for whichever network.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Vlan(vlan), Self::Vlan(other)) => vlan.is(other),
            (Self::Bridge(bridge), Self::Bridge(other)) => bridge.name == other.name,
            (Self::Vlan(_), Self::Bridge(_)) | (Self::Bridge(_), Self::Vlan(_)) => false,
        }
    }
}

// === impl Missing ===

impl Missing {
    /// The link that would mend it.
    pub(super) fn to_make(&self) -> Option<NodeLink> {
        if let Self::NoVlan { vlan, .. } = self {
            Some(NodeLink::Vlan(vlan.clone()))
        } else if let Self::NoBridge { bridge, why: None } = self {
            Some(NodeLink::Bridge(bridge.clone()))
        } else {
            None
        }
    }

    /// Notes why that link could not be made, if it would mend this.
    pub(super) fn explain(&mut self, failed: &NodeLink, because: &str) {
        let is_meant = self.to_make().is_some_and(|link| link.is(failed));
        if let Self::NoVlan { why, .. } | Self::NoBridge { why, .. } = self
            && is_meant
        {
            *why = Some(because.to_owned());
        }
    }

    /// The condition's reason.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoRule => "NoParentForNode",
            Self::NoLink { .. } => "ParentInterfaceMissing",
            Self::Ambiguous { .. } => "AmbiguousParent",
            Self::Unfit { .. } | Self::Elsewhere { .. } => "ParentUnfit",
            Self::Held { .. } => "ParentHeld",
            Self::Conflict { .. } => reason::PARENT_CONFLICT,
            Self::NoVlan { .. } | Self::VlanName { .. } => "VlanMissing",
            Self::NoBridge { .. } => "BridgeMissing",
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => f.write_str("no entry of spec.parents is for this node"),
            Self::NoLink { wanted, vlan } => no_link(f, wanted, vlan.as_ref()),
            Self::Ambiguous { wanted, found } => write!(
                f,
                "{wanted} means {} of this node; name exactly one in spec.parents",
                found.join(" and ")
            ),
            Self::Unfit { interface } => write!(
                f,
                "{interface} carries no Ethernet frames, or is the loopback; choose another link"
            ),
            Self::Held {
                interface,
                by,
                kind,
            } => write!(
                f,
                "{interface} is a port of the {kind} {by}, which takes all its packets; choose {by}, or a \
                 VLAN on {interface}"
            ),
            Self::Elsewhere { interface, kind } => write!(
                f,
                "{interface} is {kind} on a link of another network namespace, where this network's links \
                 would be made; choose another link, or the other driver"
            ),
            Self::Conflict {
                interface,
                older,
                clash,
            } => write!(
                f,
                "{older}, which is older, is on {interface}: {clash}; choose another link, or a VLAN"
            ),
            Self::NoVlan {
                interface,
                vlan,
                why,
            } => {
                let id = vlan.tag.id;
                let why = why.as_deref().unwrap_or("it is being made");
                write!(f, "VLAN {id} on {interface} is not there: {why}")
            }
            Self::NoBridge { bridge, why } => no_bridge(f, bridge, why.as_deref()),
            Self::VlanName {
                interface,
                id,
                name,
                fault,
            } => write!(
                f,
                "VLAN {id} on {interface} is not there and can't be made as {name:?}: {fault}; set vlan.name \
                 in spec.parents"
            ),
        }
    }
}

fn no_bridge(f: &mut fmt::Formatter<'_>, bridge: &BridgeLink, why: Option<&str>) -> fmt::Result {
    let name = &bridge.name;
    let why = why.unwrap_or("it is being made");
    write!(
        f,
        "the bridge {name}, its own on this node, is not there: {why}"
    )
}

fn no_link(
    f: &mut fmt::Formatter<'_>,
    wanted: &[String],
    vlan: Option<&(String, u16)>,
) -> fmt::Result {
    write!(f, "no link of this node is {}", wanted.join(" or "))?;
    if let Some((below, id)) = vlan {
        write!(
            f,
            "; to have a VLAN made write interface: {below}, vlan: {{id: {id}}}"
        )?;
    }
    Ok(())
}
