//! What rest is: the goal of liveness.

use std::{net::IpAddr, vec::Vec};

use super::{
    claim,
    config::pod_of,
    machine::{Sandbox, container},
    state::{Restored, State},
    world::World,
};
use crate::{id::Seq, ledger::State as Standing};

// === impl World ===

impl World {
    /// Whether (address, seq) is held by a node in a state's ledger.
    pub(super) fn is_held(&self, state: &State, node: usize, key: &(IpAddr, Seq)) -> bool {
        state.blocks.iter().any(|block| {
            self.blocks
                .get(*block)
                .as_ref()
                .as_ref()
                .is_some_and(|block| {
                    let entry = block.entries.get(&key.0);
                    entry.is_some_and(|entry| entry.is_held_by(&self.names[node], key.1))
                })
        })
    }

    /// Whether everything has come to rest as it should (invariant 10): every pod is attached, as far
    /// as addresses go, and nothing is held for a pod that is gone. A state in which no more grants
    /// are drawn counts too.
    pub(super) fn is_settled(&self, state: &State) -> bool {
        if state.restored == Restored::UnderWay {
            return false;
        }
        let mut held = 0;
        for block in &self.block_ids.iter().zip(state.blocks).collect::<Vec<_>>() {
            let Some(block) = &*self.blocks.get(block.1) else {
                return false;
            };
            if block.seq.counter >= self.config.seq_bound {
                return true;
            }
            for entry in block.entries.values() {
                let Some(holder) = &entry.holder else {
                    // What a claim keeps rests as long as the claim stands.
                    if entry.state == Standing::Claimed && state.claim == claim::THERE {
                        continue;
                    }
                    return false;
                };
                let pod = pod_of(holder.owner);
                if state.exists & (1 << pod) == 0 {
                    return false;
                }
                held += 1;
            }
        }
        let families = self.block_ids.len();
        let mut attached = 0;
        for (m, number) in state.machines.iter().enumerate() {
            let machine = self.machines.get(*number);
            if Self::machine_of(Self::node_of(m), state.registered[Self::node_of(m)]) != m {
                continue;
            }
            for ((pod, slot), sandbox) in &machine.sandboxes {
                let name = container((*pod, *slot));
                let links = machine
                    .links
                    .iter()
                    .filter(|(key, _)| key.container == name);
                let addresses: usize = links.map(|(_, addresses)| addresses.len()).sum();
                let exists = state.exists & (1 << *pod) != 0;
                if *sandbox == Sandbox::Up && exists && addresses == families {
                    attached += 1;
                }
            }
        }
        if state.claim == claim::ENDING {
            return false;
        }
        let wanted = usize::try_from(state.exists.count_ones()).expect("few pods");
        attached == wanted.min(self.capacity) && held == attached * families
    }
}
