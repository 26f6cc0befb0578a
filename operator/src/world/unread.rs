//! Objects of ours that are there and can't be read. Each is set aside: nothing is done on what it may
//! say, and its Event says what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use kube::{core::ObjectMeta, runtime::watcher::Event};
use landfall_core::{address::Family, id::Name, ledger::BlockId, network::Network};
use landfall_crds::{guarded::Unread, keys::event};

use super::{World, version};
use crate::events::{Notice, Regarding};

/// Those of one kind.
#[derive(Debug)]
pub(super) struct Unreads<K> {
    all: BTreeMap<K, Unread>,
    /// Those that the list which is under way has not named yet.
    unlisted: BTreeSet<K>,
}

// === impl Unreads ===

impl<K> Default for Unreads<K> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            unlisted: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> Unreads<K> {
    /// Follows the watch: what a list from the beginning did not name is gone.
    pub(super) fn follow<T>(&mut self, event: &Event<T>) {
        match event {
            Event::Init => self.unlisted = self.all.keys().cloned().collect(),
            Event::InitDone => {
                for key in std::mem::take(&mut self.unlisted) {
                    self.all.remove(&key);
                }
            }
            Event::Apply(_) | Event::InitApply(_) | Event::Delete(_) => {}
        }
    }

    /// Whether this is older than what is known to be unreadable.
    pub(super) fn is_overtaken(&self, key: &K, meta: &ObjectMeta) -> bool {
        let known = self.all.get(key);
        known.is_some_and(|known| version(meta) < version(&known.meta))
    }

    pub(super) fn insert(&mut self, key: K, unread: Unread) {
        self.unlisted.remove(&key);
        self.all.insert(key, unread);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.unlisted.remove(key);
        self.all.remove(key);
    }

    fn keys(&self) -> BTreeSet<K> {
        self.all.keys().cloned().collect()
    }
}

// === impl World ===

impl World {
    /// The ledger sees what can't be read.
    pub(super) fn note_unread(&mut self) {
        let unread = &mut self.view.unread;
        let (blocks, nodes) = (self.unread_blocks.keys(), self.unread_nodes.keys());
        self.changed |= unread.blocks != blocks || unread.nodes != nodes;
        unread.blocks = blocks;
        unread.nodes = nodes;
    }

    /// Whether a block's object is there and can't be read.
    pub(crate) fn is_unread_block(&self, id: &BlockId) -> bool {
        self.view.unread.blocks.contains(id)
    }

    /// Whether a node's object is there and can't be read.
    pub(crate) fn is_unread_node(&self, name: &Name) -> bool {
        self.view.unread.nodes.contains(name)
    }

    /// Whether something that can't be read may hold an address of the network.
    pub(super) fn may_be_held(&self, network: &Network) -> bool {
        let mut blocks = self.view.unread.blocks.iter();
        blocks.any(|id| id.segment == network.segment)
    }

    /// What is said of every object that can't be read, with its kind.
    pub(crate) fn unread(&self) -> Vec<(&'static str, Notice)> {
        let mut all = Vec::new();
        for (id, unread) in &self.unread_blocks.all {
            let held = format!(
                "none of the addresses {} to {} is given away or taken back, and no claim of their networks \
                 takes others",
                id.first,
                id.last()
            );
            all.push(notice(
                ours("AddressBlock", &unread.meta),
                &unread.why,
                &held,
            ));
        }
        for unread in self.unread_nodes.all.values() {
            let held = "nothing is granted there or taken back, and no AddressBlock is made; what is attached \
                        stays";
            all.push(notice(
                ours("LandfallNode", &unread.meta),
                &unread.why,
                held,
            ));
        }
        for (_, object) in self.network_objects() {
            let Some(unread) = object.fault() else {
                continue;
            };
            let held = "nothing is granted of it, and what is attached stays";
            all.push(notice(Regarding::network(object), &unread.why, held));
        }
        for claim in self.claims() {
            let Some(why) = &claim.fault else { continue };
            let held = "it keeps what it has and gets nothing more, and no AddressBlock is made";
            all.push(notice(ours("AddressClaim", &claim.meta), why, held));
        }
        all
    }
}

fn ours(kind: &'static str, meta: &ObjectMeta) -> Regarding {
    let name = meta.name.as_deref().unwrap_or_default();
    Regarding {
        namespace: meta.namespace.clone(),
        ..Regarding::ours(kind, name, meta.uid.clone())
    }
}

fn notice(about: Regarding, why: &str, held: &str) -> (&'static str, Notice) {
    let kind = about.kind;
    let message = format!(
        "the object can't be read, {why}: put that right (kubectl edit, for a status with \
         --subresource=status). Until then {held}"
    );
    (
        kind,
        Notice::about(about, event::OBJECT_UNREADABLE, &message),
    )
}

/// How many addresses of a block the network may hand out.
pub(crate) fn usable(network: &Network, id: &BlockId) -> (Family, u64) {
    let mut count = 0;
    let mut address = Some(id.first);
    while let Some(at) = address.filter(|at| id.covers(*at)) {
        count += u64::from(network.subnet_of(at).is_some());
        address = landfall_core::address::successor(at);
    }
    (Family::of(id.first), count)
}
