//! The requests of each phase of a decision, made with what is known when the phase begins.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{
    id::Name,
    ledger::{BlockId, Write, view::NodeSpec},
};

use super::{Operator, job::Job};

// === impl Operator ===

impl Operator {
    /// The decision's writes of one kind.
    pub(super) fn take_writes<T>(&mut self, of: impl Fn(Write) -> Result<T, Write>) -> Vec<T> {
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for write in std::mem::take(&mut self.writes) {
            match of(write) {
                Ok(one) => taken.push(one),
                Err(write) => left.push(write),
            }
        }
        self.writes = left;
        taken
    }

    pub(super) fn node_jobs(&mut self) {
        let decided = self.take_writes(|write| match write {
            Write::Node { name, spec } => Ok((name, spec)),
            other => Err(other),
        });
        let decided: BTreeMap<Name, NodeSpec> = decided.into_iter().collect();
        let mut names: BTreeSet<Name> = decided.keys().cloned().collect();
        names.append(&mut self.stale_nodes);
        for name in names {
            let request = self.node_write(&name, decided.get(&name));
            self.jobs
                .extend(request.map(|request| Job::WriteNode(name, request)));
        }
    }

    pub(super) fn block_jobs(&mut self) {
        let blocks = self.take_writes(|write| match write {
            Write::Block(block) => Ok(block),
            other => Err(other),
        });
        let written: BTreeSet<BlockId> = blocks.iter().map(|block| block.id.clone()).collect();
        for object in self.ended_blocks(&written) {
            let at = self.tick();
            self.jobs
                .push(Job::WriteBlock(object.meta.key.clone(), at, object));
        }
        for block in blocks {
            let Some(object) = self.blocks.get(&block.id) else {
                continue;
            };
            let mut object = (**object).clone();
            object.spec = block;
            let at = self.tick();
            self.jobs
                .push(Job::WriteBlock(object.meta.key.clone(), at, object));
        }
        let reads = self.take_writes(|write| match write {
            Write::ReadBlock(id) => Ok(id),
            other => Err(other),
        });
        for id in reads {
            let at = self.tick();
            self.jobs.push(Job::ReadBlock(id, at));
        }
    }

    pub(super) fn create_jobs(&mut self) {
        let ids = self.take_writes(|write| match write {
            Write::CreateBlock(id) => Ok(id),
            other => Err(other),
        });
        if !ids.is_empty() {
            let at = self.tick();
            self.jobs.push(Job::DrawEpoch(ids, at));
        }
    }

    pub(super) fn fence_node_jobs(&mut self) {
        let names = self.take_writes(|write| match write {
            Write::ReadNode(name) => Ok(name),
            other => Err(other),
        });
        self.jobs.extend(names.into_iter().map(Job::ConfirmNode));
    }

    pub(super) fn evidence_jobs(&mut self) {
        let names = self.take_writes(|write| match write {
            Write::ReadEvidence(name) => Ok(name),
            other => Err(other),
        });
        self.jobs.extend(names.into_iter().map(Job::ReadEvidence));
    }
}
