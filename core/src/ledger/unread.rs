//! Objects that are there and can't be read: somebody edited them.
//!
//! What they say is unknown, so nothing is given away that they may hold, nothing is taken back that they
//! may list, and none of them is made anew. All else goes on.

use alloc::{collections::BTreeSet, format, string::String};

use super::{BlockId, forsaken::may_serve, view::Refusal};
use crate::{id::Name, network::Network};

/// Objects that are there and can't be read. None of them is in the view otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Blocks. All their addresses may be held.
    pub blocks: BTreeSet<BlockId>,
    /// Node objects. They may list any address.
    pub nodes: BTreeSet<Name>,
    /// Claims, as `namespace/name`. They may keep any address.
    pub claims: BTreeSet<Name>,
}

// === impl Unread ===

impl Unread {
    /// Why an address of a block is not to be had; `None` if the block can be read.
    pub(super) fn refusal(&self, id: &BlockId) -> Option<Refusal> {
        let message = || {
            format!(
                "AddressBlock {} can't be read, and none of its addresses is given away before it is \
                 mended: its Events say what is wrong",
                id.object_name()
            )
        };
        self.blocks.contains(id).then(|| exhausted(message()))
    }

    /// Why a block can't be made; `None` if it can. A new block must know all that nodes hold and claims
    /// keep of it, or it would call that free.
    pub(super) fn prevents(&self, id: &BlockId) -> Option<Refusal> {
        let node = self
            .nodes
            .first()
            .map(|node| format!("LandfallNode {node}"));
        let claim = || {
            let claim = self.claims.first()?;
            Some(format!("AddressClaim {claim}"))
        };
        let what = node.or_else(claim)?;
        let message = format!(
            "{what} can't be read, and before it is mended AddressBlock {} can't be made: which of its \
             addresses are in use is not known. The Events of that object say what is wrong",
            id.object_name()
        );
        Some(exhausted(message))
    }

    /// Why a network may have more addresses in use than is seen; `None` if all its blocks can be read.
    pub(super) fn refusal_of(&self, network: &Network) -> Option<Refusal> {
        let mut blocks = self.blocks.iter();
        blocks
            .find(|id| may_serve(network, id))
            .and_then(|id| self.refusal(id))
    }
}

fn exhausted(message: String) -> Refusal {
    Refusal {
        reason: String::from("AddressPoolExhausted"),
        message,
        is_final: false,
    }
}

#[cfg(test)]
mod tests;
