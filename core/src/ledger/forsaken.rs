//! Blocks that nobody needs any more.
//!
//! A block may be deleted when it is empty, no network can hand out an address of it, and no node
//! object names one. Its counter goes with it, and that loses nothing: a block object that is made
//! again draws a new epoch, which is above every seq of the old one (`rebuild.rs`), so no old
//! acknowledgement matches and no seq comes twice. What must not happen is that the ledger forgets a
//! grant that is on its way: that is an entry with a holder until its node has released it, so the
//! block is not empty; and the deletion is a compare-and-swap on the version that was seen empty.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use super::{BlockId, View};
use crate::{address::Range, id::Name, network::Network};

/// The blocks that may be deleted.
pub fn forsaken(view: &View) -> Vec<BlockId> {
    let blocks = view.blocks.iter();
    let empty = blocks.filter(|(_, seen)| seen.value.entries.is_empty());
    let unserved: Vec<&BlockId> = empty
        .map(|(id, _)| id)
        .filter(|id| !view.networks.values().any(|n| may_serve(&n.network, id)))
        .collect();
    // A node object that can't be read may name any address.
    if unserved.is_empty() || !view.unread.nodes.is_empty() {
        return Vec::new();
    }
    let named = named(view);
    let is_named = |id: &BlockId| named.iter().any(|address| id.covers(*address));
    let forsaken = unserved.into_iter().filter(|id| !is_named(id));
    forsaken.cloned().collect()
}

/// Whether the network has a subnet in the block, whatever of it may be handed out now.
pub(super) fn may_serve(network: &Network, id: &BlockId) -> bool {
    let Ok(block) = Range::new(id.first, id.last()) else {
        return true;
    };
    let is_in = |segment: &Name| *segment == id.segment;
    let mut subnets = network.ipam.subnets.iter();
    is_in(&network.segment) && subnets.any(|subnet| Range::from(subnet.cidr).overlaps(&block))
}

/// Every address that a node object names, of whatever segment.
fn named(view: &View) -> BTreeSet<IpAddr> {
    let mut named = BTreeSet::new();
    for node in view.nodes.values() {
        named.extend(node.spec.keys().iter().map(|(address, _)| *address));
    }
    named
}

#[cfg(test)]
mod tests;
