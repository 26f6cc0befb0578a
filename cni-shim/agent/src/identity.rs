//! Which machine this is, and who wrote a status.

use landfall_core::{
    agent::{Starting, Writer},
    id::Uid,
};
use landfall_crds::node::LandfallNodeStatus;

/// This machine and this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The machine's ID.
    pub id: Uid,
    /// The kernel's boot ID.
    pub boot: Uid,
}

/// Who wrote a status, if there is one.
pub fn writer(status: Option<&LandfallNodeStatus>) -> Writer {
    status.map_or_else(Writer::default, |status| Writer {
        machine: status.machine_id,
        boot: status.boot_id,
        node: status.node_uid,
        speaks_for: status.speaks_for.iter().copied().collect(),
    })
}

// === impl Machine ===

impl Machine {
    /// A start of its agent; `complete`: with a complete `/run`.
    pub const fn starting(self, complete: bool) -> Starting {
        Starting {
            machine: self.id,
            boot: self.boot,
            complete,
        }
    }
}
