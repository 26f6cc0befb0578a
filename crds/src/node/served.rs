//! A network as one node must serve it: what is the same for every attachment of that node.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use landfall_core::{id::Uid, mac::Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_false;

/// A network as this node must serve it. Words (`kind`, `mode`, …) are plain text, so that a node
/// that does not know one yet still reads the other networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of the user's object"
)]
pub struct ServedNetwork {
    /// The network's UID.
    #[schemars(with = "String")]
    pub uid: Uid,
    /// The network's name.
    pub name: String,
    /// Macvlan or Ipvlan.
    pub kind: String,
    /// The segment: equal addresses of two segments are different addresses.
    pub segment: String,
    /// Where the links hang, tried in order; node selectors are already evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<ServedParent>,
    /// The mode in the kernel's spelling.
    pub mode: String,
    /// The flag of ipvlan in the kernel's spelling; absent: bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// The links' MTU; absent: the parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The options of macvlan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macvlan: Option<MacvlanOptions>,
    /// The options of every link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkOptions>,
    /// The options of IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Options>,
    /// Who gives addresses: Cluster, DHCP or None.
    pub ipam: String,
    /// The subnets, for gateways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<ServedSubnet>,
    /// Whether the LAN is asked for an address before its first use.
    #[serde(default, skip_serializing_if = "is_false")]
    pub conflict_probe: bool,
    /// Routes of every attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<ServedRoute>,
    /// Permanent neighbours of every attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<ServedNeighbor>,
    /// Whether attachments take the pod's default route: Never, OnRequest or Always.
    pub default_route: String,
    /// The priority of that default route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_route_metric: Option<u32>,
    /// How an attachment tells the LAN that it is there.
    #[serde(default)]
    pub announce: Announce,
    /// Whether the node reaches its own pods on this network.
    #[serde(default, skip_serializing_if = "is_false")]
    pub host_access: bool,
    /// No gateway, no default route, no parent needed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub isolated: bool,
    /// It has no parent on any node: the agent makes one, and pods reach those of their node alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub node_local: bool,
    /// No new attachments.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paused: bool,
    /// Sysctls of every attachment by their name below `net`, with `IFNAME` for the interface.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
}

/// How to find a parent: exactly one of the first five fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServedParent {
    /// A name, or a glob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// A hardware address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub mac_address: Option<Mac>,
    /// A PCI address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci_address: Option<String>,
    /// An address of the link lies in this subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub subnet: Option<IpNet>,
    /// The link of the default route.
    #[serde(default, skip_serializing_if = "is_false")]
    pub from_default_route: bool,
    /// A VLAN on top of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<ServedVlan>,
}

/// A VLAN on top of a parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedVlan {
    /// 1 to 4094.
    pub id: u16,
    /// Its name; absent: `<parent>.<id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 802.1Q or 802.1ad.
    pub protocol: String,
}

/// The options of macvlan. Absent: the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MacvlanOptions {
    /// IFLA_MACVLAN_BC_QUEUE_LEN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast_queue_length: Option<u32>,
    /// IFLA_MACVLAN_BC_CUTOFF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast_cutoff: Option<i32>,
    /// MACVLAN_FLAG_NOPROMISC.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_promiscuous: bool,
    /// The peers of mode source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub allowed_sources: Vec<Mac>,
}

/// The options of every link. Absent: the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkOptions {
    /// IFLA_TXQLEN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_queue_length: Option<u32>,
    /// IFF_ALLMULTI.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all_multicast: bool,
}

/// The options of IPv6.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ipv6Options {
    /// Whether the link listens to router advertisements.
    #[serde(default, skip_serializing_if = "is_false")]
    pub accept_router_advertisements: bool,
    /// Whether the kernel probes addresses before their use.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dad: bool,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedSubnet {
    /// The subnet.
    #[schemars(with = "String")]
    pub cidr: IpNet,
    /// Its router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub gateway: Option<IpAddr>,
}

/// A route of every attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedRoute {
    /// Where to.
    #[schemars(with = "String")]
    pub destination: IpNet,
    /// Through whom; absent: on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub gateway: Option<IpAddr>,
    /// The priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

/// A permanent neighbour of every attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedNeighbor {
    /// Its address.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// Its hardware address.
    #[schemars(with = "String")]
    pub mac: Mac,
}

/// How an attachment tells the LAN that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Announce {
    /// How often; 0 is never.
    pub count: u8,
    /// Milliseconds between two.
    pub interval_ms: u64,
}

impl Default for Announce {
    fn default() -> Self {
        Self {
            count: 3,
            interval_ms: 1000,
        }
    }
}
