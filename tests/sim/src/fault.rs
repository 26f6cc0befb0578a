//! The kinds of fault: how likely each is in a schedule, and how often it has happened.

use crate::dice::Dice;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What people call it.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

faults! {
    /// Nothing was done, and the client does not know.
    RequestLost = "request lost",
    /// It was done, and the client does not know.
    ReplyLost = "reply lost after the commit",
    /// It is done later than its client believes.
    RequestLate = "request lands late",
    /// 429.
    TooMany = "429 Too Many Requests",
    /// 500.
    Internal = "500 Internal Server Error",
    /// History is forgotten: 410 Gone, and a list.
    Compaction = "watch expired (410 Gone), relist",
    /// A connection breaks, and the list comes from a server that is behind.
    StaleList = "relist from a stale cache",
    /// An operator dies between two writes.
    OperatorCrash = "operator dies between two writes",
    /// An operator stands still and goes on later, with old caches and old writes.
    OperatorStall = "operator stands still (zombie)",
    /// An operator's clock jumps ahead.
    ClockJump = "operator's clock jumps",
    /// A network is paused, and goes on later.
    Pause = "network paused",
    /// A block is deleted by hand, against its finalizer.
    BlockDeleted = "ledger block deleted by hand",
    /// A node object is deleted by hand, against its finalizer.
    NodeObjectDeleted = "node object deleted by hand",
    /// etcd is restored from a backup by the announced procedure.
    Restored = "etcd restored from a backup, announced",
    /// etcd is restored from a backup, and nobody says so until it is noticed.
    RestoredUnannounced = "etcd restored from a backup, announced once noticed",
    /// The agent dies, between any two effects.
    AgentCrash = "agent dies between two effects",
    /// The agent dies and `/run` is lost; the sandboxes live.
    RunLost = "/run lost",
    /// The agent's pod is not Ready for a while.
    NotReady = "agent's pod not Ready",
    /// A machine loses power.
    PowerCut = "power cut and reboot",
    /// A machine is cut off from the API server.
    Partition = "node partitioned",
    /// A machine that is off gets the taint out-of-service.
    Taint = "fenced by taint",
    /// A user says that a machine is off, which it is.
    Reclaim = "fenced by a user's word (reclaim)",
    /// A Node is deleted, and the same machine registers again.
    Registered = "Node deleted, same machine registers again",
    /// A Node is deleted, and another machine takes its name.
    Replaced = "Node deleted, another machine takes the name",
    /// kubelet begins anew, with an old list of pods.
    StaleKubelet = "kubelet starts with an old list",
    /// kubelet takes a sandbox that lives for dead.
    SandboxLost = "second sandbox beside a live one",
    /// An ADD waits as long as it may.
    AddTimeout = "ADD times out",
    /// The plugin closes its connection.
    AddAborted = "plugin killed during ADD",
    /// kubelet deletes a sandbox whose ADD runs.
    AddDeleted = "DEL during ADD",
    /// A DEL comes again, long after.
    LateDel = "late or repeated DEL",
    /// A link can't be made.
    NotMade = "link can't be made",
    /// A link can't be removed.
    NotGone = "link can't be removed",
    /// A namespace can't be entered: its end removes the link.
    LeftToKernel = "removal left to the kernel",
    /// The LAN's answer to a probe: somebody has the address.
    ForeignHost = "host of the LAN on a granted address",
    /// A pod is deleted by force: its object is gone at once.
    ForceDelete = "pod force-deleted",
}

const KINDS: usize = Fault::ALL.len();

/// How likely each is, and how often it was.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Once in so many times; 0 is never.
    odds: [usize; KINDS],
    counts: [u64; KINDS],
    /// False at the end of a schedule.
    is_on: bool,
}

// === impl Fault ===

impl Fault {
    fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|one| *one == self)
            .unwrap_or_default()
    }
}

// === impl Faults ===

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self {
            odds: [0; KINDS],
            counts: [0; KINDS],
            is_on: true,
        }
    }

    /// Some kinds, each more or less likely; in every schedule others.
    pub fn of(dice: &mut Dice) -> Self {
        let mut faults = Self::none();
        // A schedule with all kinds at once hardly moves; one with few goes deep.
        let share = 1 + dice.below(4);
        for odds in &mut faults.odds {
            if dice.below(5) < share {
                *odds = 2 + dice.below(10);
            }
        }
        faults
    }

    /// This kind never happens.
    pub fn forbid(&mut self, fault: Fault) {
        if let Some(odds) = self.odds.get_mut(fault.index()) {
            *odds = 0;
        }
    }

    /// No more from here on.
    pub fn stop(&mut self) {
        self.is_on = false;
    }

    /// Whether the kind may happen at all.
    pub fn may(&self, fault: Fault) -> bool {
        self.is_on && self.odds.get(fault.index()).is_some_and(|odds| *odds > 0)
    }

    /// Whether it happens now; counted, if so.
    pub fn happens(&mut self, fault: Fault, dice: &mut Dice) -> bool {
        if !self.may(fault) {
            return false;
        }
        let odds = self.odds.get(fault.index()).copied().unwrap_or_default();
        let happens = dice.one_in(odds);
        if happens {
            self.count(fault);
        }
        happens
    }

    /// Whether it happens now, in a place where it is rarer by `factor`.
    pub fn rarely(&mut self, fault: Fault, factor: usize, dice: &mut Dice) -> bool {
        self.may(fault) && dice.one_in(factor) && self.happens(fault, dice)
    }

    /// It has happened.
    pub fn count(&mut self, fault: Fault) {
        if let Some(count) = self.counts.get_mut(fault.index()) {
            *count += 1;
        }
    }

    /// Whether it has happened.
    pub fn had(&self, fault: Fault) -> bool {
        self.counts
            .get(fault.index())
            .is_some_and(|count| *count > 0)
    }

    /// How often each has happened.
    pub fn counts(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        Fault::ALL.iter().copied().zip(self.counts)
    }
}
