//! Blocks as they will be after the writes of this decision.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    Block, BlockId, Entry, Holder, Rules, State, View, Write, claims::Kept, limit::Counts,
};
use crate::{
    id::{Name, Seq, Uid},
    mac::Mac,
};

/// The blocks of a view with this decision's changes on top: one write a block.
pub(super) struct Drafts<'v> {
    view: &'v View,
    rules: Rules,
    changed: BTreeMap<BlockId, Block>,
    missing: BTreeSet<BlockId>,
    /// Addresses that nobody gets now, by segment: a node lists them and has not released them,
    /// though the ledger does not hold them for it. Whether that is certain.
    barred: BTreeMap<(Name, IpAddr), bool>,
    /// What namespaces hold of networks with a limit; counted when it is first asked for.
    pub(super) counts: Option<Counts>,
}

impl<'v> Drafts<'v> {
    pub(super) fn new(view: &'v View, rules: Rules) -> Self {
        Self {
            view,
            rules,
            changed: BTreeMap::new(),
            missing: BTreeSet::new(),
            barred: BTreeMap::new(),
            counts: None,
        }
    }

    /// The block with the changes so far.
    pub(super) fn block(&self, id: &BlockId) -> Option<&Block> {
        self.changed
            .get(id)
            .or_else(|| self.view.blocks.get(id).map(|seen| &seen.value))
    }

    /// The block to change; `None` if it does not exist yet.
    fn block_mut(&mut self, id: &BlockId) -> Option<&mut Block> {
        if !self.changed.contains_key(id) {
            let block = self.view.blocks.get(id)?.value.clone();
            self.changed.insert(id.clone(), block);
        }
        self.changed.get_mut(id)
    }

    /// Asks for a block object that does not exist and can be made. One that can't be read does exist.
    pub(super) fn miss(&mut self, id: BlockId) {
        let unread = &self.view.unread;
        if !unread.blocks.contains(&id) && unread.prevents(&id).is_none() {
            self.missing.insert(id);
        }
    }

    /// Whether this decision asked for the block to be made.
    pub(super) fn is_missing(&self, id: &BlockId) -> bool {
        self.missing.contains(id)
    }

    /// Keeps an address from being handed out by this decision: a node may have it.
    pub(super) fn bar(&mut self, segment: &Name, address: IpAddr) {
        self.barred.entry((segment.clone(), address)).or_default();
    }

    /// Keeps an address from being handed out, as certainly a node may have it.
    pub(super) fn contest(&mut self, segment: &Name, address: IpAddr) {
        self.barred.insert((segment.clone(), address), true);
    }

    /// Whether the address is barred, and if so whether that is certain.
    pub(super) fn is_barred(&self, segment: &Name, address: IpAddr) -> Option<bool> {
        if self.barred.is_empty() {
            return None;
        }
        self.barred.get(&(segment.clone(), address)).copied()
    }

    /// The addresses of a segment that must not be handed out.
    pub(super) fn barred<'d>(&'d self, segment: &'d Name) -> impl Iterator<Item = IpAddr> + 'd {
        let of_segment = self.barred.keys().filter(move |(name, _)| name == segment);
        of_segment.map(|(_, address)| *address)
    }

    /// Takes an address that is free or CLAIMED: a new seq, RESERVED or GRANTED. One that a claim
    /// keeps stays the claim's.
    pub(super) fn take(&mut self, id: &BlockId, address: IpAddr, taken: Taken) {
        let since = self.view.now;
        if let Some(counts) = &mut self.counts {
            counts.add(self.view, taken.network, &taken.holder);
        }
        if let Some(block) = self.block_mut(id) {
            let seq = block.draw();
            let known = block.entries.get(&address).and_then(|entry| entry.kept);
            let entry = Entry {
                state: taken.state,
                seq,
                network: taken.network,
                holder: Some(taken.holder),
                kept: known.or(taken.kept),
                foreign: None,
                since,
            };
            block.entries.insert(address, entry);
        }
    }

    /// Takes a free address for a claim: a new seq, RESERVED or CLAIMED.
    pub(super) fn keep(
        &mut self,
        id: &BlockId,
        address: IpAddr,
        network: Uid,
        kept: Kept,
        state: State,
    ) {
        let since = self.view.now;
        if !self.is_untouched(id, address) {
            return;
        }
        if let Some(block) = self.block_mut(id) {
            let seq = block.draw();
            let entry = Entry {
                state,
                seq,
                network,
                holder: None,
                kept: Some(kept),
                foreign: None,
                since,
            };
            block.entries.insert(address, entry);
        }
    }

    /// Says which claim keeps an entry, or that none does.
    pub(super) fn mark(&mut self, id: &BlockId, address: IpAddr, kept: Option<Kept>) {
        if self.is_untouched(id, address)
            && let Some(entry) = self
                .block_mut(id)
                .and_then(|block| block.entries.get_mut(&address))
        {
            entry.kept = kept;
        }
    }

    fn is_kept(&self, id: &BlockId, address: IpAddr) -> bool {
        let entry = self.block(id).and_then(|block| block.entries.get(&address));
        entry.is_some_and(|entry| entry.kept.is_some())
    }

    /// Nobody has the address any more: it goes back to its claim, or rests.
    pub(super) fn close(&mut self, id: &BlockId, address: IpAddr) {
        let state = if self.is_kept(id, address) {
            State::Claimed
        } else {
            State::Cooling
        };
        self.turn(id, address, state);
    }

    /// RESERVED, which no node has, goes back to where it came from.
    pub(super) fn give_back(&mut self, id: &BlockId, address: IpAddr) {
        if self.is_kept(id, address) {
            self.turn(id, address, State::Claimed);
        } else {
            self.forget(id, address);
        }
    }

    /// Whether this decision has not touched the entry yet: the first rule that speaks wins, so that
    /// no rule judges what another has just changed.
    fn is_untouched(&self, id: &BlockId, address: IpAddr) -> bool {
        let seen = self
            .view
            .blocks
            .get(id)
            .and_then(|seen| seen.value.entries.get(&address));
        let draft = self.block(id).and_then(|block| block.entries.get(&address));
        seen == draft
    }

    /// Moves an entry to another state under the same seq.
    pub(super) fn turn(&mut self, id: &BlockId, address: IpAddr, state: State) {
        let now = self.view.now;
        if !self.is_untouched(id, address) {
            return;
        }
        if let Some(entry) = self
            .block_mut(id)
            .and_then(|block| block.entries.get_mut(&address))
        {
            entry.state = state;
            entry.since = now;
            entry.foreign = entry.foreign.filter(|_| state == State::Foreign);
            if !state.is_held() && state != State::Reserved {
                entry.holder = None;
            }
        }
    }

    /// A node gave the address back because another host has it.
    pub(super) fn turn_foreign(&mut self, id: &BlockId, address: IpAddr, mac: Mac) {
        if !self.is_untouched(id, address) {
            return;
        }
        self.turn(id, address, State::Foreign);
        if let Some(block) = self.block_mut(id)
            && let Some(entry) = block.entries.get_mut(&address)
        {
            entry.foreign = Some(mac);
        }
    }

    /// Writes an entry as it must be, unless this decision has touched it.
    pub(super) fn put(&mut self, id: &BlockId, address: IpAddr, entry: Entry) {
        if self.is_untouched(id, address)
            && let Some(block) = self.block_mut(id)
        {
            block.entries.insert(address, entry);
        }
    }

    /// The block has drawn `seq`, whatever it says (invariant 5).
    pub(super) fn raise(&mut self, id: &BlockId, seq: Seq) {
        if self.block(id).is_some_and(|block| block.seq < seq)
            && let Some(block) = self.block_mut(id)
        {
            block.seq = seq;
        }
    }

    /// Forgets an entry that no node can use: the address is FREE.
    pub(super) fn forget(&mut self, id: &BlockId, address: IpAddr) {
        let rules = self.rules;
        if self.is_untouched(id, address)
            && let Some(block) = self.block_mut(id)
        {
            block.entries.remove(&address);
            if !rules.seq_outlives_entry && block.entries.is_empty() {
                block.seq.counter = 0;
            }
        }
    }

    /// What this decision has taken for an owner, by a test of its entries.
    pub(super) fn taken(
        &self,
        test: impl Fn(IpAddr, &Entry, &Holder) -> bool,
    ) -> Option<(IpAddr, &Entry)> {
        let entries = self.changed.values().flat_map(|block| &block.entries);
        let mut held = entries.filter_map(|(a, entry)| Some((*a, entry, entry.holder.as_ref()?)));
        held.find(|(address, entry, holder)| test(*address, entry, holder))
            .map(|(address, entry, _)| (address, entry))
    }

    /// Block writes and creations of this decision.
    pub(super) fn into_writes(self) -> Vec<Write> {
        let created = self.missing.into_iter().map(Write::CreateBlock);
        created
            .chain(self.changed.into_values().map(Write::Block))
            .collect()
    }
}

/// What becomes of an address that is taken.
pub(super) struct Taken {
    pub(super) state: State,
    pub(super) network: Uid,
    pub(super) holder: Holder,
    /// The claim that keeps it from now on, unless one does.
    pub(super) kept: Option<Kept>,
}

/// Where an owner's entries are.
pub(super) type Held<'v> = BTreeMap<Uid, Vec<(&'v BlockId, IpAddr, &'v Entry, &'v Holder)>>;

/// All entries with a holder, by owner. One outside its block is none of the ledger's.
pub(super) fn by_owner(view: &View) -> Held<'_> {
    let mut held = Held::new();
    for (id, seen) in &view.blocks {
        for (address, entry) in seen.value.entries.iter().filter(|(a, _)| id.covers(**a)) {
            if let Some(holder) = &entry.holder {
                held.entry(holder.owner)
                    .or_default()
                    .push((id, *address, entry, holder));
            }
        }
    }
    held
}

/// The block of `address` for `network`, if both are known.
pub(super) fn block_of(view: &View, network: Uid, address: IpAddr) -> Option<BlockId> {
    let segment: &Name = &view.networks.get(&network)?.network.segment;
    Some(BlockId::of(segment, address))
}
