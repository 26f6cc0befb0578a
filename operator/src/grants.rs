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
use landfall_crds::keys::event;
use tokio::{sync::mpsc, time};

use crate::{
    claims::ClaimUpkeep,
    events::{Events, Notice, Regarding},
    leader::Leadership,
    metrics::Metrics,
    network::Upkeep,
    network_status::NetworkStatuses,
    watches::Change,
    world::World,
};

mod api;
mod audit;
mod backoff;
mod blocks;
mod claims;
mod conflicts;
mod failure;
mod fences;
mod lane;
mod nodes;
mod restore;
mod unattached;

pub(crate) use api::Ledger;
pub(crate) use audit::Auditor;
pub(crate) use backoff::Backoff;
pub(crate) use failure::Failure;
pub(crate) use lane::Lane;
pub(crate) use unattached::Unattached;

/// How long events gather before a decision: pods of one Deployment are bound within milliseconds,
/// and one write of a block serves them all.
const BATCH: Duration = Duration::from_millis(3);
/// A look at everything even if nothing seems to have happened.
const IDLE: Millis = 30_000;
/// Until what is known of restores is read again.
const AGAIN: Millis = 1_000;
/// Requests under way at once.
const CONCURRENT: usize = 32;
/// Decisions in a row before everything else gets its turn.
const ROUNDS: usize = 16;

/// The task that owns the world.
pub(crate) struct Shell {
    pub(crate) world: World,
    /// Only its holder decides; the others keep the world up to date.
    pub(crate) leadership: Leadership,
    /// Whether it was held at the last look.
    pub(crate) led: bool,
    pub(crate) ledger: Ledger,
    pub(crate) events: Events,
    pub(crate) upkeep: Upkeep,
    pub(crate) claim_upkeep: ClaimUpkeep,
    /// When claims that entries name and nobody knows were last looked for.
    pub(crate) claims_read: Option<Millis>,
    pub(crate) network_statuses: NetworkStatuses,
    pub(crate) metrics: Arc<Metrics>,
    /// The time, in milliseconds since 1970.
    pub(crate) clock: fn() -> Millis,
    pub(crate) backoff: Backoff,
    pub(crate) auditor: Auditor,
    pub(crate) unattached: Unattached,
    /// Writes of node objects that are under way.
    pub(crate) lane: Lane,
    /// When to decide even if nothing is new.
    pub(crate) next: Millis,
}

// === impl Shell ===

impl Shell {
    /// Runs until the watches end.
    pub(crate) async fn run(mut self, mut changes: mpsc::Receiver<Change>) {
        let mut wait = Duration::from_millis(IDLE);
        loop {
            self.metrics.turn();
            tokio::select! {
                change = time::timeout(wait, changes.recv()) => match change {
                    Ok(None) => return,
                    Ok(Some(change)) => {
                        self.world.observe(change);
                        time::sleep(BATCH).await;
                    }
                    Err(_) => {}
                },
                () = self.leadership.won() => {}
            }
            self.observe(&mut changes);
            if !self.world.is_synced() {
                continue;
            }
            self.metrics.synced();
            wait = self.turn(&mut changes).await;
        }
    }

    /// Does all that is due, if this operator leads. Returns how long nothing can happen by itself.
    async fn turn(&mut self, changes: &mut mpsc::Receiver<Change>) -> Duration {
        if self.leads() {
            return self.rounds(changes).await;
        }
        self.land().await;
        self.world.follow();
        Duration::from_millis(IDLE)
    }

    /// Whether this operator leads. One that has just begun to looks at everything: what the one before
    /// it has told and has not is not known.
    fn leads(&mut self) -> bool {
        let leads = self.leadership.holds();
        if leads && !self.led {
            self.world.begin();
            self.backoff = Backoff::default();
            self.unattached = Unattached::default();
            self.network_statuses.begin();
            self.upkeep.begin();
            self.claim_upkeep.begin();
            self.claims_read = None;
            self.next = 0;
        }
        if self.led && !leads {
            self.metrics.follow();
        }
        self.led = leads;
        leads
    }

    /// Takes all changes that wait.
    fn observe(&mut self, changes: &mut mpsc::Receiver<Change>) {
        while let Ok(change) = changes.try_recv() {
            self.world.observe(change);
        }
    }

    /// Does all that is due. Returns how long nothing can happen by itself.
    async fn rounds(&mut self, changes: &mut mpsc::Receiver<Change>) -> Duration {
        if self.world.is_news() || self.next <= (self.clock)() {
            self.next = self.settle(changes).await;
            self.audit_is_due();
        }
        let owners = self.world.take_stale_owners();
        self.network_statuses.update(&mut self.world, &owners);
        for notice in owners.iter().filter_map(|o| self.world.node_fault(*o)) {
            self.events.tell(notice);
        }
        let now = (self.clock)();
        let unattached = self.tell_unattached(&owners, now);
        let upkeep = self.upkeep.run(&self.world, now);
        let claims = self.claim_upkeep.run(&self.world, now);
        let audit = self.audit(now);
        let next = [upkeep, claims, audit, unattached].into_iter().flatten();
        let next = next.fold(self.next, Millis::min);
        Duration::from_millis(next.saturating_sub(now))
    }

    /// Decides and writes until nothing is left to write, and all that was sent is answered. Returns when
    /// to decide again even without news; 0 if it is not done.
    async fn settle(&mut self, changes: &mut mpsc::Receiver<Change>) -> Millis {
        for _ in 0..ROUNDS {
            if !self.leadership.holds() {
                return 0;
            }
            self.read_doubts().await;
            if !self.read_restore().await || !self.read_claims().await {
                return (self.clock)().saturating_add(AGAIN);
            }
            // A pod that was bound during the last round is served by this one.
            self.observe(changes);
            self.world.view.now = (self.clock)();
            self.world.settle();
            self.world.is_decided_on();
            let decision = self.decide();
            self.tell_halt(decision.halt.as_ref());
            let wake_at = decision.wake_at;
            self.tell(&decision);
            self.world.claim_refusals.clone_from(&decision.claims);
            let claims = self.look_for_claims(&decision.unknown_claims).await;
            let now = (self.clock)();
            let goes_on = claims.is_some_and(|at| at <= now);
            let done = self.write(decision).await;
            if !done && !self.lane.is_empty() {
                self.land_or_see(changes).await;
            } else if !done && !goes_on {
                let now = (self.clock)();
                let times = [wake_at, claims, self.backoff.next(now)]
                    .into_iter()
                    .flatten();
                return times.fold(now.saturating_add(IDLE), Millis::min);
            }
        }
        0
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

    /// A write that the API server will not have is a matter for whoever made its rules.
    fn tell_refused(&self, kind: &'static str, name: &str, why: &str) {
        let about = Regarding::ours(kind, name, None);
        let message = format!("the operator's write is refused, and tried again later: {why}");
        self.events
            .tell(Notice::about(about, event::WRITE_REFUSED, &message));
    }

    /// Sends the writes of node objects, and applies all else. Returns whether something was done, but for
    /// those.
    async fn write(&mut self, decision: Decision) -> bool {
        let now = (self.clock)();
        let Decision {
            writes,
            repairs,
            conflicts,
            ..
        } = decision;
        let (nodes, blocks): (Vec<Write>, Vec<Write>) = writes
            .into_iter()
            .partition(|write| matches!(write, Write::Node { .. }));
        let written = self.send_nodes(nodes, now);
        let missing = blocks.iter().filter_map(|write| match write {
            Write::CreateBlock(id) => Some(id.clone()),
            Write::Node { .. }
            | Write::Block(_)
            | Write::ReadBlock(_)
            | Write::ReadNode(_)
            | Write::ReadEvidence(_)
            | Write::ReadRestore
            | Write::Adopted(_) => None,
        });
        let missing: Vec<_> = missing.collect();
        let reads = |write: &&Write| matches!(write, Write::ReadNode(_) | Write::ReadEvidence(_));
        let fencing: Vec<_> = blocks.iter().filter(reads).cloned().collect();
        let restore = |write: &&Write| matches!(write, Write::ReadRestore | Write::Adopted(_));
        let restore = blocks.iter().find(restore).cloned();
        self.land_before(&blocks).await;
        let blocks = self.block_jobs(blocks, now);
        if written > 0 || !blocks.is_empty() {
            tracing::debug!(
                nodes = written,
                blocks = blocks.len(),
                "wrote nodes, writes blocks"
            );
        }
        let mut done = !blocks.is_empty();
        for answer in self.beside(blocks).await {
            self.take_block(answer);
        }
        if !missing.is_empty() || !fencing.is_empty() || restore.is_some() {
            self.land().await;
        }
        done |= self.create_blocks(missing).await;
        done |= self.read_for_fences(fencing, now).await;
        done |= self.go_on_with_restore(restore).await;
        self.tell_repairs(&repairs);
        self.tell_conflicts(&conflicts);
        done
    }

    /// Reads what is in doubt, with quorum: nodes before blocks (docs/ipam-protocol.md, "Objects").
    async fn read_doubts(&mut self) {
        let doubts = std::mem::take(&mut self.world.doubts);
        let now = (self.clock)();
        let nodes = doubts.nodes.into_iter();
        let nodes: Vec<_> = nodes.filter_map(|name| self.read_node(name, now)).collect();
        for answer in together(nodes).await {
            self.take_node(answer);
        }
        let blocks = doubts.blocks.into_iter();
        let blocks: Vec<_> = blocks.filter_map(|id| self.read_block(id, now)).collect();
        for answer in together(blocks).await {
            self.take_block(answer);
        }
    }
}

/// Sends requests side by side and waits for all answers.
async fn together<T>(jobs: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(jobs)
        .buffer_unordered(CONCURRENT)
        .collect()
        .await
}

#[cfg(test)]
mod tests;
