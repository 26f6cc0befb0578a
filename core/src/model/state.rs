//! One state of the world, as numbers of its parts.

use super::config::{Config, FAULTS, Fault};

/// Machines: one a node, and one that may take the name of node 0.
pub(super) const MACHINES: usize = 3;

/// A state. Parts are numbers of the world's pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// The blocks in the API server, one a family.
    pub(super) blocks: [u32; 2],
    /// The node objects' specs.
    pub(super) specs: [u32; 2],
    /// The node objects' statuses.
    pub(super) statuses: [u32; 2],
    /// A status write on its way.
    pub(super) late: [u32; 2],
    pub(super) machines: [u32; MACHINES],
    /// The operators with lagging caches.
    pub(super) operators: [Operator; 2],
    /// Pods that were ever bound, and those that exist: one bit each.
    pub(super) created: u16,
    pub(super) exists: u16,
    /// Nodes with the taint.
    pub(super) tainted: u8,
    /// Machines that are cut off.
    pub(super) cut: u8,
    /// Which registration of the node's name is in force: the first, the same machine again,
    /// another machine.
    pub(super) registered: [u8; 2],
    /// The backup of etcd; `u32::MAX` if there is none.
    pub(super) backup: u32,
    /// Whether etcd was restored from it, and the ledger has been rewritten since.
    pub(super) restored: Restored,
    /// The claim: one that nobody knows of, there, being deleted, gone.
    pub(super) claim: u8,
    /// How often each fault has happened.
    pub(super) used: [u8; FAULTS],
}

/// What a restore of etcd has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Restored {
    /// There was none.
    #[default]
    Never,
    /// The ledger is that of the backup.
    UnderWay,
    /// The ledger is true again.
    Adopted,
}

/// What a backup of etcd has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Backup {
    pub(super) blocks: [u32; 2],
    pub(super) specs: [u32; 2],
    pub(super) statuses: [u32; 2],
    pub(super) exists: u16,
}

/// What an operator last saw, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Operator {
    pub(super) view: Seen,
    /// Bit b: the view's block b is the version in the API server; bit 2 + n: spec n is.
    pub(super) current: u8,
}

/// What a decision is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) blocks: [u32; 2],
    pub(super) specs: [u32; 2],
    pub(super) statuses: [u32; 2],
    pub(super) pods: u16,
    pub(super) claim: u8,
    pub(super) evidence: [u8; 2],
    pub(super) restored: Restored,
    pub(super) ticks: Ticks,
}

/// The order of reads, as ranks: 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticks {
    pub(super) block: [u8; 2],
    pub(super) seen: [u8; 2],
    pub(super) read: [u8; 2],
    pub(super) evidence: [u8; 2],
}

// === impl State ===

impl State {
    /// The same with one more fault, if the run allows it.
    pub(super) fn after(&self, fault: Option<Fault>, config: &Config) -> Option<Self> {
        let mut next = *self;
        if let Some(fault) = fault {
            let used = &mut next.used[place(fault)];
            if *used >= config.allowed(fault) {
                return None;
            }
            *used += 1;
        }
        Some(next)
    }

    pub(super) fn had(&self, fault: Fault) -> bool {
        self.used[place(fault)] > 0
    }
}

fn place(fault: Fault) -> usize {
    match fault {
        Fault::Create => 0,
        Fault::Delete => 1,
        Fault::Kill => 2,
        Fault::GiveUp => 3,
        Fault::Crash => 4,
        Fault::LoseRun => 5,
        Fault::Power => 6,
        Fault::Taint => 7,
        Fault::Cut => 8,
        Fault::Link => 9,
        Fault::Left => 10,
        Fault::Rename => 11,
        Fault::Register => 12,
        Fault::Reply => 13,
        Fault::Block => 14,
        Fault::Late => 15,
        Fault::Stale => 16,
        Fault::Backup => 17,
        Fault::Restore => 18,
        Fault::EndClaim => 19,
        Fault::Foreign => 20,
    }
}

// === impl Ticks ===

impl Ticks {
    /// A rank after all others.
    pub(super) fn next(self) -> u8 {
        let all = [self.block, self.seen, self.read, self.evidence];
        1 + all.into_iter().flatten().max().unwrap_or_default()
    }

    /// The same order in the smallest ranks, so that equal orders are equal states. What no decision
    /// asks for is dropped: a read of a node object before that of every block, evidence before that
    /// of its node object.
    pub(super) fn normal(mut self) -> Self {
        let first = self.block.into_iter().filter(|at| *at > 0).min();
        for n in 0..2 {
            if first.is_none_or(|first| self.read[n] < first) {
                self.read[n] = 0;
            }
            if self.read[n] == 0 || self.evidence[n] < self.read[n] {
                self.evidence[n] = 0;
            }
        }
        if self.block[1] == 0 {
            return self.normal_of_one();
        }
        let mut ranks = [0; 8];
        let all = [self.block, self.seen, self.read, self.evidence];
        for (place, rank) in ranks.iter_mut().zip(all.into_iter().flatten()) {
            *place = rank;
        }
        ranks.sort_unstable();
        let rank = |at: u8| {
            let mut smaller = 0;
            let mut last = 0;
            for other in ranks {
                if other > last && other < at {
                    smaller += 1;
                }
                last = other;
            }
            if at == 0 { 0 } else { smaller + 1 }
        };
        Self {
            block: self.block.map(rank),
            seen: self.seen.map(rank),
            read: self.read.map(rank),
            evidence: self.evidence.map(rank),
        }
    }

    /// With one block only its order to each of the others counts.
    fn normal_of_one(self) -> Self {
        let block = self.block[0];
        let after = |rank: u8| move |at: u8| if block > 0 && at > block { rank } else { 0 };
        Self {
            block: [if block > 0 { 2 } else { 0 }, 0],
            seen: self.seen.map(|at| if block > at { 1 } else { 3 }),
            read: self.read.map(after(4)),
            evidence: self.evidence.map(after(5)),
        }
    }
}
