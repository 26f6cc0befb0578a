//! What is promised over a restore of etcd.
//!
//! Announced: no address is live twice, at no time, and what nodes have in use is held when the ledger has
//! been rewritten. Between a restore that nobody announced and its announcement nothing is promised of
//! addresses: what was given twice then stays so, until its pods end; of all others the same is.

use std::net::IpAddr;

use landfall_core::{
    id::Uid,
    ledger::{Block, BlockId},
};

use super::{Checker, links::is_old};
use crate::api::Api;

// === impl Checker ===

impl Checker {
    /// etcd is a backup's: blocks have drawn what it says, and later versions of claims never were.
    pub fn go_back(&mut self, api: &Api) {
        let blocks = api.blocks.all();
        let drawn = blocks.map(|block| (block.meta.key.clone(), block.spec.seq));
        self.drawn = drawn.collect();
        self.register.go_back(api);
    }

    /// Nobody has said that etcd was restored.
    pub fn lose(&mut self) {
        self.is_unannounced = true;
        self.was_unannounced = true;
    }

    /// Somebody has, and the operators have started anew. Whether that is news.
    pub fn find(&mut self) -> bool {
        std::mem::take(&mut self.is_unannounced)
    }

    /// Whether an address was live twice, before a restore was announced.
    pub fn is_given_twice(&self, network: Uid, address: IpAddr) -> bool {
        self.given_twice.contains(&(self.segment(network), address))
    }

    /// Whether the ledger is a backup's still.
    pub fn is_lost(&self, api: &Api) -> bool {
        self.is_unannounced || api.restore.is_under_way()
    }

    /// A block is written while the ledger is the backup's: of the last epoch it holds all that is in use.
    pub(super) fn rewritten(&mut self, api: &Api, block: &Block) {
        if self.is_unannounced || is_old(api, block.seq) {
            return;
        }
        let in_block = self.devices.iter().filter(|((segment, address), _)| {
            BlockId::of(segment, *address) == block.id
                && !self.given_twice.contains(&(segment.clone(), *address))
        });
        let mut lost = in_block.filter(|((_, address), device)| {
            let entry = block.entries.get(address);
            let holder = entry
                .filter(|entry| entry.state.is_held())
                .and_then(|entry| entry.holder.as_ref());
            holder.is_none_or(|holder| holder.machine != device.machine)
        });
        if let Some(((_, address), device)) = lost.next() {
            let text = format!(
                "4: {address} is in use by {device:?}, and the rewritten ledger says {:?}",
                block.entries.get(address)
            );
            self.fail(text);
        }
    }
}
