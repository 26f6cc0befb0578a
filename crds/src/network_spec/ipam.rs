//! Where addresses come from.

use kube::KubeSchema;
use landfall_core::network::IpamType;
use serde::{Deserialize, Serialize};

use super::SelectorSpec;
use crate::schema;

/// Where addresses come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.type) || self.type == 'Cluster' || !has(self.subnets) && !has(self.reuseDelay) && (!has(self.conflictProbe) || !self.conflictProbe)")
        .message("subnets, reuseDelay and conflictProbe go with type Cluster: remove them, or set type to Cluster"),
    validation = Rule::new("!has(self.subnets) || self.subnets.all(a, self.subnets.all(b, !isCIDR(a.cidr) || !isCIDR(b.cidr) || cidr(a.cidr) == cidr(b.cidr) || !cidr(a.cidr).containsCIDR(b.cidr)))")
        .message("one subnet contains another: write the same CIDR with disjoint ranges, or CIDRs that don't overlap")
)]
pub struct IpamSpec {
    /// Cluster (default): Landfall gives addresses of the subnets, unique in the segment. DHCP: a
    /// server in the LAN does. None: nobody does, the pod gets the link only. Immutable while
    /// addresses are held.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::ipam_type")]
    pub kind: Option<IpamType>,
    /// The subnets. For each family one serves a pod: the first that matches its node and has room.
    /// With both families a pod gets both or none. Live for new attachments: addresses that a change
    /// leaves out stay until they are released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub subnets: Vec<SubnetSpec>,
    /// How long a released address rests. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_delay: Option<ReuseDelaySpec>,
    /// Whether the LAN is asked for an address before its first use, by ARP and ND, for 0.6 s from the
    /// grant on. One that another host has is left alone for ten minutes, and the pod gets another. Not
    /// with ipvlan's modes l3 and l3s. Default: false. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_probe: Option<bool>,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("isCIDR(self.cidr)")
        .message("cidr must be a subnet such as 10.20.0.0/24 or fd00:20::/64"),
    validation = Rule::new("!isCIDR(self.cidr) || cidr(self.cidr).masked() == cidr(self.cidr)")
        .message("cidr has bits set behind its prefix: write the subnet's first address, such as 10.20.0.0/24 for 10.20.0.7/24"),
    validation = Rule::new("!isCIDR(self.cidr) || cidr(self.cidr).ip().isGlobalUnicast() || cidr(self.cidr).ip().family() == 4 && cidr(self.cidr).ip().isLinkLocalUnicast()")
        .message("cidr holds addresses that no host of a LAN may have (loopback, multicast, IPv6 link-local, unspecified): choose another subnet"),
    validation = Rule::new("!has(self.gateway) || isIP(self.gateway)")
        .message("gateway must be an address such as 10.20.0.1"),
    validation = Rule::new("!has(self.gateway) || !isIP(self.gateway) || !isCIDR(self.cidr) || cidr(self.cidr).containsIP(self.gateway) || ip(self.gateway).family() == 6 && ip(self.gateway).isLinkLocalUnicast() && cidr(self.cidr).ip().family() == 6")
        .message("gateway lies outside cidr: use an address of the subnet, or a link-local one for IPv6"),
    validation = Rule::new("!has(self.ranges) || !isCIDR(self.cidr) || self.ranges.all(r, (!has(r.cidr) || !isCIDR(r.cidr) || cidr(self.cidr).containsCIDR(r.cidr)) && (!has(r.from) || !isIP(r.from) || cidr(self.cidr).containsIP(r.from)) && (!has(r.to) || !isIP(r.to) || cidr(self.cidr).containsIP(r.to)))")
        .message("a range reaches outside cidr: use addresses of the subnet only"),
    validation = Rule::new("!has(self.exclude) || !isCIDR(self.cidr) || self.exclude.all(r, (!has(r.cidr) || !isCIDR(r.cidr) || cidr(self.cidr).containsCIDR(r.cidr)) && (!has(r.from) || !isIP(r.from) || cidr(self.cidr).containsIP(r.from)) && (!has(r.to) || !isIP(r.to) || cidr(self.cidr).containsIP(r.to)))")
        .message("an excluded range reaches outside cidr, where nothing is handed out: use addresses of the subnet only")
)]
pub struct SubnetSpec {
    /// The subnet. Its prefix length is that of the addresses. Live for new attachments.
    #[schemars(length(min = 1, max = 43))]
    pub cidr: String,
    /// The router; never handed out. An IPv6 one may be link-local. Absent: none. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 39))]
    pub gateway: Option<String>,
    /// The nodes whose pods it serves. Absent: every node. Live for new attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<SelectorSpec>,
    /// What may be handed out. Absent: the whole subnet. Live for new attachments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub ranges: Vec<RangeSpec>,
    /// What may not be handed out, although it lies in the ranges. Live for new attachments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub exclude: Vec<RangeSpec>,
}

/// Neighbouring addresses: from and to, both included, or a CIDR.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("has(self.cidr) ? !has(self.from) && !has(self.to) : has(self.from) && has(self.to)")
        .message("a range is either from and to, or cidr"),
    validation = Rule::new("!has(self.cidr) || isCIDR(self.cidr) && cidr(self.cidr).masked() == cidr(self.cidr)")
        .message("cidr must be a subnet such as 10.20.0.128/28, written by its first address"),
    validation = Rule::new("(!has(self.from) || isIP(self.from)) && (!has(self.to) || isIP(self.to))")
        .message("from and to must be addresses such as 10.20.0.100"),
    validation = Rule::new(forwards_rule())
        .message("to lies before from: swap them")
)]
pub struct RangeSpec {
    /// The first address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 39))]
    pub from: Option<String>,
    /// The last address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 39))]
    pub to: Option<String>,
    /// All addresses of a CIDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 43))]
    pub cidr: Option<String>,
}

/// How long a released address rests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("duration(has(self.minimum) ? self.minimum : '0s') <= duration(has(self.preferred) ? self.preferred : '30s')")
        .message("minimum must not be longer than preferred (default 30s)"),
    validation = Rule::new("!has(self.preferred) || duration(self.preferred) <= duration('168h')")
        .message("preferred must not be longer than a week (168h)")
)]
pub struct ReuseDelaySpec {
    /// How long, as long as the pool has others. Default: 30s. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub preferred: Option<String>,
    /// How long in any case. Default: 1s, or preferred if that is shorter. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub minimum: Option<String>,
}

/// Addresses have no order in CEL, but the four numbers of an IPv4 one have.
fn forwards_rule() -> String {
    let number = |list: &str| {
        format!(
            "int({list}[0]) * 16777216 + int({list}[1]) * 65536 + int({list}[2]) * 256 + int({list}[3])"
        )
    };
    format!(
        "!has(self.from) || !has(self.to) || !isIP(self.from) || !isIP(self.to) \
         || ip(self.from).family() != 4 || ip(self.to).family() != 4 \
         || [self.from.split('.')].all(first, [self.to.split('.')].all(last, {} <= {}))",
        number("first"),
        number("last")
    )
}
