//! What a run of the model has in it: nodes, pods, addresses, and which faults may happen how often.

use std::{collections::BTreeMap, vec::Vec};

use crate::{
    address::{Family, Range},
    id::{Name, Uid},
    ledger::{
        BlockId,
        claims::Share,
        view::{NetworkView, Pod, Want},
    },
    network::NodeDeletion,
    walk::kit,
};

/// UID of the one network.
pub(super) const NETWORK: Uid = Uid(77);
/// UID of the one claim.
pub(super) const CLAIM: Uid = Uid(78);
/// The one interface of every pod.
pub(super) const INTERFACE: &str = "net1";
/// Node names.
pub(super) const NODES: [&str; 2] = ["n0", "n1"];
/// The epoch of the one restore.
pub(super) const EPOCH: u64 = 50;
/// Sandboxes of one pod at a time.
pub(super) const SLOTS: usize = 2;

/// What only happens as often as the run allows. Everything else is progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A pod is bound.
    Create,
    /// A pod is deleted by force.
    Delete,
    /// kubelet takes a sandbox that lives for dead.
    Kill,
    /// kubelet waits no longer for an ADD.
    GiveUp,
    /// The agent dies, between any two effects.
    Crash,
    /// The agent dies and `/run` is lost; the sandboxes live.
    LoseRun,
    /// A machine loses power.
    Power,
    /// The taint out-of-service is set on a machine that is off.
    Taint,
    /// A node is cut off from the API server.
    Cut,
    /// A link can't be made or removed.
    Link,
    /// A removal is left to the kernel.
    Left,
    /// The Node is deleted and another machine takes its name.
    Rename,
    /// The Node is deleted and the same machine registers again.
    Register,
    /// An operator's write is done, and its reply is lost.
    Reply,
    /// A block is deleted by hand.
    Block,
    /// A status write lands late, after later ones.
    Late,
    /// An agent without a memory lists from a cache that is behind.
    Stale,
    /// The claim is deleted.
    EndClaim,
    /// A backup of etcd is made.
    Backup,
    /// etcd is restored from it, and that is announced.
    Restore,
    /// Another host of the LAN answers a probe, and is gone by the next.
    Foreign,
}

/// How many kinds there are.
pub(super) const FAULTS: usize = 21;

/// A run.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Config {
    /// Names it in the record.
    pub(super) name: &'static str,
    /// The pool.
    pub(super) cidrs: &'static [&'static str],
    /// The node of each pod.
    pub(super) pods: &'static [usize],
    /// Pods that name the claim; without any there is none.
    pub(super) claim: &'static [usize],
    /// Operators with lagging caches, beside the one that reads fresh.
    pub(super) lagging: usize,
    /// How often each fault may happen.
    pub(super) faults: &'static [(Fault, u8)],
    /// No more than this many grants are drawn.
    pub(super) seq_bound: u64,
    /// A node that does not answer is QUARANTINED.
    pub(super) quarantine: bool,
    /// A kubelet that starts may have an old list of pods.
    pub(super) stale_kubelet: bool,
    /// That a machine is off is a user's word on the node object, and no taint.
    pub(super) is_reclaimed: bool,
    /// The network's addresses are probed before their use.
    pub(super) probe: bool,
}

impl Config {
    /// One address, one pod a node, no faults.
    pub(super) const PLAIN: Self = Self {
        name: "plain",
        cidrs: &["10.0.0.1/32"],
        pods: &[0, 1],
        claim: &[],
        lagging: 0,
        faults: &[],
        seq_bound: 3,
        quarantine: false,
        stale_kubelet: false,
        is_reclaimed: false,
        probe: false,
    };

    /// With an operator whose caches lag.
    pub(super) const STALE: Self = Self {
        lagging: 1,
        ..Self::PLAIN
    };

    pub(super) fn allowed(&self, fault: Fault) -> u8 {
        let own = self.faults.iter().find(|(kind, _)| *kind == fault);
        own.map_or(0, |(_, often)| *often)
    }

    pub(super) fn families(&self) -> Vec<Family> {
        let v6 = |cidr: &&str| cidr.contains(':');
        let mut families = Vec::new();
        if !self.cidrs.iter().all(v6) {
            families.push(Family::V4);
        }
        if self.cidrs.iter().any(v6) {
            families.push(Family::V6);
        }
        families
    }

    /// The one network, without rest between two uses of an address, also after a conflict: safety must not need it.
    pub(super) fn networks(&self) -> BTreeMap<Uid, NetworkView> {
        let mut network = kit::network(NETWORK, "lan", self.cidrs);
        network.ipam.reuse_preferred_ms = 0;
        network.ipam.foreign_ms = 0;
        network.node_deletion = NodeDeletion::Hold;
        let view = NetworkView {
            network,
            closed: None,
        };
        BTreeMap::from([(NETWORK, view)])
    }

    /// The block of each family.
    pub(super) fn blocks(&self) -> Vec<BlockId> {
        let lan = Name::from("lan");
        let networks = self.networks();
        let usable = |family: Family| {
            let subnets = networks[&NETWORK].network.ipam.subnets.iter();
            let mut ranges = subnets.flat_map(|s| s.usable.ranges()).map(Range::first);
            ranges.find(|first| Family::of(*first) == family)
        };
        let families = self.families();
        let blocks = families.iter().map(|family| {
            let first = usable(*family).expect("the pool has this family");
            BlockId::of(&lan, first)
        });
        blocks.collect()
    }

    /// What the operator sees of a pod.
    pub(super) fn pod(&self, pod: usize) -> Pod {
        let want = Want {
            network: NETWORK,
            interface: Name::from(INTERFACE),
            addresses: Vec::new(),
            mac: None,
            claim: self.claim.contains(&pod).then_some(Share {
                claim: CLAIM,
                ordinal: None,
            }),
        };
        Pod {
            namespace: Name::from("default"),
            node: Name::from(NODES[self.pods[pod]]),
            created: 0,
            wants: Vec::from([want]),
            refusal: None,
        }
    }

    /// Addresses of one family.
    pub(super) fn capacity(&self) -> usize {
        let networks = self.networks();
        let capacity = networks[&NETWORK].network.capacity(self.families()[0]);
        usize::try_from(capacity).expect("a small pool")
    }
}

/// The UID of a pod, or rather of the owner.
pub(super) fn owner(pod: usize) -> Uid {
    Uid(1000 + u128::try_from(pod).expect("a small number"))
}

/// A pod that never exists: a link that no record explains is nobody's.
const NOBODY: usize = 15;

/// Which pod has this UID.
pub(super) fn pod_of(owner: Uid) -> usize {
    let pod = owner.0.checked_sub(1000);
    pod.map_or(NOBODY, |pod| usize::try_from(pod).expect("a small number"))
}
