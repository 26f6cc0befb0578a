//! Names that users, tests and other products depend on.

/// The API group.
pub const GROUP: &str = "landfall.dev";
/// The API version.
pub const VERSION: &str = "v1alpha1";
/// The ConfigMap in the operator's namespace from whose resourceVersion epochs are drawn.
pub const LEDGER_CONFIG_MAP: &str = "landfall-ledger";
/// The Lease in the operator's namespace that says which operator decides.
pub const LEASE: &str = "landfall-operator";

/// Keys of annotations.
pub mod annotation {
    pub use landfall_core::attachment::{LANDFALL_KEY as LANDFALL_NETWORKS, NPWG_KEY as NETWORKS};

    /// On pods, by the operator: what was attached, as the NPWG wants it.
    pub const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";
    /// On a LandfallNode, by the user: this Node UID's machine is off.
    pub const RECLAIM: &str = "landfall.dev/reclaim";
    /// On mirror pods, by kubelet: the UID that the runtime knows the pod by.
    pub const MIRROR: &str = "kubernetes.io/config.mirror";
}

/// Keys and values of labels.
pub mod label {
    /// On a namespace: its annotation `landfall.dev/networks` is the default of its pods.
    pub const ATTACH: &str = "landfall.dev/attach";
    /// The value of [`ATTACH`] that says so.
    pub const ATTACH_ENABLED: &str = "enabled";
    /// On a rendered NetworkAttachmentDefinition: the network's name.
    pub const NETWORK: &str = "landfall.dev/network";
    /// On a StatefulSet's pod, by Kubernetes: its ordinal.
    pub const POD_INDEX: &str = "apps.kubernetes.io/pod-index";
    /// On a pod, by KubeVirt: a running machine is moved into it.
    pub const KUBEVIRT_MIGRATION: &str = "kubevirt.io/migrationJobUID";
    /// On an AddressBlock: its segment.
    pub const SEGMENT: &str = "landfall.dev/segment";
}

/// Finalizers.
pub mod finalizer {
    /// On networks, claims and LandfallNodes: addresses are held.
    pub const ADDRESSES: &str = "landfall.dev/addresses";
}

/// Taints.
pub mod taint {
    /// On a Node, by an administrator: its machine is off.
    pub const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";
}

/// Types of conditions.
pub mod condition {
    /// Networks, claims: the object makes sense, also beside the others.
    pub const ACCEPTED: &str = "Accepted";
    /// Networks, nodes: a parent was found.
    pub const PARENTS_READY: &str = "ParentsReady";
    /// Networks: there is a free address.
    pub const ADDRESSES_AVAILABLE: &str = "AddressesAvailable";
    /// Networks: some nodes can't serve.
    pub const DEGRADED: &str = "Degraded";
    /// Networks, nodes: pods can attach.
    pub const READY: &str = "Ready";
    /// Networks: without a parent, pods reach each other on one node only.
    pub const NODE_LOCAL: &str = "NodeLocal";
    /// Claims: the addresses are kept.
    pub const BOUND: &str = "Bound";
    /// Claims: a pod holds one of the addresses.
    pub const HELD: &str = "Held";
    /// Nodes: another program takes the plugin out of the CNI configuration.
    pub const CHAIN_BLOCKED: &str = "ChainBlocked";
    /// Nodes: a gateway of a probed network does not answer.
    pub const GATEWAY_SILENT: &str = "GatewaySilent";
    /// Nodes: the cluster's state looks older than what this node has seen.
    pub const RESTORE_SUSPECTED: &str = "RestoreSuspected";
}

/// Reasons of conditions.
pub mod reason {
    /// All is well.
    pub const ACCEPTED: &str = "Accepted";
    /// The spec contradicts itself.
    pub const INVALID: &str = "Invalid";
    /// The spec asks for something that is not served yet.
    pub const NOT_IMPLEMENTED: &str = "NotImplemented";
    /// An older network has the name.
    pub const NAME_TAKEN: &str = "NameTaken";
    /// An older network of the segment has some of the addresses.
    pub const OVERLAP: &str = "Overlap";
    /// Two host interfaces match one entry.
    pub const AMBIGUOUS_PARENT: &str = "AmbiguousParent";
    /// No host interface matches.
    pub const PARENT_MISSING: &str = "ParentMissing";
    /// An older network uses the parent in a way that excludes this one.
    pub const PARENT_CONFLICT: &str = "ParentConflict";
    /// Nodes have a parent, which is down or without a carrier.
    pub const PARENT_SILENT: &str = "ParentSilent";
    /// etcd was restored, and nodes have not yet said what they have in use.
    pub const RESTORED: &str = "Restored";
    /// New grants are off.
    pub const PAUSED: &str = "Paused";
}

/// Reasons of Events.
pub mod event {
    /// No address is free.
    pub const ADDRESS_POOL_EXHAUSTED: &str = "AddressPoolExhausted";
    /// No network of that name.
    pub const UNKNOWN_NETWORK: &str = "UnknownNetwork";
    /// The network is not for this namespace.
    pub const NAMESPACE_NOT_ALLOWED: &str = "NamespaceNotAllowed";
    /// The annotation can't be read.
    pub const INVALID_ANNOTATION: &str = "InvalidAnnotation";
    /// The pod shares the node's namespace.
    pub const HOST_NETWORK_HAS_NO_ATTACHMENTS: &str = "HostNetworkHasNoAttachments";
    /// The node has no live agent.
    pub const NO_AGENT_ON_NODE: &str = "NoAgentOnNode";
    /// The node's runtime does not call the plugin: another program takes it out of the configuration.
    pub const CHAIN_BLOCKED: &str = "ChainBlocked";
    /// The pod runs without an interface that was granted to it: its runtime did not call the plugin.
    pub const NOT_ATTACHED: &str = "NotAttached";
    /// The node has no parent for the network.
    pub const PARENT_INTERFACE_MISSING: &str = "ParentInterfaceMissing";
    /// The address is still held by a node that can't be reached.
    pub const WAITING_FOR_UNREACHABLE_NODE: &str = "WaitingForUnreachableNode";
    /// Another host of the LAN uses the address.
    pub const ADDRESS_CONFLICT: &str = "AddressConflict";
    /// The pod is the target of a live migration.
    pub const LIVE_MIGRATION_NOT_SUPPORTED: &str = "LiveMigrationNotSupported";
    /// The ledger, or what hangs on it, was edited by hand and put right.
    pub const LEDGER_REPAIRED: &str = "LedgerRepaired";
    /// The ledger, or what hangs on it, contradicts the protocol, and the operator does not act on it.
    pub const LEDGER_INCONSISTENT: &str = "LedgerInconsistent";
    /// An object of ours can't be read, and is set aside until somebody has mended it.
    pub const OBJECT_UNREADABLE: &str = "ObjectUnreadable";
    /// On a Namespace: its pods can't get its networks, for the API server is too old.
    pub const NAMESPACE_DEFAULT_NOT_SERVED: &str = "NamespaceDefaultNotServed";
    /// On a LandfallNode: its annotation `landfall.dev/reclaim` names another Node, or a machine that
    /// is on.
    pub const RECLAIM_REFUSED: &str = "ReclaimRefused";
    /// On a LandfallNode or AddressBlock: the API server refuses what the operator writes.
    pub const WRITE_REFUSED: &str = "WriteRefused";
}
