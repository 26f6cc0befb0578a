//! AddressClaim: fixed or sticky addresses.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Addresses that are kept across the deletion, rescheduling and scaling of pods, until the claim is
/// deleted.
#[derive(
    CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema,
)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    doc = "Addresses that are kept across the deletion, rescheduling and scaling of pods, until the claim is deleted.",
    kind = "AddressClaim",
    plural = "addressclaims",
    singular = "addressclaim",
    shortname = "adc",
    category = "landfall",
    namespaced,
    status = "AddressClaimStatus",
    derive = "Default",
    derive = "PartialEq",
    cel,
    printcolumn(
        name = "Network",
        type_ = "string",
        json_path = ".spec.network",
        description = "The network."
    ),
    printcolumn(
        name = "For",
        type_ = "string",
        json_path = ".spec.for.type",
        description = "Whose addresses they are."
    ),
    printcolumn(
        name = "Addresses",
        type_ = "string",
        json_path = ".status.addresses",
        description = "The addresses that are kept."
    ),
    printcolumn(
        name = "Bound",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Bound')].status",
        description = "Whether the addresses are kept."
    ),
    printcolumn(
        name = "Held",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Held')].status",
        description = "Whether a pod holds one of them."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "The time since it was made."
    )
)]
pub struct AddressClaimSpec {
    /// The name of the MacvlanNetwork or IpvlanNetwork. Immutable: make another claim.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    #[x_kube(validation = Rule::new("self == oldSelf").message("network is immutable: make another claim"))]
    pub network: String,
    /// The addresses. Absent: the operator picks them once and keeps them. Live: one that is added is
    /// kept as soon as it is free, one that is removed goes back when no pod holds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 39)))]
    #[x_kube(
        validation = Rule::new("self.all(address, isIP(address))").message("each of addresses must be an address such as 10.20.0.120, without a prefix length"),
        validation = Rule::new("self.all(address, self.exists_one(other, other == address))").message("an address stands in addresses twice")
    )]
    pub addresses: Vec<String>,
    /// Whose addresses they are. Immutable: make another claim.
    #[serde(rename = "for")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("for is immutable: make another claim"))]
    pub owner: ClaimOwner,
}

/// Whose addresses a claim keeps: `type` says which of the other fields is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.type == 'Pod') == has(self.pod)").message("pod goes with type Pod, and only with it"),
    validation = Rule::new("(self.type == 'StatefulSet') == has(self.statefulSet)").message("statefulSet goes with type StatefulSet, and only with it"),
    validation = Rule::new("(self.type == 'Workload') == has(self.workload)").message("workload goes with type Workload, and only with it")
)]
pub struct ClaimOwner {
    /// Pod: one pod by name. StatefulSet: one claim for the set, ordinal n keeps its own. Workload: a
    /// set of addresses that its pods draw from. None: a reservation, used only where an annotation
    /// names the claim.
    #[serde(rename = "type")]
    pub kind: ClaimType,
    /// The pod of type Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<ObjectName>,
    /// The StatefulSet of type StatefulSet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful_set: Option<ObjectName>,
    /// The workload of type Workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadName>,
}

/// Whose addresses a claim keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClaimType {
    /// One pod by name.
    Pod,
    /// The pods of a StatefulSet by their ordinals.
    StatefulSet,
    /// The pods of another controller, in any order.
    Workload,
    /// Nobody in particular.
    #[default]
    None,
}

/// An object in the claim's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectName {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A controller of pods in the claim's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadName {
    /// Its kind, such as Deployment.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Z][A-Za-z0-9]*$"))]
    pub kind: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What the operator says about a claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressClaimStatus {
    /// The generation of the spec that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The addresses that are kept; of a StatefulSet in the order of ordinals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(max = 39)))]
    pub addresses: Vec<String>,
    /// The pods that hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024))]
    pub holders: Vec<ClaimHolder>,
    /// Accepted, Bound, Held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map"),
        extend("x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
}

/// A pod that holds a kept address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimHolder {
    /// The address.
    #[schemars(length(max = 39))]
    pub address: String,
    /// The pod's name.
    #[schemars(length(max = 253))]
    pub pod: String,
    /// The pod's UID.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// The pod's node.
    #[schemars(length(max = 253))]
    pub node: String,
}

#[cfg(test)]
mod tests;
