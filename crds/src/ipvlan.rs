//! IpvlanNetwork.

use kube::{CustomResource, KubeSchema};
use landfall_core::network::{IpvlanFlag, IpvlanMode};
use serde::{Deserialize, Serialize};

use crate::{
    network_spec::{NetworkSpec, NetworkStatus},
    schema,
};

/// A network whose pods share the hardware address of the node's interface on a physical network.
#[derive(
    CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema,
)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    doc = "A network whose pods share the hardware address of the node's interface on a physical network.",
    kind = "IpvlanNetwork",
    plural = "ipvlannetworks",
    singular = "ipvlannetwork",
    shortname = "ivn",
    category = "landfall",
    status = "NetworkStatus",
    derive = "Default",
    derive = "PartialEq",
    cel,
    validation = crate::rules::name(),
    validation = crate::rules::held("segment"),
    validation = crate::rules::held_type(),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode", description = "Where packets are routed."),
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
    validation = Rule::new("!has(self.ipam) || !has(self.ipam.type) || self.ipam.type != 'DHCP'")
        .message("ipam.type: DHCP needs a hardware address for each pod, which ipvlan does not have: use a MacvlanNetwork"),
    validation = crate::rules::gateway(" || has(self.mode) && self.mode in ['l3', 'l3s']"),
    validation = Rule::new("!has(self.ipam) || !has(self.ipam.conflictProbe) || !self.ipam.conflictProbe || !has(self.mode) || self.mode == 'l2'")
        .message("ipam.conflictProbe asks the LAN by ARP and ND, which modes l3 and l3s have no part in: remove it, or use mode l2")
)]
pub struct IpvlanNetworkSpec {
    /// Where packets are routed, in the kernel's words: l2 (default), l3, l3s. The links of one parent
    /// share it. Next attachment.
    #[serde(default)]
    #[schemars(schema_with = "schema::ipvlan_mode_default")]
    pub mode: IpvlanMode,
    /// Who may talk to whom among the links of one parent, in the kernel's words: bridge (default),
    /// private, vepa. The links of one parent share it. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::ipvlan_flag")]
    pub flag: Option<IpvlanFlag>,
    /// The fields of both kinds.
    #[serde(flatten)]
    pub network: NetworkSpec,
}
