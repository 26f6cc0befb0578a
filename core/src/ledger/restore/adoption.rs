//! The way from the backup's ledger to one that is true.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};

use super::{
    emptied,
    enter::{enter, holder_of, is_in, kept},
    halted, list,
};
use crate::{
    id::{Name, Seq, Uid},
    ledger::{
        Block, BlockId, Decision, Entry, Holder, Rules, View, Write,
        view::{InUse, NodeView},
    },
    network::NodeDeletion,
};

/// The way from the backup's ledger to one that is true.
#[derive(Clone, Copy)]
pub(super) struct Adoption<'v> {
    pub(super) view: &'v View,
    pub(super) rules: Rules,
}

// === impl Adoption ===

impl<'v> Adoption<'v> {
    pub(super) fn decide(self) -> Decision {
        let mut writes = self.without_grants();
        let mut waits = BTreeSet::new();
        self.nodes(&mut waits, &mut writes);
        self.holders(&mut waits, &mut writes);
        let message = if let Some(id) = self.view.unread.blocks.first() {
            format!(
                "etcd was restored from a backup: no address is given or taken back before AddressBlock {} \
                 is mended, which can't be read: its Events say what is wrong",
                id.object_name()
            )
        } else if waits.is_empty() {
            writes.extend(self.rewrite());
            "etcd was restored from a backup; the ledger is being rewritten".to_owned()
        } else {
            let waits: Vec<&Name> = waits.into_iter().collect();
            format!(
                "etcd was restored from a backup: no address is given or taken back until node {} has \
                 said what it has in use, or is known to be off (docs/restore.md)",
                list(&waits)
            )
        };
        writes.sort();
        writes.dedup();
        halted(self.view, writes, false, &message)
    }

    fn epoch(self) -> u64 {
        self.view.restore.epoch
    }

    /// Node objects that are still those of the backup: whoever announced the restore did not come
    /// this far.
    fn without_grants(self) -> Vec<Write> {
        let nodes = self.view.nodes.iter();
        let old = nodes.filter(|(_, node)| node.spec.epoch < self.epoch());
        old.map(|(name, node)| Write::Node {
            name: name.clone(),
            spec: emptied(&node.spec, self.epoch(), self.rules),
        })
        .collect()
    }

    /// Every node that has an object or an agent must have its say, whether it answers now or not.
    fn nodes(self, waits: &mut BTreeSet<&'v Name>, writes: &mut Vec<Write>) {
        waits.extend(&self.view.expected);
        waits.extend(&self.view.unread.nodes);
        for (name, node) in &self.view.nodes {
            let machine = node.holder(name, Uid::default(), &Name::default(), 0);
            if !self.is_settled(node, &machine, writes) {
                waits.insert(name);
            }
        }
    }

    /// Every machine that the backup's ledger names too: it may have lost the node's name since.
    fn holders(self, waits: &mut BTreeSet<&'v Name>, writes: &mut Vec<Write>) {
        for (_, block) in self.old_blocks() {
            for entry in block.entries.values().filter(|entry| entry.state.is_held()) {
                let Some(holder) = &entry.holder else {
                    continue;
                };
                let node = self.view.nodes.get(&holder.node);
                if !node.is_some_and(|node| self.is_settled(node, holder, writes)) {
                    waits.insert(&holder.node);
                }
            }
        }
    }

    /// Whether the machine has said what it has in use, or can have nothing in use. That a Node is
    /// missing says nothing here: it may have joined after the backup. Evidence counts only if it was
    /// read after a node object that grants nothing: a machine that starts again reads that.
    fn is_settled(self, node: &NodeView, holder: &Holder, writes: &mut Vec<Write>) -> bool {
        if !self.rules.adoption_waits_for_all && !node.reachable {
            return true;
        }
        if node.spec.epoch < self.epoch() {
            return false;
        }
        if node.status.epoch >= self.epoch() && node.status.speaks_for(holder) {
            return true;
        }
        let policy = NodeDeletion::Hold;
        if !node.is_dead(&node.evidence.value, holder, policy) {
            return false;
        }
        let name = holder.node.clone();
        let Some(read_at) = node.read_at else {
            writes.push(Write::ReadNode(name.clone()));
            writes.push(Write::ReadEvidence(name));
            return false;
        };
        let Some(evidence) = node.evidence.quorum_after(read_at) else {
            writes.push(Write::ReadEvidence(name));
            return false;
        };
        node.is_dead(evidence.get(), holder, policy)
    }

    fn old_blocks(self) -> impl Iterator<Item = (&'v BlockId, &'v Block)> {
        let blocks = self.view.blocks.iter().map(|(id, seen)| (id, &seen.value));
        blocks.filter(move |(_, block)| block.seq.epoch < self.epoch())
    }

    /// What is in use anywhere, and on which node.
    fn in_use(self) -> impl Iterator<Item = (&'v Name, &'v NodeView, &'v InUse)> {
        let nodes = self.view.nodes.iter();
        let spoken = nodes.filter(move |(_, node)| node.status.epoch >= self.epoch());
        spoken.flat_map(|(name, node)| {
            node.status
                .in_use
                .iter()
                .map(move |used| (name, node, used))
        })
    }

    /// The blocks as they are in truth; once all are, the end of it.
    fn rewrite(self) -> Vec<Write> {
        let old = self.old_blocks();
        let mut writes: Vec<Write> = old
            .map(|(id, block)| Write::Block(self.rewritten(id, block)))
            .collect();
        writes.extend(self.missing().into_iter().map(Write::CreateBlock));
        if writes.is_empty() {
            writes.push(Write::Adopted(self.epoch()));
        }
        writes
    }

    /// Blocks that were made after the backup.
    fn missing(self) -> BTreeSet<BlockId> {
        let ids = self.in_use().filter_map(|(_, _, used)| {
            let network = self.view.networks.get(&used.network)?;
            Some(BlockId::of(&network.network.segment, used.address))
        });
        ids.filter(|id| !self.view.blocks.contains_key(id))
            .collect()
    }

    fn rewritten(self, id: &BlockId, old: &Block) -> Block {
        let mut block = Block {
            id: id.clone(),
            seq: Seq {
                epoch: self.epoch(),
                counter: 0,
            },
            entries: BTreeMap::new(),
        };
        for (address, entry) in &old.entries {
            let kept = kept(entry, self.view.now);
            block.entries.extend(kept.map(|entry| (*address, entry)));
        }
        for (name, node, used) in self.in_use() {
            if is_in(self.segment_of(used.network), used, id) {
                let holder = self.holder(name, node, used, old.entries.get(&used.address));
                enter(&mut block, used, holder, self.view.now);
            }
        }
        block
    }

    fn segment_of(self, network: Uid) -> Option<&'v Name> {
        let network = self.view.networks.get(&network)?;
        Some(&network.network.segment)
    }

    fn holder(self, name: &Name, node: &NodeView, used: &InUse, old: Option<&Entry>) -> Holder {
        let wants = self.view.pods.get(&used.owner).map(|pod| &pod.wants);
        let want = wants.and_then(|wants| {
            let mut wants = wants.iter();
            wants.find(|w| w.network == used.network && w.interface == used.interface)
        });
        let asked = want.and_then(|want| want.addresses.iter().position(|a| *a == used.address));
        let asked = asked.and_then(|at| u16::try_from(at).ok());
        let before = old.and_then(|entry| entry.holder.as_ref());
        let before = before.filter(|h| h.owner == used.owner && h.interface == used.interface);
        Holder {
            index: asked
                .or_else(|| before.map(|h| h.index))
                .unwrap_or_default(),
            ..holder_of(name, node, used)
        }
    }
}
