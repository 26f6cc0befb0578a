//! Backups of etcd, and what a restore from one makes of the API server.

use landfall_core::{
    id::Name,
    ledger::{Block, BlockId, Rules, restore::emptied, view::Restore},
};

use crate::{
    api::{Api, Health, Node, PodSpec, PodStatus, Registration, Status},
    claims::{ClaimSpec, ClaimStatus},
    dice::Dice,
    server::Objects,
};

/// `--bump-revision`: far above what any schedule writes.
const BUMP: u64 = 1_000_000_000;

/// All that etcd had at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    revision: u64,
    blocks: Objects<BlockId, Block, ()>,
    nodes: Objects<Name, Node, Status>,
    kube_nodes: Objects<Name, Registration, Health>,
    pods: Objects<Name, PodSpec, PodStatus>,
    claims: Objects<Name, ClaimSpec, ClaimStatus>,
    sets: Objects<Name, u32, ()>,
    restore: Restore,
}

// === impl Api ===

impl Api {
    pub(crate) fn back_up(&self) -> Backup {
        Backup {
            revision: self.revision.last(),
            blocks: self.blocks.back_up(),
            nodes: self.nodes.back_up(),
            kube_nodes: self.kube_nodes.back_up(),
            pods: self.pods.back_up(),
            claims: self.claims.back_up(),
            sets: self.sets.back_up(),
            restore: self.restore,
        }
    }

    /// All is as it was, and versions go on from far above.
    pub(crate) fn restore(&mut self, backup: Backup) {
        let revision = backup.revision + BUMP;
        self.revision.bump(revision);
        self.blocks.restore(backup.blocks, revision);
        self.nodes.restore(backup.nodes, revision);
        self.kube_nodes.restore(backup.kube_nodes, revision);
        self.pods.restore(backup.pods, revision);
        self.claims.restore(backup.claims, revision);
        self.sets.restore(backup.sets, revision);
        self.restore = backup.restore;
    }

    /// `kubectl landfall restored`: a new epoch, and each node object that epoch and no grants. It may
    /// end anywhere, and is run again.
    pub(crate) fn announce(&mut self, rules: Rules, dice: &mut Dice) {
        let mut is_done = false;
        while !is_done {
            let epoch = self.revision.draw();
            self.revision.draw();
            self.restore.epoch = epoch;
            is_done = true;
            for name in self.nodes.back_up().into_keys() {
                if dice.one_in(8) {
                    is_done = false;
                    break;
                }
                self.empty(&name, epoch, rules);
            }
        }
    }

    /// Notes that the ledger is rewritten, unless another restore was announced since.
    pub(crate) fn note_adopted(&mut self, epoch: u64) -> Restore {
        if self.restore.epoch == epoch && self.restore.is_under_way() {
            self.restore.adopted = epoch;
            self.revision.draw();
        }
        self.restore
    }

    /// Takes away what a backup has brought back: a user's word that the machine is off, too.
    fn empty(&mut self, name: &Name, epoch: u64, rules: Rules) {
        let Some(object) = self.nodes.get(name).cloned() else {
            return;
        };
        let node = Node {
            protocol: emptied(&object.spec.protocol, epoch, rules),
            ..object.spec.clone()
        };
        let (uid, revision) = (object.meta.uid, &mut self.revision);
        let tests = (uid, object.meta.generation);
        let written = self.nodes.patch(revision, name, tests, node);
        debug_assert!(written.is_ok(), "read a moment ago");
        let word = object.meta.reclaimed;
        let written = self.nodes.annotate(revision, name, (uid, word), None);
        debug_assert!(written.is_ok(), "read a moment ago");
    }
}
