//! What MacvlanNetwork and IpvlanNetwork have in common.
//!
//! Texts stay texts here, also addresses: an object that does not parse must not break a watch, and
//! `convert` finds better words than a parser. Rules in the schema cover what one object shows about
//! itself; every list and text is bounded, because the API server counts what a rule may cost.
//!
//! A description says when a change takes effect. *Live*: for running pods too. *Next attachment*:
//! for interfaces made from then on. *Immutable while addresses are held*: refused until the last
//! pod has gone.

use std::collections::BTreeMap;

use kube::KubeSchema;
use landfall_core::network::{DefaultRoute, NodeDeletion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod ipam;
mod parent;
mod route;
mod selector;
mod status;
mod sysctl;

pub use ipam::{IpamSpec, RangeSpec, ReuseDelaySpec, SubnetSpec};
pub use parent::{ParentSpec, VlanSpec};
pub use route::{NeighborSpec, RouteSpec};
pub use selector::{RequirementOperator, RequirementSpec, SelectorSpec};
pub use status::{
    AddressCounts, MAX_COUNT, NetworkAddresses, NetworkNodes, NetworkStatus, NetworkSummary,
};
pub use sysctl::{SYSCTLS, sysctl_rule};

use crate::schema;

/// The segment of networks that name none.
pub const DEFAULT_SEGMENT: &str = "default";

/// The fields of both kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.isolated) && self.isolated || has(self.parents) && self.parents.size() > 0")
        .message("parents is empty: name at least one host interface, or set isolated: true for a network without one"),
    validation = Rule::new("!has(self.isolated) || !self.isolated || !has(self.defaultRoute) || self.defaultRoute == 'Never'")
        .message("isolated: true has no way out: remove defaultRoute, or isolated"),
    validation = Rule::new("!has(self.isolated) || !self.isolated || !has(self.ipam) || !has(self.ipam.subnets) || self.ipam.subnets.all(s, !has(s.gateway))")
        .message("isolated: true has no way out: remove the gateway of each subnet, or isolated"),
    validation = Rule::new("!has(self.defaultRouteMetric) || has(self.defaultRoute) && self.defaultRoute != 'Never'")
        .message("defaultRouteMetric has no effect without a default route: set defaultRoute to Always or OnRequest, or remove it"),
    validation = Rule::new("!has(self.mtu) || self.mtu >= 1280 || !has(self.ipam) || !has(self.ipam.subnets) || self.ipam.subnets.all(s, !s.cidr.contains(':'))")
        .message("mtu is below 1280, the least that IPv6 works with: raise it, or remove the IPv6 subnets"),
    validation = Rule::new("has(self.ipam) && (has(self.ipam.type) && self.ipam.type != 'Cluster' || has(self.ipam.subnets) && self.ipam.subnets.size() > 0)")
        .message("ipam.subnets is empty: name at least one subnet to take addresses from, or set ipam.type to DHCP or None")
)]
pub struct NetworkSpec {
    /// The namespaces whose pods may attach. Required, so that nobody opens a network to all by
    /// accident: {} is every namespace, a selector that matches nothing is nobody. Live for new
    /// attachments; what is attached stays.
    pub namespaces: SelectorSpec,

    /// The L2 that the network is on. Addresses are unique in a segment, and subnets of two networks
    /// of a segment don't overlap, unless it is the same subnet with disjoint ranges. Immutable
    /// while addresses are held.
    #[serde(default = "default_segment")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub segment: String,

    /// The host interfaces that links hang from, tried in order on each node: the first that matches
    /// is used. Next attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub parents: Vec<ParentSpec>,

    /// The MTU of links, in bytes. Absent: the parent's, and follows it. If it is larger than the
    /// parent's, attaching fails. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 68, max = 65535))]
    pub mtu: Option<u32>,

    /// Options of links. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSpec>,

    /// Where addresses come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipam: Option<IpamSpec>,

    /// Options of IPv6. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Spec>,

    /// Routes of every attachment beside those of its subnets. Next attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub routes: Vec<RouteSpec>,

    /// Permanent neighbours of every attachment. Next attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub neighbors: Vec<NeighborSpec>,

    /// Whether an attachment takes over the pod's default route: Never (default); OnRequest, if the
    /// pod's annotation says so; Always. It leads through the subnets' gateways; of ipvlan in the modes l3
    /// and l3s the link itself is the way. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::default_route")]
    pub default_route: Option<DefaultRoute>,

    /// The metric of that default route. Absent: the kernel's. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub default_route_metric: Option<u32>,

    /// How an attachment tells the LAN that it is there: gratuitous ARP, unsolicited neighbour
    /// advertisements; repeated when the carrier returns. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<AnnounceSpec>,

    /// Whether the node and its own pods on this network reach each other, which macvlan and ipvlan
    /// prevent by themselves. NetworkPolicy does not see this path. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_access: Option<HostAccessSpec>,

    /// A network without gateway and default route, which needs no parent: without one, pods reach
    /// each other on one node only (condition NodeLocal). Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolated: Option<bool>,

    /// Sysctls of every attachment, with IFNAME for the interface, such as
    /// net.ipv4.conf.IFNAME.arp_ignore. Next attachment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        extend("maxProperties" = 32),
        extend("additionalProperties" = {"type": "string", "maxLength": 10, "pattern": "^[0-9]+$"})
    )]
    #[x_kube(validation = Rule::new(sysctl_rule())
        .message("sysctls has a name that is not allowed: only per-interface names with IFNAME in place of the interface, as listed in the documentation"))]
    pub sysctls: BTreeMap<String, String>,

    /// true: no new grants; what is attached stays. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// Limits. Live for new attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsSpec>,

    /// When a deleted Node proves that its machine is off, so that its addresses may be used
    /// elsewhere: Auto (default), if the Node had a spec.providerID; Fenced, always: whoever deletes
    /// a Node then asserts that its machine is off; Hold, never. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::node_deletion")]
    pub node_deletion: Option<NodeDeletion>,

    /// Whether a NetworkAttachmentDefinition is rendered, for Multus. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_attachment_definition: Option<AttachmentDefinitionSpec>,
}

/// Options of links. Absent: the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkSpec {
    /// The length of the transmit queue, in packets. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub tx_queue_length: Option<u32>,
    /// Whether the link receives every multicast. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_multicast: Option<bool>,
}

/// Options of IPv6.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ipv6Spec {
    /// Whether the link listens to router advertisements, and so gets addresses and routes that
    /// Landfall did not give. Default: false. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_router_advertisements: Option<bool>,
    /// Whether the kernel probes an address before its use, which delays the pod by a second or two.
    /// Default: false, since addresses are unique already. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dad: Option<bool>,
}

/// How an attachment tells the LAN that it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("!has(self.interval) || duration(self.interval) >= duration('100ms') && duration(self.interval) <= duration('1m')")
        .message("announce.interval must be between 100ms and 1m")
)]
pub struct AnnounceSpec {
    /// How often. Default: 3; 0 is never. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 10))]
    pub count: Option<u32>,
    /// The time between two. Default: 1s. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub interval: Option<String>,
}

/// Whether the node reaches its own pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostAccessSpec {
    /// Whether it does. Default: false. Live.
    #[serde(default)]
    pub enabled: bool,
}

/// Limits of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsSpec {
    /// How many addresses of this network one namespace may hold. Those of both families count: a pod
    /// on a network with both holds two. So does one that its node has not released yet. Nothing is
    /// taken back if the number is lowered. Absent: no limit. Live for new attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_namespace: Option<u32>,
}

/// Whether a NetworkAttachmentDefinition is rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttachmentDefinitionSpec {
    /// Whether it is. Default: false. Live.
    #[serde(default)]
    pub enabled: bool,
    /// The namespaces that get one, among those that may attach. Absent: all of them. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<SelectorSpec>,
}

fn default_segment() -> String {
    DEFAULT_SEGMENT.to_owned()
}
