//! The status of a network.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator says about a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkStatus {
    /// The generation of the spec that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Accepted, ParentsReady, AddressesAvailable, Degraded, Ready, NodeLocal. One is False only if
    /// no node can serve; if some can't, that is Degraded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map"),
        extend("x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
    /// How many addresses there are, by state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<NetworkAddresses>,
    /// How many nodes serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<NetworkNodes>,
    /// The same as texts, because columns can neither join lists nor choose a family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<NetworkSummary>,
}

/// The addresses of a network, by family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkAddresses {
    /// IPv4; absent without an IPv4 subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<AddressCounts>,
    /// IPv6; absent without an IPv6 subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<AddressCounts>,
}

/// Addresses by state. Each is capped at 2^53-1, the largest integer that every JSON reader keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressCounts {
    /// All that may be handed out.
    pub capacity: u64,
    /// Held for pods, reserved, or being recalled.
    pub granted: u64,
    /// Held by nodes that can't be reached.
    pub quarantined: u64,
    /// Used by another host of the LAN.
    pub foreign: u64,
    /// Released, and resting.
    pub cooling: u64,
    /// Kept by claims, held by nobody.
    pub claimed: u64,
    /// Free.
    pub free: u64,
}

/// The nodes of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkNodes {
    /// Nodes whose parent is ready.
    pub ready: u32,
    /// Nodes that should serve it.
    pub total: u32,
}

/// Texts for `kubectl get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkSummary {
    /// The parents: `eth1,ens*f0`.
    pub parents: String,
    /// The subnets: `10.20.0.0/24,fd00:20::/64`.
    pub subnets: String,
    /// Granted addresses: `12`, or of both families `12/12`.
    pub granted: String,
    /// Free addresses, likewise; from a million on shortened: `>999999`.
    pub free: String,
    /// Ready nodes of all: `3/4`.
    pub nodes: String,
}

/// The largest integer that every JSON reader keeps.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

// === impl AddressCounts ===

impl AddressCounts {
    /// The capped number for a count of any size.
    pub fn capped(count: u128) -> u64 {
        u64::try_from(count).map_or(MAX_COUNT, |count| count.min(MAX_COUNT))
    }
}
