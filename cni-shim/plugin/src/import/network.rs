//! What an import makes: a MacvlanNetwork or an IpvlanNetwork, as far as one can be said in another
//! product's words. Field names and their order are those of the API (`crds/src/network_spec.rs`);
//! a test feeds what is printed to the API's own types.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use landfall_core::{
    address::{Family, Range},
    network::{
        DefaultRoute, IpamType, IpvlanFlag, IpvlanMode, MacvlanMode, NetworkKind, VlanProtocol,
    },
};
use serde::{Serialize, Serializer};

use super::{
    name::label,
    place::{At, Fault, Notes},
};

/// A network, and what its author should know.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) kind: NetworkKind,
    pub(super) spec: Spec,
    pub(super) notes: Notes,
    /// What only the original does.
    pub(super) original: Original,
}

/// What the original does and a network has no field for, or not by default.
#[derive(Clone, Debug, Default)]
pub(super) struct Original {
    /// One hardware address for whoever attaches.
    pub(super) mac: Option<String>,
    /// The parent is looked for in the sandbox.
    pub(super) link_in_container: bool,
    /// A container has its default route here.
    pub(super) default_route: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) namespaces: Namespaces,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parents: Vec<Parent>,
    pub(super) mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flag: Option<IpvlanFlag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) macvlan: Option<Macvlan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<Link>,
    pub(super) ipam: Ipam,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ipv6: Option<Ipv6>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) routes: Vec<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_route: Option<DefaultRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_route_metric: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) isolated: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sysctls: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Namespaces {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) match_labels: BTreeMap<&'static str, String>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parent {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from_default_route: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vlan: Option<Vlan>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Vlan {
    pub(super) id: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<VlanProtocol>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Macvlan {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) broadcast_queue_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_promiscuous: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Ipv6 {
    pub(super) dad: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Link {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tx_queue_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) all_multicast: Option<bool>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Ipam {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<IpamType>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) subnets: Vec<Subnet>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Subnet {
    pub(super) cidr: IpNet,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "ranges")]
    pub(super) ranges: Vec<Range>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "ranges")]
    pub(super) exclude: Vec<Range>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Route {
    pub(super) destination: IpNet,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metric: Option<u32>,
}

/// A range as the API writes it.
#[derive(Serialize)]
#[serde(untagged)]
enum RangeSpec {
    Cidr { cidr: IpNet },
    Ends { from: IpAddr, to: IpAddr },
}

// === impl Network ===

impl Network {
    /// A network of that kind with the default mode, which every namespace may use.
    pub(super) fn new(name: &str, kind: NetworkKind) -> Self {
        let mut notes = Notes::default();
        let label = label(name);
        if label != name {
            notes.say(format!(
                "the name {name:?} is no DNS label, so it became {label}"
            ));
        }
        let mode = match kind {
            NetworkKind::Macvlan => MacvlanMode::default().as_str(),
            NetworkKind::Ipvlan => IpvlanMode::default().as_str(),
        };
        Self {
            name: label,
            kind,
            spec: Spec {
                mode,
                ..Spec::default()
            },
            notes,
            original: Original::default(),
        }
    }

    /// Sets the mode, by the kernel's word for it.
    pub(super) fn set_mode(&mut self, at: &At, word: &str) -> Result<(), Fault> {
        let mode = match self.kind {
            NetworkKind::Macvlan => word.parse().map(MacvlanMode::as_str),
            NetworkKind::Ipvlan => word.parse().map(IpvlanMode::as_str),
        };
        self.spec.mode = mode.map_err(|error| at.fault(format!("is {word:?}: {error}")))?;
        if self.kind == NetworkKind::Macvlan && word == MacvlanMode::Source.as_str() {
            return Err(at.fault("is \"source\", which lets nobody in without a list of addresses"));
        }
        Ok(())
    }

    /// Sets the flag of ipvlan, by the kernel's word for it.
    pub(super) fn set_flag(&mut self, at: &At, word: &str) -> Result<(), Fault> {
        let flag = word.parse();
        self.spec.flag = Some(flag.map_err(|error| at.fault(format!("is {word:?}: {error}")))?);
        Ok(())
    }

    pub(super) fn set_mtu(&mut self, at: &At, mtu: u32) -> Result<(), Fault> {
        let subnets = &self.spec.ipam.subnets;
        let least = if subnets.iter().any(|s| s.cidr.addr().is_ipv6()) {
            1280
        } else {
            68
        };
        if !(least..=65535).contains(&mtu) {
            return Err(at.fault(format!("is {mtu}: it must be between {least} and 65535")));
        }
        self.spec.mtu = Some(mtu);
        Ok(())
    }

    /// Whether the parent's namespace routes, so that the way is the link whatever the gateway.
    pub(super) fn is_routed(&self) -> bool {
        [IpvlanMode::L3.as_str(), IpvlanMode::L3s.as_str()].contains(&self.spec.mode)
    }

    /// Says what that means for gateways.
    pub(super) fn routed(&mut self) {
        self.notes.say(format!(
            "in mode {} the parent's namespace routes: gateways are only kept free",
            self.spec.mode
        ));
    }
}

fn ranges<S: Serializer>(ranges: &[Range], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ranges.iter().map(range))
}

/// A CIDR if it is one, since that is shorter.
fn range(range: &Range) -> RangeSpec {
    let (from, to) = (range.first(), range.last());
    let bits = Family::of(from).bits();
    let host = range.count().checked_ilog2().unwrap_or_default();
    let length = u8::try_from(host)
        .ok()
        .and_then(|host| bits.checked_sub(host));
    let cidr = length.and_then(|length| IpNet::new(from, length).ok());
    match cidr.filter(|cidr| Range::from(*cidr) == *range) {
        Some(cidr) => RangeSpec::Cidr { cidr },
        None => RangeSpec::Ends { from, to },
    }
}
