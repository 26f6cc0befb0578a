//! What the operator has seen: the input of every decision.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    Block, BlockId, Holder, Millis,
    claims::{Claims, Share},
    fresh::{Seen, Tick},
    unread::Unread,
};
use crate::{
    id::{Name, Seq, Uid},
    mac::Mac,
    network::{Network, NodeDeletion},
};

/// Everything that `decide` looks at. The shell fills it from watches, quorum reads and the
/// results of its own writes.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The time of the decision; only COOLING and FOREIGN use it.
    pub now: Millis,
    /// All networks that exist, by UID.
    pub networks: BTreeMap<Uid, NetworkView>,
    /// All blocks that exist.
    pub blocks: BTreeMap<BlockId, Seen<Block>>,
    /// All node objects (LandfallNode), by name.
    pub nodes: BTreeMap<Name, NodeView>,
    /// Every pod that may start a sandbox and asks for a network, by owner UID. A pod that is
    /// deleted, terminal, or asks for nothing is not here.
    pub pods: BTreeMap<Uid, Pod>,
    /// All claims.
    pub claims: Claims,
    /// Restores of etcd, as the ConfigMap `landfall-ledger` has them.
    pub restore: Restore,
    /// Nodes with an agent and without a node object.
    pub expected: BTreeSet<Name>,
    /// Objects that are there and can't be read.
    pub unread: Unread,
}

/// Restores of etcd that were announced: their epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Restore {
    /// Of the last one; 0 if there never was one.
    pub epoch: u64,
    /// Of the last one after which the ledger has been rewritten.
    pub adopted: u64,
}

/// A network, and whether it takes new attachments.
#[derive(Clone, Debug)]
pub struct NetworkView {
    /// The validated network.
    pub network: Network,
    /// Set if the network grants nothing new (paused, deleted, not accepted): why.
    pub closed: Option<Refusal>,
}

/// A node object as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// When this version of the spec was first seen; pushes need a block read after it.
    pub seen_at: Tick,
    /// UID of the Node object.
    pub uid: Uid,
    /// The machine's ID.
    pub machine: Uid,
    /// Labels of the Node object, for subnets by node.
    pub labels: BTreeMap<String, String>,
    /// A pod of our DaemonSet is Ready there.
    pub live: bool,
    /// The Node's Ready condition is not Unknown.
    pub reachable: bool,
    /// The Node has (or had) a `spec.providerID`: a cloud controller deletes it with its machine.
    pub has_provider: bool,
    /// When a quorum read of this version began, if one did.
    pub read_at: Option<Tick>,
    /// What speaks for the machine being off, as last seen.
    pub evidence: Seen<Evidence>,
    /// `spec.grants`, `spec.recalls`, `spec.refusals` and `spec.ledgerEpoch`.
    pub spec: NodeSpec,
    /// The namespace of each owner of which the spec lists a grant. It outlives the pod, which may be
    /// long gone when the node releases what it held.
    pub namespaces: BTreeMap<Uid, Name>,
    /// The part of the status that decisions use.
    pub status: NodeStatus,
    /// Networks that have no parent there, as its agent says, and why. One of which it has not spoken is
    /// not here.
    pub without_parent: BTreeMap<Uid, String>,
}

/// The part of a node object's spec that the protocol writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeSpec {
    /// What was granted to the node, ordered by owner.
    pub grants: Vec<Grant>,
    /// (address, seq) that the node is asked to give back.
    pub recalls: BTreeSet<(IpAddr, Seq)>,
    /// Grants that were taken out because the node is being fenced. Their presence shows that the
    /// object was written after the ledger said FENCING, which defeats every push decided earlier.
    pub fenced: Vec<Grant>,
    /// Owners on this node that get no grant now, and why.
    pub refusals: BTreeMap<Uid, Refusal>,
    /// The epoch of the last restore of etcd.
    pub epoch: u64,
}

/// What speaks for a machine being off (docs/ipam-protocol.md, "Fence"): true now, not for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    /// UID of the Node object of this name; `None` if there is none.
    pub current: Option<Uid>,
    /// ID of the machine that has registered it; `None` if it has not said so.
    pub machine: Option<Uid>,
    /// That Node has the taint `node.kubernetes.io/out-of-service`.
    pub out_of_service: bool,
    /// That Node's Ready condition is not Unknown: its kubelet reports, so its machine is on.
    pub reports: bool,
    /// The Node UID of which a user says that its machine is off (`landfall.dev/reclaim` on the node
    /// object).
    pub reclaimed: Option<Uid>,
}

/// The part of a node object's status that the protocol reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeStatus {
    /// UID of the Node object under which the writer runs.
    pub node_uid: Uid,
    /// Machine ID of the writer.
    pub machine: Uid,
    /// Earlier node UIDs that the machine may speak for.
    pub speaks_for: BTreeSet<Uid>,
    /// Acknowledged: no sandbox of the node uses (address, seq), nor ever will.
    pub released: BTreeSet<(IpAddr, Seq)>,
    /// Of these, what was given back because another host answered for it, and who did.
    pub conflicts: BTreeMap<(IpAddr, Seq), Mac>,
    /// The epoch that the agent has adopted: what it said before counts no more.
    pub epoch: u64,
    /// What is in use there, as long as not all of it is under a grant of that epoch.
    pub in_use: BTreeSet<InUse>,
    /// The agent has seen a later state of the cluster than there is: etcd was restored, unannounced.
    pub suspects: bool,
}

/// An address that a link of a node has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InUse {
    /// The address.
    pub address: IpAddr,
    /// The network's UID; 0 if nobody knows.
    pub network: Uid,
    /// The pod's UID; 0 if nobody knows.
    pub owner: Uid,
    /// The interface in the pod.
    pub interface: Name,
}

/// One address (or none, for a network without IPAM) for one interface of one owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The pod's UID.
    pub owner: Uid,
    /// The interface in the pod.
    pub interface: Name,
    /// The network's UID.
    pub network: Uid,
    /// The address and its seq; `None` where the network has no IPAM of ours.
    pub address: Option<(IpAddr, Seq)>,
    /// Which of several requested addresses of one family.
    pub index: u16,
    /// MAC address of the interface; `None` for ipvlan, which has its parent's.
    pub mac: Option<Mac>,
}

/// Why an owner gets no grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refusal {
    /// The Event's reason, such as `AddressPoolExhausted`.
    pub reason: String,
    /// A sentence for the user.
    pub message: String,
    /// Only the user can mend it: waiting is of no use.
    pub is_final: bool,
}

/// A pod that asks for networks and may start a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: Name,
    /// The node it is bound to.
    pub node: Name,
    /// When it was created, by the API server's clock, in whole seconds: the older is served first.
    pub created: Millis,
    /// What it asks for; empty if `refusal` is set.
    pub wants: Vec<Want>,
    /// Its annotation can't be served: why.
    pub refusal: Option<Refusal>,
}

/// One interface that a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Want {
    /// The network's UID.
    pub network: Uid,
    /// The interface's name in the pod.
    pub interface: Name,
    /// Requested addresses; empty: one per family, of the operator's choice.
    pub addresses: Vec<IpAddr>,
    /// Requested MAC address.
    pub mac: Option<Mac>,
    /// The claim that the addresses come from; no addresses are requested beside it.
    pub claim: Option<Share>,
}

// === impl Restore ===

impl Restore {
    /// Whether the ledger is still that of the backup.
    pub fn is_under_way(&self) -> bool {
        self.adopted < self.epoch
    }
}

// === impl Evidence ===

impl Evidence {
    /// Whether there is a Node of this name, and this machine may be the one that registered it.
    pub(super) fn may_be(&self, machine: Uid) -> bool {
        self.current.is_some() && self.machine.is_none_or(|own| own == machine)
    }
}

// === impl NodeView ===

impl NodeView {
    /// The node, called `name`, as the holder of an address for an owner's interface.
    pub(super) fn holder(&self, name: &Name, owner: Uid, interface: &Name, index: u16) -> Holder {
        Holder {
            node: name.clone(),
            node_uid: self.uid,
            machine: self.machine,
            owner,
            interface: interface.clone(),
            index,
        }
    }

    /// What an object says by itself, for who asks nothing about its Node, its freshness or evidence.
    pub fn of_object(uid: Uid, machine: Uid, spec: NodeSpec, status: NodeStatus) -> Self {
        Self {
            seen_at: Tick::default(),
            uid,
            machine,
            labels: BTreeMap::new(),
            live: false,
            reachable: false,
            has_provider: false,
            read_at: None,
            evidence: Seen::cached(Evidence::default()),
            spec,
            namespaces: BTreeMap::new(),
            status,
            without_parent: BTreeMap::new(),
        }
    }

    /// Whether something speaks for the machine of `holder` being off, for entries of a network
    /// with this policy.
    ///
    /// A deletion says nothing of a machine that has registered again since: it may serve what it was
    /// granted before, and it can release it.
    pub fn is_dead(&self, evidence: &Evidence, holder: &Holder, policy: NodeDeletion) -> bool {
        if self.is_reclaimed(evidence, holder) {
            return true;
        }
        let deleted = evidence.current != Some(holder.node_uid);
        let deletion_counts = match policy {
            NodeDeletion::Auto => self.has_provider,
            NodeDeletion::Fenced => true,
            NodeDeletion::Hold => false,
        };
        if deleted {
            deletion_counts && !evidence.may_be(holder.machine)
        } else {
            evidence.out_of_service
        }
    }

    /// Whether a user says that the machine of `holder` is off, and no kubelet says that it is on.
    fn is_reclaimed(&self, evidence: &Evidence, holder: &Holder) -> bool {
        let off = evidence.reclaimed;
        off.is_some_and(|off| self.is_named(off, holder) && !Self::is_on(evidence, off, holder))
    }

    /// Whether grants may be made for, and pushed to, the node.
    pub fn is_served(&self) -> bool {
        let evidence = &self.evidence.value;
        self.live
            && !evidence.out_of_service
            && evidence.reclaimed.is_none()
            && evidence.current == Some(self.uid)
    }
}

// === impl NodeStatus ===

impl NodeStatus {
    /// Whether the writer of this status may acknowledge for `holder` (docs/ipam-protocol.md, "Who speaks for a
    /// node"): the same machine, under that node UID or one it has had.
    pub fn speaks_for(&self, holder: &Holder) -> bool {
        self.machine == holder.machine
            && (self.node_uid == holder.node_uid || self.speaks_for.contains(&holder.node_uid))
    }
}
