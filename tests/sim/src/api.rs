//! The kinds of objects that the simulated cluster has, and the requests that programs send.

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use landfall_core::{
    id::{Name, Seq, Uid},
    ledger::{
        Block, BlockId,
        view::{Evidence, NodeSpec, NodeStatus, Restore, Want},
    },
};

use crate::{
    claims::{ClaimSpec, ClaimStatus, Controller},
    server::{Collection, Object, Refusal, Revision},
};

/// An AddressBlock.
pub type BlockObject = Object<BlockId, Block, ()>;
/// A LandfallNode.
pub type NodeObject = Object<Name, Node, Status>;
/// A Node.
pub type KubeNode = Object<Name, Registration, Health>;
/// A Pod.
pub type PodObject = Object<Name, PodSpec, PodStatus>;
/// An AddressClaim or IPAMClaim.
pub type ClaimObject = Object<Name, ClaimSpec, ClaimStatus>;

/// The spec of a LandfallNode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `spec.node`: which Node and which machine it is for.
    pub identity: Identity,
    /// What the protocol writes.
    pub protocol: NodeSpec,
}

/// Which Node and machine a LandfallNode is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// UID of the Node.
    pub node: Uid,
    /// ID of the machine.
    pub machine: Uid,
    /// The Node has a `spec.providerID`.
    pub has_provider: bool,
}

/// The status of a LandfallNode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The part that decisions read.
    pub said: NodeStatus,
    /// The boot in which it was written.
    pub boot: Uid,
    /// What is attached.
    pub attached: BTreeSet<(IpAddr, Seq)>,
}

/// What kubelet registers, and an administrator's taint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// ID of the machine.
    pub machine: Uid,
    /// It has a `spec.providerID`.
    pub has_provider: bool,
    /// It has the taint out-of-service.
    pub is_tainted: bool,
}

/// What the control plane says of a Node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Its Ready condition is Unknown.
    pub is_silent: bool,
    /// The pod of our DaemonSet there is Ready.
    pub is_live: bool,
}

/// A pod, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSpec {
    /// Its UID, or that of the static pod that it mirrors.
    pub owner: Uid,
    /// Its namespace.
    pub namespace: Name,
    /// Where it is bound.
    pub node: Name,
    /// Who made it.
    pub controller: Option<Controller>,
    /// The claim that it names for its first interface.
    pub claim: Option<Name>,
    /// What it asks for.
    pub wants: Vec<Want>,
}

/// How far a pod is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodStatus {
    /// Succeeded or Failed.
    pub is_over: bool,
}

/// The API server with all that it has.
#[derive(Clone, Debug, Default)]
pub struct Api {
    /// One for all collections.
    pub revision: Revision,
    /// The ledger.
    pub blocks: Collection<BlockId, Block, ()>,
    /// LandfallNodes.
    pub nodes: Collection<Name, Node, Status>,
    /// Nodes.
    pub kube_nodes: Collection<Name, Registration, Health>,
    /// Pods.
    pub pods: Collection<Name, PodSpec, PodStatus>,
    /// AddressClaims and IPAMClaims.
    pub claims: Collection<Name, ClaimSpec, ClaimStatus>,
    /// How many ordinals each StatefulSet has.
    pub sets: Collection<Name, u32, ()>,
    /// The ConfigMap `landfall-ledger`: what is known of restores of etcd.
    pub restore: Restore,
    /// How many requests were answered.
    pub requests: u64,
}

/// A write, complete in itself: it may be sent, lost, or land late.
#[derive(Clone, Debug)]
pub enum Request {
    /// Make a LandfallNode, with our finalizer.
    CreateNode(Name, Node),
    /// Patch its spec, if UID and generation are these.
    PatchNode(Name, (Uid, u64), Node),
    /// Delete it, if it is this version.
    DeleteNode(Rc<NodeObject>),
    /// Take our finalizer from it, if it is this version.
    LetGoNode(Rc<NodeObject>),
    /// Take a user's word from it that its machine is off, if it is still this one.
    EndReclaim(Name, Uid, Uid),
    /// Patch its status, if its spec is for this machine.
    PatchStatus(Name, Uid, Status),
    /// Make a block.
    CreateBlock(Block),
    /// Replace a block, under the version that the object carries.
    ReplaceBlock(BlockObject),
    /// Set our finalizer of a claim, or take it away, if it is this version.
    GuardClaim(ClaimObject),
    /// Patch a claim's status.
    PatchClaim(Name, ClaimStatus),
    /// Note that the ledger is rewritten, unless another restore was announced since.
    NoteAdopted(u64),
}

/// What a write comes to.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The LandfallNode after it.
    Node(Rc<NodeObject>),
    /// The block after it.
    Block(Rc<BlockObject>),
    /// The claim after it: a watch shows it.
    Claim,
    /// The object is gone, or will be.
    Deleted,
    /// What is known of restores.
    Restore(Restore),
}

/// The finalizer of node objects and blocks.
pub fn guard() -> BTreeSet<Name> {
    BTreeSet::from([Name::from("landfall.dev/addresses")])
}

/// What `spec.node` says of a registered Node.
pub fn identity_of(node: &KubeNode) -> Identity {
    Identity {
        node: node.meta.uid,
        machine: node.spec.machine,
        has_provider: node.spec.has_provider,
    }
}

// === impl Api ===

impl Api {
    /// Does a write.
    pub fn perform(&mut self, request: Request) -> Result<Answer, Refusal> {
        self.requests += 1;
        let revision = &mut self.revision;
        match request {
            Request::CreateNode(name, node) => {
                let made = self.nodes.create(revision, name, node, guard());
                made.map(Answer::Node)
            }
            Request::PatchNode(name, tests, node) => {
                let patched = self.nodes.patch(revision, &name, tests, node);
                patched.map(Answer::Node)
            }
            Request::DeleteNode(object) => {
                let Object { meta, .. } = &*object;
                let (uid, version) = (Some(meta.uid), Some(meta.version));
                self.nodes.delete(revision, &meta.key, uid, version)?;
                let left = self.nodes.get(&meta.key);
                Ok(left.map_or(Answer::Deleted, |left| Answer::Node(Rc::clone(left))))
            }
            Request::LetGoNode(object) => {
                let mut next = (*object).clone();
                next.meta.finalizers.clear();
                self.nodes.replace(revision, &next)?;
                Ok(Answer::Deleted)
            }
            Request::EndReclaim(name, uid, word) => {
                let tests = (uid, Some(word));
                let patched = self.nodes.annotate(revision, &name, tests, None);
                patched.map(Answer::Node)
            }
            Request::PatchStatus(name, machine, status) => {
                let is_for = |object: &NodeObject| object.spec.identity.machine == machine;
                let patched = self.nodes.patch_status(revision, &name, is_for, status)?;
                Ok(Answer::Node(patched))
            }
            Request::CreateBlock(block) => {
                let id = block.id.clone();
                let made = self.blocks.create(revision, id, block, guard())?;
                Ok(Answer::Block(made))
            }
            Request::ReplaceBlock(object) => {
                let replaced = self.blocks.replace(revision, &object)?;
                let is_gone = self.blocks.get(&object.meta.key).is_none();
                Ok(if is_gone {
                    Answer::Deleted
                } else {
                    Answer::Block(replaced)
                })
            }
            Request::GuardClaim(object) => {
                self.claims.replace(revision, &object)?;
                Ok(Answer::Claim)
            }
            Request::PatchClaim(name, status) => {
                self.claims
                    .patch_status(revision, &name, |_| true, status)?;
                Ok(Answer::Claim)
            }
            Request::NoteAdopted(epoch) => Ok(Answer::Restore(self.note_adopted(epoch))),
        }
    }

    /// What a Node says of its machine being off, now.
    pub fn evidence(&self, name: &Name) -> Evidence {
        self.kube_nodes
            .get(name)
            .map_or_else(Evidence::default, |node| evidence_of(node))
    }

    /// Forgets history: watches that are behind must list again.
    pub fn compact(&mut self, keep: usize) {
        self.blocks.compact(keep);
        self.nodes.compact(keep);
        self.kube_nodes.compact(keep);
        self.pods.compact(keep);
        self.claims.compact(keep);
        self.sets.compact(keep);
    }
}

/// What a Node says of its machine being off.
pub fn evidence_of(node: &KubeNode) -> Evidence {
    Evidence {
        current: Some(node.meta.uid),
        machine: Some(node.spec.machine),
        out_of_service: node.spec.is_tainted,
        reports: !node.status.is_silent,
        reclaimed: None,
    }
}
