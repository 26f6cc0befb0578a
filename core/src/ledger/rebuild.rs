//! A block that is made anew takes over what the nodes hold.
//!
//! A block object may have been deleted by hand. Before any block is made, all node objects are
//! listed with quorum; what they name is entered as held, under its own seq, so that an old
//! acknowledgement still matches and the new epoch, which is higher, never draws it again. So are all
//! claims: what they say they keep is theirs, and CLAIMED if no node names it.

use alloc::{collections::BTreeMap, vec::Vec};
use core::net::IpAddr;

use super::{
    Block, BlockId, Entry, Millis, State,
    claims::{Kept, Share},
    fresh::Quorum,
    mend, restore,
    view::{Grant, NodeView},
};
use crate::id::{Name, Uid};

/// An address that a claim's status names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The address.
    pub address: IpAddr,
    /// UID of the claim's network.
    pub network: Uid,
    /// The claim, and for which of its pods.
    pub kept: Kept,
}

// === impl Named ===

impl Named {
    /// What a claim says that it keeps. `first` is the first ordinal of a StatefulSet's claim: the place of
    /// an address among those that the claim asks for tells its ordinal, else its place among those that
    /// are kept.
    pub fn by_claim(
        network: Uid,
        claim: (Uid, u64),
        first: Option<u32>,
        keeps: impl IntoIterator<Item = IpAddr>,
        asked: &[IpAddr],
    ) -> Vec<Self> {
        let (mut next_ipv4, mut next_ipv6) = (first, first);
        let mut ordinal = |address: IpAddr| {
            let next = if address.is_ipv6() {
                &mut next_ipv6
            } else {
                &mut next_ipv4
            };
            let place = *next;
            *next = next.map(|next| next.saturating_add(1));
            let own = asked.iter().filter(|a| a.is_ipv6() == address.is_ipv6());
            let asked = (0_u32..).zip(own).find(|(_, asked)| **asked == address);
            place.map(|place| asked.map_or(place, |(asked, _)| asked))
        };
        let (claim, generation) = claim;
        let named = keeps.into_iter().map(|address| Self {
            address,
            network,
            kept: Kept {
                share: Share {
                    claim,
                    ordinal: ordinal(address),
                },
                generation,
            },
        });
        named.collect()
    }
}

/// The block under `epoch`, with everything in its range that a node object grants or recalls.
/// `claims` is what claims keep. `segments` maps a network's UID to its segment.
pub fn rebuild(
    id: BlockId,
    epoch: u64,
    now: Millis,
    nodes: Quorum<&BTreeMap<Name, NodeView>>,
    claims: Quorum<&[Named]>,
    segments: &BTreeMap<Uid, Name>,
) -> Block {
    let mut block = Block::new(id, epoch);
    for (name, node) in *nodes.get() {
        for grant in node.spec.grants.iter().chain(&node.spec.fenced) {
            if segments.get(&grant.network) != Some(&block.id.segment) {
                continue;
            }
            if let Some((address, entry)) = held_entry(name, node, grant, now)
                && BlockId::of(&block.id.segment, address) == block.id
            {
                let older = block
                    .entries
                    .get(&address)
                    .is_none_or(|known| known.seq < entry.seq);
                if older {
                    // Above the new epoch only if the object was edited; still nothing is drawn twice.
                    if mend::is_credible(entry.seq) {
                        block.seq = block.seq.max(entry.seq);
                    }
                    block.entries.insert(address, entry);
                }
            }
        }
    }
    enter_in_use(&mut block, now, nodes, segments);
    for named in *claims.get() {
        if segments.get(&named.network) == Some(&block.id.segment)
            && BlockId::of(&block.id.segment, named.address) == block.id
        {
            keep(&mut block, named, now);
        }
    }
    block
}

/// What a node holds stays held; the claim gets it back with its release.
fn keep(block: &mut Block, named: &Named, since: Millis) {
    if let Some(entry) = block.entries.get_mut(&named.address) {
        if entry.network == named.network {
            entry.kept = Some(named.kept);
        }
        return;
    }
    let seq = block.draw();
    let entry = Entry {
        state: State::Claimed,
        seq,
        network: named.network,
        holder: None,
        kept: Some(named.kept),
        foreign: None,
        since,
    };
    block.entries.insert(named.address, entry);
}

/// After a restore of etcd nodes have in use what nobody has granted yet.
fn enter_in_use(
    block: &mut Block,
    now: Millis,
    nodes: Quorum<&BTreeMap<Name, NodeView>>,
    segments: &BTreeMap<Uid, Name>,
) {
    for (name, node) in *nodes.get() {
        for used in &node.status.in_use {
            if restore::is_in(segments.get(&used.network), used, &block.id) {
                let holder = restore::holder_of(name, node, used);
                restore::enter(block, used, holder, now);
            }
        }
    }
}

fn held_entry(
    name: &Name,
    node: &NodeView,
    grant: &Grant,
    since: Millis,
) -> Option<(IpAddr, Entry)> {
    let (address, seq) = grant.address?;
    let state = if node.spec.fenced.contains(grant) {
        State::Fencing
    } else if node.spec.recalls.contains(&(address, seq)) {
        State::Recalling
    } else {
        State::Granted
    };
    let holder = node.holder(name, grant.owner, &grant.interface, grant.index);
    Some((
        address,
        Entry {
            state,
            seq,
            network: grant.network,
            holder: Some(holder),
            kept: None,
            foreign: None,
            since,
        },
    ))
}
