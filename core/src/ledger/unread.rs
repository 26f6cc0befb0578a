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
        self.blocks.contains(id).then(|| Refusal {
            reason: String::from("AddressPoolExhausted"),
            message: message(),
            is_final: false,
        })
    }

    /// Why a network may have more addresses in use than is seen; `None` if all its blocks can be read.
    pub(super) fn refusal_of(&self, network: &Network) -> Option<Refusal> {
        let mut blocks = self.blocks.iter();
        blocks
            .find(|id| may_serve(network, id))
            .and_then(|id| self.refusal(id))
    }
}

#[cfg(test)]
mod tests;
