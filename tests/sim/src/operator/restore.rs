//! Restores of etcd, as an operator's shell takes part in them.

use landfall_core::{
    id::Name,
    ledger::{Write, view::Restore},
};

use super::{Operator, job::Job};
use crate::{
    api::{Answer, Request},
    dice::Dice,
    site::Site,
};

// === impl Operator ===

impl Operator {
    /// Whether the objects are those of a backup: nothing is taken away because they don't name it.
    pub(super) fn is_restored(&self) -> bool {
        self.view.restore.is_under_way() || self.is_idle
    }

    /// Nodes without an object have something in use, or may have.
    pub(super) fn settle_restore(&mut self) {
        self.view.expected.clear();
        if self.view.restore.is_under_way() {
            let names = self.kube_nodes.keys();
            let expected = names.filter(|name| !self.objects.contains_key(*name));
            let expected: Vec<Name> = expected.cloned().collect();
            self.view.expected.extend(expected);
        }
    }

    pub(super) fn read_restore(&mut self, site: &mut Site, dice: &mut Dice) {
        site.api.requests += 1;
        if site.fails(dice).is_none() {
            self.put_restore(site.api.restore);
        }
    }

    fn put_restore(&mut self, restore: Restore) {
        self.due_restore = false;
        self.view.restore = restore;
    }

    /// What is drawn after a restore was announced counts for an epoch of after it: only who knows of the
    /// restore may. The ConfigMap tells.
    pub(super) fn draw_epoch(&mut self, site: &mut Site) -> Option<u64> {
        let epoch = site.api.revision.draw();
        let is_known = site.api.restore.epoch == self.view.restore.epoch;
        self.due_restore |= !is_known;
        is_known.then_some(epoch)
    }

    /// What a decision asks for beside node objects and blocks.
    pub(super) fn restore_jobs(&mut self) {
        let asked = self.take_writes(|write| match write {
            Write::ReadRestore => Ok(None),
            Write::Adopted(epoch) => Ok(Some(epoch)),
            other => Err(other),
        });
        for one in asked {
            match one {
                None => self.due_restore = true,
                Some(epoch) => self.jobs.push(Job::NoteAdopted(epoch)),
            }
        }
    }

    /// A cache may lack a block that was made before the restore was announced.
    pub(super) fn note_adopted(&mut self, epoch: u64, site: &mut Site, dice: &mut Dice) {
        let at = self.tick();
        site.api.requests += 1;
        if site.fails(dice).is_some() {
            return;
        }
        for object in site.api.blocks.all() {
            self.put_block(object, Some(at));
        }
        let mut blocks = self.view.blocks.values();
        if blocks.any(|seen| seen.value.seq.epoch < epoch) {
            return;
        }
        match site.send(Request::NoteAdopted(epoch), dice) {
            Ok(Answer::Restore(restore)) => self.put_restore(restore),
            Ok(_) | Err(_) => self.due_restore = true,
        }
    }
}
