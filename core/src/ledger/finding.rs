//! What contradicts the protocol: somebody has written by hand what only the operator and the agents
//! write, or there is a mistake in them.

use alloc::{format, string::String};
use core::{fmt, net::IpAddr};

use super::{
    BlockId, Entry, State,
    claims::Claim,
    view::{Grant, Pod},
};
use crate::id::{Name, Seq, Uid};

/// The object that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An AddressBlock.
    Block(BlockId),
    /// A LandfallNode.
    Node(Name),
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An attachment is in place and held, and its node's spec does not list the grant.
    NotListed,
    /// A node says of one (address, seq) that it is attached and that it is released.
    ReleasedInUse,
    /// A node lists a grant that the ledger holds for another node, or under another seq.
    HeldElsewhere,
    /// A node lists a grant of which the ledger knows no more than its number: nobody holds it.
    NotHeld,
    /// A node lists a grant in a block that does not exist.
    NoBlock,
    /// Entry and grant of one (address, seq) tell of different owners, interfaces or machines.
    Differs,
    /// A node lists two grants for one place.
    TwoForOnePlace,
    /// A seq that the block has not drawn yet.
    SeqAhead,
    /// A node is asked for an address back, or fenced from it, that the ledger still grants to it.
    AskedBackTooSoon,
    /// An entry outside its block.
    Misplaced,
    /// A held entry that names no node or no owner.
    NoHolder,
    /// A held entry of a node that has no LandfallNode: nobody can release it.
    NoNode,
    /// A held entry of another machine than the node now is: only evidence that the machine is off
    /// can free it.
    NoVoice,
    /// An entry is CLAIMED and names no claim, or belongs to a pod that its claim is not for.
    NotItsClaim,
    /// An entry names a claim that does not exist: it does not become free.
    ClaimGone,
}

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// Where.
    pub subject: Subject,
    /// The address.
    pub address: IpAddr,
    /// A sentence for the cluster's administrators.
    pub message: String,
}

// === impl Kind ===

impl Kind {
    /// The number of the invariant that is broken (docs/ipam-protocol.md, "Invariants").
    pub fn invariant(self) -> u8 {
        match self {
            Self::NotListed | Self::ReleasedInUse => 2,
            Self::HeldElsewhere | Self::NoBlock | Self::Differs | Self::TwoForOnePlace => 3,
            Self::NotHeld => 4,
            Self::SeqAhead => 5,
            Self::AskedBackTooSoon => 7,
            Self::Misplaced | Self::NoHolder => 9,
            Self::NotItsClaim => 6,
            Self::NoNode | Self::NoVoice | Self::ClaimGone => 10,
        }
    }
}

// === impl Finding ===

impl Finding {
    /// What a node object says of an address.
    fn of_node(kind: Kind, node: &Name, address: IpAddr, what: impl fmt::Display) -> Self {
        Self {
            kind,
            subject: Subject::Node(node.clone()),
            address,
            message: format!("LandfallNode {node}: {what}"),
        }
    }

    /// What a block says of an address.
    fn of_block(kind: Kind, block: &BlockId, address: IpAddr, what: impl fmt::Display) -> Self {
        Self {
            kind,
            subject: Subject::Block(block.clone()),
            address,
            message: format!("AddressBlock {}: {what}", block.object_name()),
        }
    }

    /// With a second sentence: what is done about it.
    #[must_use]
    pub fn and(mut self, what: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(what);
        self
    }

    /// A listed grant that the ledger does not hold for this node and seq.
    pub(super) fn stray(node: &Name, key: (IpAddr, Seq), entry: Option<&Entry>) -> Self {
        let (address, seq) = key;
        let listed = format!("spec.grants lists {address} with seq {seq}");
        match entry {
            Some(entry) if entry.state.is_held() => {
                let holder = entry.holder.as_ref();
                let other = holder.map(|h| h.node.as_str()).unwrap_or_default();
                let what = format!(
                    "{listed}, which the ledger holds for node {other} with seq {}",
                    entry.seq
                );
                Self::of_node(Kind::HeldElsewhere, node, address, what)
            }
            Some(entry) => {
                let state = name_of(entry.state);
                let what = format!("{listed}, which is {state} in the ledger and not released");
                Self::of_node(Kind::NotHeld, node, address, what)
            }
            None => {
                let what = format!("{listed}, which is free in the ledger and not released");
                Self::of_node(Kind::NotHeld, node, address, what)
            }
        }
    }

    pub(super) fn no_block(node: &Name, key: (IpAddr, Seq)) -> Self {
        let (address, seq) = key;
        let what =
            format!("spec.grants lists {address} with seq {seq}, and no AddressBlock has it");
        Self::of_node(Kind::NoBlock, node, address, what)
    }

    pub(super) fn differs(
        block: &BlockId,
        key: (IpAddr, Seq),
        entry: &Entry,
        grant: &Grant,
    ) -> Self {
        let (address, seq) = key;
        let holder = entry.holder.as_ref();
        let node = holder.map(|h| h.node.as_str()).unwrap_or_default();
        let owner = holder.map(|h| h.owner).unwrap_or_default();
        let what = if owner == grant.owner {
            format!(
                "interface, network or machine of {address} with seq {seq} are not those of the \
                 grant that LandfallNode {node} lists"
            )
        } else {
            format!(
                "{address} with seq {seq} belongs to pod UID {owner}, and LandfallNode {node} \
                 lists it for {}",
                grant.owner
            )
        };
        Self::of_block(Kind::Differs, block, address, what)
    }

    pub(super) fn two_for_one_place(node: &Name, address: IpAddr, grant: &Grant) -> Self {
        let what = format!(
            "spec.grants lists {address} beside another grant for interface {} of pod UID {}",
            grant.interface, grant.owner
        );
        Self::of_node(Kind::TwoForOnePlace, node, address, what)
    }

    pub(super) fn entry_ahead(block: &BlockId, key: (IpAddr, Seq), drawn: Seq) -> Self {
        let (address, seq) = key;
        let what = format!("{address} has seq {seq}, and the block has drawn no more than {drawn}");
        Self::of_block(Kind::SeqAhead, block, address, what)
    }

    pub(super) fn grant_ahead(
        block: &BlockId,
        node: &Name,
        key: (IpAddr, Seq),
        drawn: Seq,
    ) -> Self {
        let (address, seq) = key;
        let what = format!(
            "LandfallNode {node} lists {address} with seq {seq}, and the block has drawn no more \
             than {drawn}"
        );
        Self::of_block(Kind::SeqAhead, block, address, what)
    }

    pub(super) fn asked_back_too_soon(node: &Name, key: (IpAddr, Seq)) -> Self {
        let (address, seq) = key;
        let what = format!(
            "spec.recalls or spec.fenced names {address} with seq {seq}, which the ledger grants \
             to this node"
        );
        Self::of_node(Kind::AskedBackTooSoon, node, address, what)
    }

    pub(super) fn misplaced(block: &BlockId, address: IpAddr) -> Self {
        let what = format!("{address} is not one of the block's addresses");
        Self::of_block(Kind::Misplaced, block, address, what)
    }

    pub(super) fn no_holder(block: &BlockId, address: IpAddr, state: State) -> Self {
        let state = name_of(state);
        let what = format!("{address} is {state} and names no node or no owner");
        Self::of_block(Kind::NoHolder, block, address, what)
    }

    pub(super) fn no_node(block: &BlockId, address: IpAddr, node: &Name) -> Self {
        let what = format!("{address} is held by node {node}, which has no LandfallNode");
        Self::of_block(Kind::NoNode, block, address, what)
    }

    pub(super) fn no_voice(block: &BlockId, address: IpAddr, node: &Name) -> Self {
        let what = format!(
            "{address} is held by another machine than node {node} now is, and waits for evidence \
             that it is off"
        );
        Self::of_block(Kind::NoVoice, block, address, what)
    }

    pub(super) fn no_claim(block: &BlockId, address: IpAddr) -> Self {
        let what = format!("{address} is Claimed and names no claim");
        Self::of_block(Kind::NotItsClaim, block, address, what)
    }

    pub(super) fn claim_gone(block: &BlockId, address: IpAddr, claim: Uid) -> Self {
        let what = format!("{address} is kept by claim UID {claim}, which does not exist");
        Self::of_block(Kind::ClaimGone, block, address, what)
    }

    pub(super) fn others_claim(block: &BlockId, address: IpAddr, claim: &Claim, pod: &Pod) -> Self {
        let what = format!(
            "{address} is kept by claim {}/{} and belongs to a pod of namespace {}",
            claim.namespace, claim.name, pod.namespace
        );
        Self::of_block(Kind::NotItsClaim, block, address, what)
    }

    pub(super) fn not_listed(node: &Name, key: (IpAddr, Seq)) -> Self {
        let (address, seq) = key;
        let what = format!(
            "{address} with seq {seq} is attached and held, and spec.grants does not list it"
        );
        Self::of_node(Kind::NotListed, node, address, what)
    }

    pub(super) fn released_in_use(node: &Name, key: (IpAddr, Seq)) -> Self {
        let (address, seq) = key;
        let what = format!("status says of {address} with seq {seq} both attached and released");
        Self::of_node(Kind::ReleasedInUse, node, address, what)
    }
}

/// As the objects spell it.
fn name_of(state: State) -> &'static str {
    match state {
        State::Reserved => "Reserved",
        State::Granted => "Granted",
        State::Recalling => "Recalling",
        State::Quarantined => "Quarantined",
        State::Fencing => "Fencing",
        State::Claimed => "Claimed",
        State::Cooling => "Cooling",
        State::Foreign => "Foreign",
    }
}
