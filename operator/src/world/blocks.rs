//! AddressBlocks: the ledger as last seen.

use std::{collections::BTreeSet, net::Ipv4Addr};

use kube::{ResourceExt as _, runtime::watcher::Event};
use landfall_core::{
    id::Name,
    ledger::{
        BlockId, Entry,
        forsaken::forsaken,
        fresh::{Seen, Tick},
    },
};
use landfall_crds::{block::AddressBlock, guarded::Unread, keys::finalizer};

use super::{World, relist::Step, version};
use crate::{
    convert,
    events::{Notice, Regarding},
    watches::Read,
};

// === impl World ===

impl World {
    pub(super) fn observe_block(&mut self, event: Event<Read<AddressBlock>>) {
        self.unread_blocks.follow(&event);
        let relist = &mut self.watches.blocks;
        for step in relist.steps(event, key, &self.blocks) {
            match step {
                Step::Put(Ok(object)) => self.put_block(*object, None),
                Step::Put(Err(unread)) => self.put_unread_block(*unread),
                Step::Deleted(Ok(object)) => self.drop_deleted_block(&object),
                Step::Deleted(Err(unread)) => self.drop_unread_block(&unread),
                Step::Absent(id) => {
                    self.doubts.blocks.insert(id);
                }
            }
        }
        self.note_unread();
    }

    /// Takes a block, unless a later version is known. `quorum_at` is when a quorum read, or our own
    /// successful write, of exactly this version began.
    pub(crate) fn put_block(&mut self, object: AddressBlock, quorum_at: Option<Tick>) {
        if !convert::block::is_own(&object) {
            self.strangers.insert(object.name_any(), stranger(&object));
            return;
        }
        self.strangers.remove(&object.name_any());
        let id = convert::block::id(&object);
        let known = self.blocks.get(&id).map(|known| version(&known.metadata));
        let new = version(&object.metadata);
        let is_overtaken = self.unread_blocks.is_overtaken(&id, &object.metadata);
        if known.is_some_and(|known| new < known) || is_overtaken {
            return;
        }
        self.unread_blocks.remove(&id);
        self.note_unread();
        // The watch repeats our own write: it says nothing new, and takes no freshness away.
        let before = self
            .view
            .blocks
            .get(&id)
            .filter(|_| known == Some(new))
            .and_then(|seen| seen.quorum_at);
        let seen = Seen {
            value: convert::block::read(&object),
            quorum_at: before.max(quorum_at),
        };
        self.changed |= self.view.blocks.get(&id) != Some(&seen);
        self.view.blocks.insert(id.clone(), seen);
        self.blocks.insert(id, object);
    }

    /// Sets a block aside that can't be read: what was known of it says nothing any more. One whose name
    /// is no block's is none of the ledger's.
    fn put_unread_block(&mut self, unread: Unread) {
        let Some(id) = unread_id(&unread) else {
            let name = unread.meta.name.clone().unwrap_or_default();
            self.strangers.insert(name, nobodys(&unread));
            return;
        };
        let known = self.blocks.get(&id).map(|known| version(&known.metadata));
        let is_old = known.is_some_and(|known| version(&unread.meta) < known)
            || self.unread_blocks.is_overtaken(&id, &unread.meta);
        if !is_old {
            self.drop_block(&id);
            self.unread_blocks.insert(id, unread);
        }
    }

    fn drop_unread_block(&mut self, unread: &Unread) {
        self.strangers
            .remove(unread.meta.name.as_deref().unwrap_or_default());
        let Some(id) = unread_id(unread) else { return };
        if !self.unread_blocks.is_overtaken(&id, &unread.meta) {
            self.unread_blocks.remove(&id);
        }
        let known = self.blocks.get(&id).map(|known| version(&known.metadata));
        if known.is_some_and(|known| known <= version(&unread.meta)) {
            self.drop_block(&id);
        }
    }

    /// The object of a block, to be replaced under its resourceVersion.
    pub(crate) fn block_object(&self, id: &BlockId) -> Option<&AddressBlock> {
        self.blocks.get(id)
    }

    /// Blocks that somebody deleted and in which nothing is reserved, held or kept, without our finalizer.
    ///
    /// Until then a block that is being deleted stays the ledger: an object that was made anew would
    /// not know of a grant that is on its way to its node.
    pub(crate) fn ended_blocks(&self, written: &BTreeSet<BlockId>) -> Vec<(BlockId, AddressBlock)> {
        let deleted = self.blocks.iter().filter(|(id, object)| {
            !self.is_restored()
                && object.metadata.deletion_timestamp.is_some()
                && !written.contains(*id)
        });
        let guarded = deleted.filter(|(_, object)| {
            object
                .finalizers()
                .iter()
                .any(|one| one == finalizer::ADDRESSES)
        });
        let empty = guarded.filter(|(id, _)| {
            let block = self.view.blocks.get(*id).map(|seen| &seen.value);
            let is_over = |entry: &Entry| entry.holder.is_none() && entry.kept.is_none();
            block.is_some_and(|block| block.entries.values().all(is_over))
        });
        let let_go = |object: &AddressBlock| {
            let mut object = object.clone();
            object
                .finalizers_mut()
                .retain(|one| one != finalizer::ADDRESSES);
            object
        };
        empty
            .map(|(id, object)| (id.clone(), let_go(object)))
            .collect()
    }

    /// Blocks that nobody needs any more, and that nobody has deleted yet.
    pub(crate) fn forsaken_blocks(&self, written: &BTreeSet<BlockId>) -> Vec<AddressBlock> {
        let forsaken = forsaken(&self.view).into_iter();
        let forsaken = forsaken.filter(|_| !self.is_restored());
        let objects = forsaken
            .filter(|id| !written.contains(id))
            .filter_map(|id| self.blocks.get(&id));
        objects
            .filter(|object| object.metadata.deletion_timestamp.is_none())
            .cloned()
            .collect()
    }

    /// Forgets a block that a quorum read did not find.
    pub(crate) fn drop_block(&mut self, id: &BlockId) {
        self.changed = true;
        self.blocks.remove(id);
        self.view.blocks.remove(id);
    }

    /// Objects that are called AddressBlock and are none of the ledger's.
    pub(crate) fn strangers(&self) -> impl Iterator<Item = &Notice> {
        self.strangers.values()
    }

    fn drop_deleted_block(&mut self, object: &AddressBlock) {
        self.strangers.remove(&object.name_any());
        if !convert::block::is_own(object) {
            return;
        }
        let id = convert::block::id(object);
        if !self.unread_blocks.is_overtaken(&id, &object.metadata) {
            self.unread_blocks.remove(&id);
        }
        let known = self.blocks.get(&id).map(|known| version(&known.metadata));
        // A block that was made anew in the meantime is later than the end of the one before.
        if known.is_some_and(|known| known <= version(&object.metadata)) {
            self.drop_block(&id);
        }
    }
}

/// Which block an object is: what can't be read is known by its name.
fn key(object: &Read<AddressBlock>) -> BlockId {
    match object {
        Ok(object) => convert::block::id(object),
        Err(unread) => unread_id(unread).unwrap_or_else(|| {
            let name = Name::from(unread.meta.name.as_deref().unwrap_or_default());
            BlockId::of(&name, Ipv4Addr::UNSPECIFIED.into())
        }),
    }
}

fn unread_id(unread: &Unread) -> Option<BlockId> {
    BlockId::of_object(unread.meta.name.as_deref()?)
}

/// What administrators are told of a block that can't be read and has no block's name.
fn nobodys(unread: &Unread) -> Notice {
    let name = unread.meta.name.as_deref().unwrap_or_default();
    let why = &unread.why;
    let message = format!(
        "no addresses belong to an AddressBlock {name}, and it can't be read, {why}: delete it"
    );
    let about = Regarding::ours("AddressBlock", name, unread.meta.uid.clone());
    Notice::inconsistent(about, &message)
}

/// What administrators are told of a block that the operator did not make: its name is not that of
/// the addresses it speaks of, so another object is the ledger for them.
fn stranger(object: &AddressBlock) -> Notice {
    let (name, spec) = (object.name_any(), &object.spec);
    let expected = convert::block::id(object).object_name();
    let message = format!(
        "spec.segment {} and spec.first {} belong to AddressBlock {expected}: this object is not part \
         of the ledger, and nothing is read from it; delete it",
        spec.segment, spec.first
    );
    let about = Regarding::ours("AddressBlock", &name, object.metadata.uid.clone());
    Notice::inconsistent(about, &message)
}
