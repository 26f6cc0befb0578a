//! For which node UIDs this machine may speak (docs/ipam-protocol.md, "Who speaks for a node").
//!
//! An address that was granted under an earlier registration of this machine is released by this
//! machine only: nobody else knows what lives on it. The operator's side of the rule is
//! [`NodeStatus::speaks_for`](crate::ledger::view::NodeStatus::speaks_for).

use alloc::collections::BTreeSet;

use crate::id::Uid;

/// The Node that this machine is, and those that it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// UID of the Node now.
    pub node: Uid,
    /// UIDs of earlier Nodes.
    pub speaks_for: BTreeSet<Uid>,
}

/// What a status says of the agent that wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer {
    /// Its machine.
    pub machine: Option<Uid>,
    /// Its boot.
    pub boot: Option<Uid>,
    /// The Node that it was.
    pub node: Option<Uid>,
    /// The Nodes that it had been.
    pub speaks_for: BTreeSet<Uid>,
}

/// An agent that starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Starting {
    /// This machine.
    pub machine: Uid,
    /// This boot.
    pub boot: Uid,
    /// Whether `/run` is complete.
    pub complete: bool,
}

// === impl Identity ===

impl Identity {
    /// A start: takes over what the last status says, if that is this machine's and either the records
    /// in `/run` still last, or a reboot has ended every sandbox that they described. A lost `/run` in
    /// the same boot begins anew: sandboxes may live that nobody has records of.
    ///
    /// `present` is the Node that the spec names, `last` the status as a quorum read showed it.
    pub fn start(agent: Starting, last: &Writer, present: Uid) -> Self {
        let mut identity = Self {
            node: present,
            speaks_for: BTreeSet::new(),
        };
        let rebooted = last.boot.is_some_and(|boot| boot != agent.boot);
        if last.machine == Some(agent.machine) && (agent.complete || rebooted) {
            identity.speaks_for.clone_from(&last.speaks_for);
            identity.speaks_for.extend(last.node);
            identity.speaks_for.remove(&present);
        }
        identity
    }

    /// This machine was registered again under another UID, while its records last.
    pub fn become_node(&mut self, present: Uid) {
        if present != self.node {
            self.speaks_for.insert(self.node);
            self.speaks_for.remove(&present);
            self.node = present;
        }
    }
}

#[cfg(test)]
mod tests;
