//! Writes of node objects that are under way, one an object, while blocks are written and others are
//! decided on.
//!
//! A decision stays right whatever becomes of them: each is a compare-and-swap, and one that is lost or late is
//! decided anew. Blocks have no such lane: which address is free hangs on all blocks together, so those of
//! one decision are written before the next.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream::FuturesUnordered};
use landfall_core::{
    id::Name,
    ledger::{Block, State, Write},
};
use tokio::{sync::mpsc, time};

use super::{
    BATCH, Shell,
    nodes::{NodeDone, NodeJob},
};
use crate::{watches::Change, world::World};

/// The writes, and the objects they are for.
#[derive(Default)]
pub(crate) struct Lane {
    jobs: FuturesUnordered<NodeJob>,
    names: BTreeSet<Name>,
}

// === impl Lane ===

impl Lane {
    /// Whether a write of this object is under way.
    pub(super) fn has(&self, name: &Name) -> bool {
        self.names.contains(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn send(&mut self, name: Name, job: NodeJob) {
        self.names.insert(name);
        self.jobs.push(job);
    }

    /// The next answer. `None` if nothing is under way.
    pub(super) async fn next(&mut self) -> Option<NodeDone> {
        let done = self.jobs.next().await?;
        self.names.remove(&done.name);
        Some(done)
    }
}

// === impl Shell ===

impl Shell {
    /// Waits for all writes of node objects.
    pub(super) async fn land(&mut self) {
        while let Some(answer) = self.lane.next().await {
            self.take_node(answer);
        }
    }

    /// Waits for those that would make a push read the block again, which these writes grant from: a push
    /// needs a block that was seen after the node object (docs/ipam-protocol.md, "Push rule").
    pub(super) async fn land_before(&mut self, blocks: &[Write]) {
        let nodes = granted(blocks, &self.world);
        while nodes.iter().any(|name| self.lane.has(name)) {
            match self.lane.next().await {
                Some(answer) => self.take_node(answer),
                None => return,
            };
        }
    }

    /// Waits for one answer, or for something new to decide on.
    pub(super) async fn land_or_see(&mut self, changes: &mut mpsc::Receiver<Change>) {
        tokio::select! {
            biased;
            answer = self.lane.next() => {
                if let Some(answer) = answer {
                    self.take_node(answer);
                }
            }
            Some(change) = changes.recv() => {
                self.world.observe(change);
                time::sleep(BATCH).await;
            }
        }
    }

    /// Waits for these answers, and takes those of node objects that come in between.
    pub(super) async fn beside<T>(&mut self, jobs: Vec<impl Future<Output = T>>) -> Vec<T> {
        let answers = super::together(jobs);
        tokio::pin!(answers);
        loop {
            tokio::select! {
                biased;
                Some(answer) = self.lane.next() => {
                    self.take_node(answer);
                }
                answers = &mut answers => return answers,
            }
        }
    }
}

/// The nodes that block writes grant something on that the blocks as they are known do not.
fn granted(blocks: &[Write], world: &World) -> BTreeSet<Name> {
    let new = blocks.iter().filter_map(|write| {
        let Write::Block(block) = write else {
            return None;
        };
        Some(newly(block, world))
    });
    new.flatten().collect()
}

fn newly(block: &Block, world: &World) -> BTreeSet<Name> {
    let known = world.view.blocks.get(&block.id);
    let before = known.map_or(0, |known| known.value.seq.counter);
    let entries = block.entries.values();
    let granted =
        entries.filter(|entry| entry.state == State::Granted && entry.seq.counter > before);
    let holders = granted.filter_map(|entry| entry.holder.as_ref());
    holders.map(|holder| holder.node.clone()).collect()
}
