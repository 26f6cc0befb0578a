//! MacvlanNetwork.

use kube::{CustomResource, KubeSchema};
use landfall_core::network::MacvlanMode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    network_spec::{NetworkSpec, NetworkStatus},
    schema,
};

/// A network whose pods have a hardware address of their own on a physical network.
#[derive(
    CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema,
)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    doc = "A network whose pods have a hardware address of their own on a physical network.",
    kind = "MacvlanNetwork",
    plural = "macvlannetworks",
    singular = "macvlannetwork",
    shortname = "mvn",
    category = "landfall",
    status = "NetworkStatus",
    derive = "Default",
    derive = "PartialEq",
    cel,
    validation = crate::rules::name(),
    validation = crate::rules::held("segment"),
    validation = crate::rules::held_type(),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode", description = "Who may talk to whom."),
    printcolumn(name = "Parents", type_ = "string", json_path = ".status.summary.parents", description = "The host interfaces that links hang from."),
    printcolumn(name = "Subnets", type_ = "string", json_path = ".status.summary.subnets", description = "Where addresses come from."),
    printcolumn(name = "Granted", type_ = "string", json_path = ".status.summary.granted", description = "Addresses that pods hold."),
    printcolumn(name = "Free", type_ = "string", json_path = ".status.summary.free", description = "Addresses that are free."),
    printcolumn(name = "Nodes", type_ = "string", json_path = ".status.summary.nodes", description = "Nodes that serve it, of all that should."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status", description = "Whether pods can attach."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp", description = "The time since it was made.")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.mode) && self.mode == 'source') == (has(self.macvlan) && has(self.macvlan.allowedSources) && self.macvlan.allowedSources.size() > 0)")
        .message("macvlan.allowedSources goes with mode: source, and mode: source lets nobody in without it"),
    validation = crate::rules::gateway("")
)]
pub struct MacvlanNetworkSpec {
    /// Who may talk to whom among the links of one parent, in the kernel's words: bridge (default),
    /// private, vepa, passthru, source. Next attachment.
    #[serde(default)]
    #[schemars(schema_with = "schema::macvlan_mode_default")]
    pub mode: MacvlanMode,
    /// How hardware addresses are chosen. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacSpec>,
    /// Options of macvlan. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macvlan: Option<MacvlanLinkSpec>,
    /// The fields of both kinds.
    #[serde(flatten)]
    pub network: NetworkSpec,
}

/// How hardware addresses are chosen: they are derived from the address, so that one that is used
/// again keeps its hardware address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MacSpec {
    /// The first two bytes: unicast and locally administered, so the second digit is 2, 6, a or e.
    /// Default: 0a:58. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 5),
        regex(pattern = r"^[0-9a-fA-F][26aeAE]:[0-9a-fA-F]{2}$")
    )]
    pub prefix: Option<String>,
}

/// Options of macvlan. Absent: the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MacvlanLinkSpec {
    /// How many broadcasts wait to be copied to the links of one parent. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub broadcast_queue_length: Option<u32>,
    /// From how many receivers on a multicast is queued; -1 is never. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 1_000_000))]
    pub broadcast_cutoff: Option<i32>,
    /// Whether the parent stays out of promiscuous mode in mode passthru. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_promiscuous: Option<bool>,
    /// The hardware addresses that may talk to pods in mode source. Next attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 256),
        inner(
            length(max = 17),
            regex(pattern = r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$")
        )
    )]
    pub allowed_sources: Vec<String>,
}
