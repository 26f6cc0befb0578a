//! The shell around the ledger's `decide`: one task that sees, decides and writes, until nothing is
//! left to write.
//!
//! ```text
//!   changes ──> World ──> decide ──> writes ──> API server
//!                 ^                                 │
//!                 └────── what the writes say ──────┘
//! ```
//!
//! Nothing here decides who gets what. A write that is lost, late or refused needs no care of its
//! own: what is known is brought up to date, and the next decision starts from there.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use landfall_core::ledger::{self, Decision, Millis, Rules, Write};
use tokio::{sync::mpsc, time};

use crate::{
    events::{Events, Notice},
    metrics::Metrics,
    network::Upkeep,
    network_status::NetworkStatuses,
    watches::Change,
    world::World,
};

mod api;
mod backoff;
mod blocks;
mod fences;
mod nodes;

pub(crate) use api::{Failure, Ledger};
pub(crate) use backoff::Backoff;

/// How long events gather before a decision: pods of one Deployment are bound within milliseconds,
/// and one write of a block serves them all.
const BATCH: Duration = Duration::from_millis(3);
/// A look at everything even if nothing seems to have happened.
const IDLE: Duration = Duration::from_secs(30);
/// Requests under way at once.
const CONCURRENT: usize = 32;
/// Decisions in a row without a look at the queue of changes.
const ROUNDS: usize = 16;

/// The task that owns the world.
pub(crate) struct Shell {
    pub(crate) world: World,
    pub(crate) ledger: Ledger,
    pub(crate) events: Events,
    pub(crate) upkeep: Upkeep,
    pub(crate) network_statuses: NetworkStatuses,
    pub(crate) metrics: Arc<Metrics>,
    /// The time, in milliseconds since 1970.
    pub(crate) clock: fn() -> Millis,
    pub(crate) backoff: Backoff,
}

// === impl Shell ===

impl Shell {
    /// Runs until the watches end.
    pub(crate) async fn run(mut self, mut changes: mpsc::Receiver<Change>) {
        let mut wait = IDLE;
        let mut buffer = Vec::new();
        loop {
            self.metrics.turn();
            match time::timeout(wait, changes.recv_many(&mut buffer, 4096)).await {
                Ok(0) => return,
                Ok(_) => time::sleep(BATCH).await,
                Err(_) => {}
            }
            while let Ok(change) = changes.try_recv() {
                buffer.push(change);
            }
            for change in buffer.drain(..) {
                self.world.observe(change);
            }
            if !self.world.is_synced() {
                continue;
            }
            self.metrics.synced();
            wait = self.rounds().await;
        }
    }

    /// Decides and writes until nothing is left to write. Returns how long nothing can happen by
    /// itself.
    async fn rounds(&mut self) -> Duration {
        let mut wake_at = None;
        let mut busy = true;
        for _ in 0..ROUNDS {
            self.read_doubts().await;
            self.world.view.now = (self.clock)();
            self.world.settle();
            let decision = self.decide();
            wake_at = decision.wake_at;
            self.tell(&decision);
            busy = self.write(decision).await;
            if !busy {
                break;
            }
        }
        let owners = self.world.take_stale_owners();
        self.network_statuses.update(&mut self.world, &owners);
        for notice in owners.iter().filter_map(|o| self.world.missing_parent(*o)) {
            self.events.tell(notice);
        }
        let now = (self.clock)();
        let upkeep = self.upkeep.run(&self.world, now);
        if busy {
            return Duration::ZERO;
        }
        let until = |at: Millis| Duration::from_millis(at.saturating_sub(now).max(1));
        let times = [wake_at, self.backoff.next(now), upkeep];
        times
            .into_iter()
            .flatten()
            .map(until)
            .fold(IDLE, Duration::min)
    }

    fn decide(&self) -> Decision {
        let _timer = self.metrics.decision();
        ledger::decide(&self.world.view, Rules::SHIPPED)
    }

    /// Each pod that gets nothing is told why.
    fn tell(&mut self, decision: &Decision) {
        self.metrics.waiting(&decision.refusals);
        for (owner, refusal) in &decision.refusals {
            if let Some(pod) = self.world.pod_of(*owner) {
                self.events.tell(Notice::refusal(pod, refusal));
            }
        }
        for notice in self.world.notices.drain(..) {
            self.events.tell(notice);
        }
    }

    /// Applies a decision: nodes first, so that the pushes that follow the block writes need no
    /// further read. Returns whether something was done.
    async fn write(&mut self, decision: Decision) -> bool {
        let now = (self.clock)();
        let (nodes, blocks): (Vec<Write>, Vec<Write>) = decision
            .writes
            .into_iter()
            .partition(|write| matches!(write, Write::Node { .. }));
        let nodes = self.node_jobs(nodes, now);
        let mut done = !nodes.is_empty();
        let results: Vec<_> = stream::iter(nodes)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        for result in results {
            self.take_node(result);
        }
        let missing = blocks.iter().filter_map(|write| match write {
            Write::CreateBlock(id) => Some(id.clone()),
            Write::Node { .. }
            | Write::Block(_)
            | Write::ReadBlock(_)
            | Write::ReadNode(_)
            | Write::ReadEvidence(_) => None,
        });
        let missing = missing.collect();
        let fencing = blocks.clone();
        let blocks = self.block_jobs(blocks, now);
        done |= !blocks.is_empty();
        let results: Vec<_> = stream::iter(blocks)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        for result in results {
            self.take_block(result);
        }
        done |= self.create_blocks(missing).await;
        self.read_for_fences(fencing, now).await | done
    }

    /// Reads what is in doubt, with quorum: nodes before blocks (03, "Objects").
    async fn read_doubts(&mut self) {
        let doubts = std::mem::take(&mut self.world.doubts);
        let now = (self.clock)();
        let nodes = doubts.nodes.into_iter();
        let nodes: Vec<_> = nodes.filter_map(|name| self.read_node(name, now)).collect();
        let results: Vec<_> = stream::iter(nodes)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        for result in results {
            self.take_node(result);
        }
        let blocks = doubts.blocks.into_iter();
        let blocks: Vec<_> = blocks.filter_map(|id| self.read_block(id, now)).collect();
        let results: Vec<_> = stream::iter(blocks)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        for result in results {
            self.take_block(result);
        }
    }
}

#[cfg(test)]
mod tests;
