//! For which node UIDs this machine may speak (docs/ipam-protocol.md, "Who speaks").

use std::collections::BTreeSet;

use landfall_core::id::Uid;
use landfall_crds::node::LandfallNodeStatus;

/// This machine and this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The machine's ID.
    pub id: Uid,
    /// The kernel's boot ID.
    pub boot: Uid,
}

/// The Node that this machine is, and those that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// UID of the Node now.
    pub node: Uid,
    /// UIDs of earlier Nodes.
    pub speaks_for: BTreeSet<Uid>,
}

// === impl Identity ===

impl Identity {
    /// A start: takes over what the status says, if the status is this machine's and either the
    /// records in `/run` still last, or a reboot has ended every sandbox that they described.
    /// `present` is the Node that the spec names.
    pub fn start(
        status: Option<&LandfallNodeStatus>,
        machine: Machine,
        complete: bool,
        present: Uid,
    ) -> Self {
        let ours = |status: &&LandfallNodeStatus| {
            status.machine_id == Some(machine.id)
                && (complete || status.boot_id.is_some_and(|boot| boot != machine.boot))
        };
        let mut identity = Self {
            node: present,
            speaks_for: BTreeSet::new(),
        };
        if let Some(status) = status.filter(ours) {
            identity.speaks_for = status.speaks_for.iter().copied().collect();
            identity.speaks_for.extend(status.node_uid);
            identity.speaks_for.remove(&present);
        }
        identity
    }

    /// The machine was registered again under another UID, while its records last.
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
