//! Addresses that other hosts of the LAN have: pod and network are told who has them.

use landfall_core::ledger::Conflict;
use landfall_crds::keys::event;

use super::Shell;
use crate::events::{Notice, Regarding};

// === impl Shell ===

impl Shell {
    /// What a decision's writes leave alone for a while. Told again as long as the write does not come
    /// through; who listens tells it once.
    pub(super) fn tell_conflicts(&self, conflicts: &[Conflict]) {
        for conflict in conflicts {
            let Conflict {
                address, mac, node, ..
            } = conflict;
            let found = format!(
                "address {address} is used by a host of the LAN with hardware address {mac}, which answered \
                 node {node}: it is not handed out for ten minutes"
            );
            tracing::warn!(%address, %mac, %node, "another host of the LAN uses an address");
            if let Some(pod) = self.world.pod_of(conflict.owner) {
                let message =
                    format!("{found}; the pod gets another one, unless it requested this one");
                self.events
                    .tell(Notice::warning(pod, event::ADDRESS_CONFLICT, &message));
            }
            if let Some(object) = self.world.network_object(conflict.network) {
                let kind = format!("{}Network", object.kind());
                let name = object.name();
                let about = Regarding::network(object);
                let message = format!(
                    "{found}; take it out of {kind} {name} with spec.ipam.subnets[].exclude, or off that host"
                );
                self.events
                    .tell(Notice::about(about, event::ADDRESS_CONFLICT, &message));
            }
        }
    }
}
