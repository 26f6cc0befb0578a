//! An operator: its caches, and the requests that a decision comes to.
//!
//! What it decides is the shipped `ledger::decide`; this is the shell around it, as the operator's:
//! nothing is known but by a watch, a read or the answer to a write, and an object never goes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use landfall_core::{
    id::{Name, Uid},
    ledger::{self, BlockId, Rules, View, Write, fresh::Tick, view::NetworkView},
};

use crate::{
    api::{BlockObject, ClaimObject, KubeNode, NodeObject, PodObject},
    dice::Dice,
    fault::Fault,
    site::Site,
    watch::Watch,
};

mod caches;
mod claims;
mod evidence;
mod job;
mod look;
mod phases;
mod restore;

use job::Job;

/// Where it is between two decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits for news.
    Idle,
    /// It reads node objects that are in doubt.
    DoubtedNodes,
    /// It reads blocks that are in doubt.
    DoubtedBlocks,
    /// It writes node objects.
    Nodes,
    /// It writes and reads blocks.
    Blocks,
    /// It makes blocks.
    Creates,
    /// It reads node objects for fences.
    FenceNodes,
    /// It reads Nodes for fences.
    FenceEvidence,
}

/// An operator.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something of its own that happens to an operator"
)]
pub struct Operator {
    /// Its number, for traces.
    pub number: usize,
    /// What it decides on.
    pub view: View,
    /// Stands still; what it has begun goes on later.
    pub is_stalled: bool,
    /// It has lived through a restore of etcd, and leads no more before it starts anew.
    pub is_halted: bool,
    /// A restore was announced while it ran: it is to be started anew.
    pub is_outdated: bool,
    /// How far its clock is ahead, milliseconds.
    pub ahead: u64,
    pub(crate) pods: BTreeMap<Name, Rc<PodObject>>,
    pub(crate) kube_nodes: BTreeMap<Name, Rc<KubeNode>>,
    pub(crate) objects: BTreeMap<Name, Rc<NodeObject>>,
    pub(crate) blocks: BTreeMap<BlockId, Rc<BlockObject>>,
    pub(crate) claims: BTreeMap<Name, Rc<ClaimObject>>,
    /// How many ordinals each StatefulSet has.
    pub(crate) sets: BTreeMap<Name, u32>,
    /// Claims must be judged again, and pods resolved.
    pub(crate) stale_claims: bool,
    /// Claims that the last decision did not know.
    unknown_claims: BTreeSet<Uid>,
    pub(crate) watched: Watched,
    pub(crate) doubted_nodes: BTreeSet<Name>,
    pub(crate) doubted_blocks: BTreeSet<BlockId>,
    /// Nodes whose object may have to say something else beside what the ledger decides.
    pub(crate) stale_nodes: BTreeSet<Name>,
    /// What is known of restores of etcd is to be read.
    due_restore: bool,
    /// The last decision was that nothing is decided: etcd was restored.
    is_idle: bool,
    pub(crate) jobs: Vec<Job>,
    ticks: u64,
    phase: Phase,
    /// The decision's writes that are still to be done.
    writes: Vec<Write>,
    networks: BTreeMap<Uid, NetworkView>,
}

/// Its watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) pods: Watch,
    pub(crate) kube_nodes: Watch,
    pub(crate) objects: Watch,
    pub(crate) blocks: Watch,
    pub(crate) claims: Watch,
    pub(crate) sets: Watch,
}

// === impl Operator ===

impl Operator {
    /// One that has just started.
    pub fn new(number: usize, networks: &BTreeMap<Uid, NetworkView>) -> Self {
        let view = View {
            networks: networks.clone(),
            ..View::default()
        };
        Self {
            number,
            view,
            is_stalled: false,
            is_halted: false,
            is_outdated: false,
            ahead: 0,
            pods: BTreeMap::new(),
            kube_nodes: BTreeMap::new(),
            objects: BTreeMap::new(),
            blocks: BTreeMap::new(),
            claims: BTreeMap::new(),
            sets: BTreeMap::new(),
            stale_claims: false,
            unknown_claims: BTreeSet::new(),
            watched: Watched::default(),
            doubted_nodes: BTreeSet::new(),
            doubted_blocks: BTreeSet::new(),
            stale_nodes: BTreeSet::new(),
            due_restore: true,
            is_idle: false,
            jobs: Vec::new(),
            ticks: 0,
            phase: Phase::Idle,
            writes: Vec::new(),
            networks: networks.clone(),
        }
    }

    /// It has died, and starts again knowing nothing.
    pub fn restart(&mut self) {
        *self = Self::new(self.number, &self.networks);
    }

    /// The next point in its own order of reads.
    pub(crate) fn tick(&mut self) -> Tick {
        self.ticks += 1;
        Tick(self.ticks)
    }

    /// Whether every watch has read its first list. Nothing is decided before.
    fn is_synced(&self) -> bool {
        let Watched {
            pods,
            kube_nodes,
            objects,
            blocks,
            claims,
            sets,
        } = &self.watched;
        let all = [pods, kube_nodes, objects, blocks, claims, sets];
        !all.into_iter().any(Watch::is_new)
    }

    /// Whether it is in the middle of a decision's writes.
    pub fn is_writing(&self) -> bool {
        !self.jobs.is_empty() || !self.writes.is_empty()
    }

    /// Does one thing.
    pub fn step(&mut self, site: &mut Site, rules: Rules, dice: &mut Dice) {
        if self.is_writing() && site.faults.rarely(Fault::OperatorCrash, 8, dice) {
            site.trace.line(|| format!("operator {} dies", self.number));
            self.restart();
            return;
        }
        if let Some(job) = self.next_job(dice) {
            self.run(job, site, dice);
            return;
        }
        match self.phase {
            Phase::Idle if !self.is_synced() || !dice.one_in(3) => self.look(site, dice),
            Phase::Idle
            | Phase::DoubtedNodes
            | Phase::DoubtedBlocks
            | Phase::Nodes
            | Phase::Blocks
            | Phase::Creates
            | Phase::FenceNodes
            | Phase::FenceEvidence => self.advance(site, rules),
        }
    }

    /// Reads all there is to read, decides and writes, until nothing is left to write or `rounds` are
    /// over. Returns whether nothing is left.
    pub fn settle(
        &mut self,
        site: &mut Site,
        rules: Rules,
        dice: &mut Dice,
        rounds: usize,
    ) -> bool {
        for _ in 0..rounds {
            // What was decided before is done with what was known then.
            if self.phase == Phase::Idle && self.jobs.is_empty() {
                self.look_at_all(site);
            }
            let mut acted = false;
            loop {
                if let Some(job) = self.next_job(dice) {
                    acted = true;
                    self.run(job, site, dice);
                } else {
                    self.advance(site, rules);
                    if self.phase == Phase::Idle && self.jobs.is_empty() {
                        break;
                    }
                }
            }
            if !acted {
                return true;
            }
        }
        false
    }

    /// Side by side but for reads of fences, which come one after another.
    fn next_job(&mut self, dice: &mut Dice) -> Option<Job> {
        if self.jobs.is_empty() {
            return None;
        }
        let at = match self.phase {
            Phase::FenceNodes | Phase::FenceEvidence => 0,
            Phase::Idle
            | Phase::DoubtedNodes
            | Phase::DoubtedBlocks
            | Phase::Nodes
            | Phase::Blocks
            | Phase::Creates => dice.below(self.jobs.len()),
        };
        Some(self.jobs.remove(at))
    }

    /// Goes to the next phase, and makes its requests with what is known now.
    fn advance(&mut self, site: &mut Site, rules: Rules) {
        self.phase = match self.phase {
            Phase::Idle => {
                if self.due_restore {
                    self.jobs.push(Job::ReadRestore);
                }
                let names = std::mem::take(&mut self.doubted_nodes);
                self.jobs.extend(names.into_iter().map(Job::read_node));
                Phase::DoubtedNodes
            }
            Phase::DoubtedNodes => {
                for id in std::mem::take(&mut self.doubted_blocks) {
                    let at = self.tick();
                    self.jobs.push(Job::ReadBlock(id, at));
                }
                Phase::DoubtedBlocks
            }
            // What is known of restores comes before the first decision.
            Phase::DoubtedBlocks if self.due_restore => Phase::Idle,
            Phase::DoubtedBlocks => {
                self.decide(site, rules);
                self.node_jobs();
                Phase::Nodes
            }
            Phase::Nodes => {
                self.block_jobs();
                self.claim_jobs();
                self.restore_jobs();
                Phase::Blocks
            }
            Phase::Blocks => {
                self.create_jobs();
                Phase::Creates
            }
            Phase::Creates => {
                self.fence_node_jobs();
                Phase::FenceNodes
            }
            Phase::FenceNodes => {
                self.evidence_jobs();
                Phase::FenceEvidence
            }
            Phase::FenceEvidence => {
                self.writes.clear();
                Phase::Idle
            }
        };
    }

    fn decide(&mut self, site: &mut Site, rules: Rules) {
        self.view.now = self.view.now.max(site.now + self.ahead);
        self.settle_claims();
        self.settle_reclaims();
        self.settle_restore();
        let decision = ledger::decide(&self.view, rules);
        site.trace.line(|| {
            format!(
                "operator {} decides: {} writes",
                self.number,
                decision.writes.len()
            )
        });
        // What is listed and free is then entered and asked back, which is of no harm.
        let mut repairs = decision.repairs.iter();
        if let Some(repair) = repairs.find(|repair| !site.is_taken_back(&self.view, repair))
            && !site.faults.had(Fault::Replaced)
            && !site.is_ledger_lost()
        {
            let text = format!(
                "operator {} mends what nobody edited: {repair:?}",
                self.number
            );
            site.checker.fail(text);
        }
        self.is_idle = decision.halt.is_some();
        self.writes = decision.writes;
        self.unknown_claims = decision.unknown_claims;
    }
}
