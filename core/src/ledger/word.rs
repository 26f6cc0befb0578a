//! What the ledger says of an (address, seq) that a node object names.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Block, BlockId, Entry, View, Write, draft, fresh::Seen, view::NodeView};
use crate::id::{Name, Seq, Uid};

/// The ledger's word on (node, address, seq).
pub(super) enum Word<'v> {
    /// Held by this node under this seq.
    Held(&'v BlockId, &'v Entry),
    /// At this seq or a later one, and not held by (node, seq). What is closed at a seq stays
    /// closed, so a block of any age will do.
    Done(&'v BlockId, &'v Seen<Block>),
    /// The block shows a lower seq: it is older than the grant, or was edited.
    Behind(&'v BlockId, &'v Seen<Block>),
    /// The block is not there, or can't be read.
    NoBlock(BlockId),
    /// The network is not known, and no block has the address, or several have, or one that can't be read.
    Unclear {
        /// Whether several have it and all are done with it.
        is_done: bool,
    },
}

/// The ledger's word on what `node` names under `key`. `network` is unknown of a recall without its
/// grant.
pub(super) fn word_on<'v>(
    view: &'v View,
    node: &Name,
    network: Option<Uid>,
    key: (IpAddr, Seq),
) -> Word<'v> {
    let (address, seq) = key;
    let id = network.and_then(|network| draft::block_of(view, network, address));
    if let Some(id) = id {
        return match view.blocks.get_key_value(&id) {
            Some((id, block)) => word_of(id, block, node, key),
            None => Word::NoBlock(id),
        };
    }
    let mut unread = view.unread.blocks.iter();
    if unread.any(|id| id.covers(address)) {
        return Word::Unclear { is_done: false };
    }
    let mut all = view.blocks.iter().filter(|(id, _)| id.covers(address));
    match (all.next(), all.next()) {
        (Some((id, block)), None) => word_of(id, block, node, key),
        (None, _) => Word::Unclear { is_done: false },
        (Some(_), Some(_)) => {
            let mut all = view.blocks.iter().filter(|(id, _)| id.covers(address));
            Word::Unclear {
                is_done: all.all(|(_, block)| block.value.is_done_with(address, node, seq)),
            }
        }
    }
}

fn word_of<'v>(
    id: &'v BlockId,
    block: &'v Seen<Block>,
    node: &Name,
    key: (IpAddr, Seq),
) -> Word<'v> {
    let (address, seq) = key;
    match block.value.entries.get(&address) {
        Some(entry) if entry.is_held_by(node, seq) => Word::Held(id, entry),
        _ if block.value.is_done_with(address, node, seq) => Word::Done(id, block),
        _ => Word::Behind(id, block),
    }
}

/// What must still be read before block and node object together are certain: the block first, the
/// object after it. Nothing, if they were read so.
pub(super) fn reads_for_certainty(
    id: &BlockId,
    block: &Seen<Block>,
    name: &Name,
    node: &NodeView,
) -> Vec<Write> {
    let read_node = Write::ReadNode(name.clone());
    match (block.quorum_at, node.read_at) {
        (Some(block_at), Some(node_at)) if node_at > block_at => Vec::new(),
        (Some(_), _) => Vec::from([read_node]),
        (None, _) => Vec::from([Write::ReadBlock(id.clone()), read_node]),
    }
}
