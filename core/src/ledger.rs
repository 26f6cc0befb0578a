//! The ledger: who holds which address, and every rule by which that may change.
//!
//! Design: `docs/ipam-protocol.md`. Invariants are numbered here; code, tests and reviews cite
//! them by number.
//!
//! 1. Never two live devices with one (segment, address) in different sandboxes, unless fence
//!    evidence was false.
//! 2. A device with an address on a node implies a local record, which implies that
//!    (address, seq) was granted to that node and is not in its released set. 2b.
//!    `released(address, seq)` is not forgotten while the ledger holds (node, seq).
//! 3. At most one node holds an unreleased (address, seq); the ledger names that node and seq.
//! 4. FREE, CLAIMED, COOLING, FOREIGN, RESERVED imply that no node can still use any seq of it.
//! 5. seq is strictly monotonic; an acknowledgement with another seq changes nothing.
//! 6. CLAIMED(c) is granted to no other owner.
//! 7. Rule F holds on every transition: a held state is left only with `released(address, seq)`
//!    from a machine that may speak for the entry, or with the fence of that node.
//! 8. A cold agent serves nothing before its quorum read.
//! 9. States partition the pool; gateway and excluded addresses are never granted.
//! 10. Live: a bound pod gets an address if one is FREE, and every released one becomes FREE.
//! 11. Live: two operators do not livelock.
//! 12. A live attached sandbox keeps its device until its DEL.
//!
//! ```text
//!  view (what was read, and how fresh) ── decide ──> writes, each complete with its precondition
//!     ^                                                 │
//!     └───────────── the shell applies them ────────────┘
//! ```

use alloc::{collections::BTreeMap, format, string::String};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::{
    id::{Name, Seq, Uid},
    mac::Mac,
};

pub mod audit;
pub mod claims;
pub mod decide;
pub mod finding;
pub mod forsaken;
pub mod fresh;
pub mod rebuild;
pub mod reclaim;
pub mod restore;
pub mod rules;
pub mod unread;
pub mod view;

mod choose;
mod draft;
mod fence;
mod grant;
mod limit;
mod macs;
mod mend;
mod node;
mod push;
mod release;
mod specs;
mod word;

pub use decide::{Conflict, Decision, Write, decide};
pub use finding::{Finding, Kind, Subject};
pub use rules::Rules;
pub use view::View;

/// Milliseconds since the Unix epoch. Always an argument: this crate has no clock.
pub type Millis = u64;

/// The states of an address. FREE is the absence of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// Set aside for an owner that needs several addresses; pushed to no node (invariant 4).
    Reserved,
    /// Held by (node, owner, seq).
    Granted,
    /// Held; the node was asked to give it back.
    Recalling,
    /// Held; the node is unreachable.
    Quarantined,
    /// Held; the operator is closing the entries of a dead node.
    Fencing,
    /// Kept for a claim; no node may use it.
    Claimed,
    /// Released; rests before it is used again.
    Cooling,
    /// Another host of the LAN was found to use it; left alone for a while.
    Foreign,
}

/// Who holds an address, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// Name of the node.
    pub node: Name,
    /// UID of the Node object at the time of the grant.
    pub node_uid: Uid,
    /// Machine ID of the node at the time of the grant.
    pub machine: Uid,
    /// UID of the pod (for a mirror pod: of the static pod).
    pub owner: Uid,
    /// Name of the interface in the pod.
    pub interface: Name,
    /// Which of several requested addresses of one family; 0 if none was requested.
    pub index: u16,
}

/// One address that is not FREE.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Where the address stands.
    pub state: State,
    /// Drawn at the grant (or reservation); kept until the next one.
    pub seq: Seq,
    /// UID of the network it was granted for.
    pub network: Uid,
    /// Present in RESERVED and the held states.
    pub holder: Option<Holder>,
    /// The claim that keeps the address, whoever has it now.
    pub kept: Option<claims::Kept>,
    /// Of a FOREIGN one: the hardware address of who uses it.
    pub foreign: Option<Mac>,
    /// When the entry came into this state.
    pub since: Millis,
}

/// Names a block: a segment and 256 neighbouring addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// The L2 that all networks of the block share.
    pub segment: Name,
    /// The first address: a multiple of 256.
    pub first: IpAddr,
}

/// Up to 256 neighbouring addresses: the unit of compare-and-swap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// Which addresses.
    pub id: BlockId,
    /// The last seq drawn. Its epoch was drawn when the block object was made.
    pub seq: Seq,
    /// All addresses that are not FREE.
    pub entries: BTreeMap<IpAddr, Entry>,
}

// === impl State ===

impl State {
    /// GRANTED, RECALLING, QUARANTINED and FENCING: a node may have the address in use (Rule F).
    pub fn is_held(self) -> bool {
        match self {
            Self::Granted | Self::Recalling | Self::Quarantined | Self::Fencing => true,
            Self::Reserved | Self::Claimed | Self::Cooling | Self::Foreign => false,
        }
    }
}

// === impl Entry ===

impl Entry {
    /// Whether `node` holds the address under `seq`.
    pub fn is_held_by(&self, node: &Name, seq: Seq) -> bool {
        self.state.is_held()
            && self.seq == seq
            && self
                .holder
                .as_ref()
                .is_some_and(|holder| holder.node == *node)
    }

    /// Whether the address is RESERVED for its claim: that takes all it lacks, or none, so it may go back.
    pub fn is_open(&self) -> bool {
        self.state == State::Reserved && self.holder.is_none()
    }
}

// === impl BlockId ===

impl BlockId {
    /// The block that holds `address`.
    pub fn of(segment: &Name, address: IpAddr) -> Self {
        let first = match address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !0xff)),
        };
        Self {
            segment: segment.clone(),
            first,
        }
    }

    /// Whether the address is one of the block's.
    pub fn covers(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(v4)) => (first.to_bits() ^ v4.to_bits()) <= 0xff,
            (IpAddr::V6(first), IpAddr::V6(v6)) => (first.to_bits() ^ v6.to_bits()) <= 0xff,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// The name of the block's object: `<segment>-<hex of first address>`.
    pub fn object_name(&self) -> String {
        match self.first {
            IpAddr::V4(v4) => format!("{}-{:08x}", self.segment, v4.to_bits()),
            IpAddr::V6(v6) => format!("{}-{:032x}", self.segment, v6.to_bits()),
        }
    }

    /// The block whose object has this name; `None` if no block's has.
    pub fn of_object(name: &str) -> Option<Self> {
        let (segment, first) = name.rsplit_once('-')?;
        let first = match first.len() {
            8 => IpAddr::V4(Ipv4Addr::from_bits(u32::from_str_radix(first, 16).ok()?)),
            32 => IpAddr::V6(Ipv6Addr::from_bits(u128::from_str_radix(first, 16).ok()?)),
            _ => return None,
        };
        let id = Self::of(&Name::from(segment), first);
        (id.object_name() == name).then_some(id)
    }
}

// === impl Block ===

impl Block {
    /// A block that holds nothing yet.
    pub fn new(id: BlockId, epoch: u64) -> Self {
        Self {
            id,
            seq: Seq { epoch, counter: 0 },
            entries: BTreeMap::new(),
        }
    }

    /// Draws the next seq (invariant 5: strictly monotonic).
    pub fn draw(&mut self) -> Seq {
        self.seq.counter += 1;
        self.seq
    }

    /// Whether the block shows `address` at `seq` or a later one, and neither held by (node, seq) nor
    /// on the way to it: the removal rule. RESERVED becomes GRANTED under its seq, so a block that
    /// shows it is behind. A forgotten FREE entry stood at or before the block's counter.
    pub fn is_done_with(&self, address: IpAddr, node: &Name, seq: Seq) -> bool {
        match self.entries.get(&address) {
            Some(entry) if entry.seq == seq && entry.state == State::Reserved => false,
            Some(entry) => entry.seq >= seq && !entry.is_held_by(node, seq),
            None => self.seq >= seq,
        }
    }
}

#[cfg(test)]
mod tests;
