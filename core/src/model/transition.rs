//! The invariants that a block write shows.

use std::{net::IpAddr, string::String};

use super::{
    config::{Fault, pod_of},
    state::{MACHINES, Restored, State},
    world::World,
};
use crate::{
    id::{Seq, Uid},
    ledger::{Entry, State as Standing},
};

// === impl World ===

impl World {
    /// Invariants 5 and 7 of a block write.
    pub(super) fn transition(&self, state: &State, family: usize, block: u32) -> Option<String> {
        let (before, after) = (
            self.blocks.get(state.blocks[family]),
            self.blocks.get(block),
        );
        let ((Some(before), Some(after)), false) = ((&*before, &*after), state.had(Fault::Block))
        else {
            return None;
        };
        if after.seq < before.seq {
            return Some(String::from("5: the block's seq goes back"));
        }
        if let Some(broken) = self.claimed(state, before, after) {
            return Some(broken);
        }
        let drawn = after.entries.iter().filter(|(address, entry)| {
            let known = before.entries.get(*address);
            let taken = entry.holder.is_some();
            taken && known.is_none_or(|known| known.holder.is_none() || known.seq != entry.seq)
        });
        if drawn.into_iter().any(|(_, entry)| entry.seq <= before.seq) {
            return Some(String::from("5: a seq is drawn twice"));
        }
        if state.restored == Restored::UnderWay {
            // What the backup's ledger holds says nothing; what is in use is asked of the states that follow.
            return None;
        }
        for (address, entry) in &before.entries {
            let Some(holder) = entry.holder.as_ref().filter(|_| entry.state.is_held()) else {
                continue;
            };
            let stays = after.entries.get(address);
            let stays = stays.filter(|entry| entry.is_held_by(&holder.node, entry.seq));
            let stays = stays.filter(|after| after.seq == entry.seq);
            match stays {
                Some(after) if entry.state == Standing::Recalling => {
                    if matches!(after.state, Standing::Granted | Standing::Quarantined) {
                        return Some(String::from("7: RECALLING goes back"));
                    }
                }
                Some(after) if after.state == Standing::Recalling && self.is_safe(state, entry) => {
                    return Some(String::from(
                        "12: a pod that never left its node loses its address",
                    ));
                }
                Some(_) => {}
                None if self.may_leave(state, *address, entry) => {}
                None => return Some(String::from("7: a held entry is freed without a release")),
            }
        }
        None
    }

    /// Whether nothing has happened that may cost the owner its address: it exists, every operator has
    /// known it from the start, and its node was never fenced.
    fn is_safe(&self, state: &State, entry: &Entry) -> bool {
        let faults = [
            Fault::Taint,
            Fault::Rename,
            Fault::Register,
            Fault::Create,
            Fault::Restore,
        ];
        let exists = entry.holder.as_ref().is_some_and(|holder| {
            let pod = pod_of(holder.owner);
            state.exists & (1 << pod) != 0
        });
        exists && self.block_ids.len() == 1 && !faults.iter().any(|fault| state.had(*fault))
    }

    /// The truth behind Rule F: the machine has released. A fence's evidence may have passed by the time
    /// that the entry is closed; what must hold then is asked of the state that follows.
    fn may_leave(&self, state: &State, address: IpAddr, entry: &Entry) -> bool {
        let Some(holder) = entry
            .holder
            .as_ref()
            .filter(|_| entry.state != Standing::Fencing)
        else {
            return true;
        };
        let node = self.node_named(&holder.node);
        let key = (address, entry.seq);
        // What was said once is true for ever: also if only a cache, or a late write, still says it.
        let cached = state.operators.iter().map(|o| o.view.statuses[node]);
        let mut said = cached.chain([state.statuses[node], state.late[node]]);
        if said.any(|status| self.has_said(status, holder.machine, &key)) {
            return true;
        }
        (0..MACHINES).any(|m| {
            let machine = self.machines.get(state.machines[m]);
            let own = Self::node_of(m) == node && machine.id == holder.machine;
            own && machine.memory.released.contains(&key)
        })
    }

    fn has_said(&self, status: u32, machine: Uid, key: &(IpAddr, Seq)) -> bool {
        status != u32::MAX && {
            let status = self.statuses.get(status);
            status.machine == machine && status.released.contains(key)
        }
    }
}
