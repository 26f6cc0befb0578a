//! Restores of etcd, as far as they are known.

use landfall_core::ledger::view::Restore;

use super::World;

// === impl World ===

impl World {
    /// Takes what a quorum read or a write of ours has shown.
    pub(crate) fn put_restore(&mut self, restore: Restore) {
        self.due.restore = false;
        self.changed |= self.view.restore != restore;
        self.view.restore = restore;
    }

    /// Whether the objects are those of a backup: nothing is taken away because they don't name it.
    pub(crate) fn is_restored(&self) -> bool {
        self.view.restore.is_under_way() || self.halt.is_some()
    }

    /// Nodes with an agent and without an object have something in use, or may have.
    pub(super) fn settle_restore(&mut self) {
        self.view.expected.clear();
        if self.view.restore.is_under_way() {
            let agents = self.agents.keys();
            let objects = &self.node_objects;
            let expected = agents.filter(|name| !objects.contains_key(*name));
            self.view.expected.extend(expected.cloned());
        }
    }
}
