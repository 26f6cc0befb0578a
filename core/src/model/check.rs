//! The invariants that a state shows, by the kernel's truth.

use std::{collections::BTreeSet, format, rc::Rc, string::String};

use super::{
    config::{EPOCH, Fault},
    machine::{Machine, Sandbox, container},
    state::{MACHINES, Restored, State},
    world::World,
};

// === impl World ===

impl World {
    /// The invariant that the state breaks, if it breaks one.
    pub(super) fn broken(&mut self, state: &State) -> Option<Rc<String>> {
        if state.restored == Restored::UnderWay {
            // The ledger says nothing: only the kernels do.
            if let Some(verdict) = self.twice(state) {
                return Some(Rc::new(verdict));
            }
        }
        (0..MACHINES).find_map(|m| {
            let node = Self::node_of(m);
            let key = (
                state.blocks,
                state.specs[node],
                state.statuses[node],
                state.machines[m],
                m,
                state.restored,
            );
            if let Some(verdict) = self.verdicts.get(&key) {
                return verdict.clone();
            }
            let verdict = self.judge(state, m).map(Rc::new);
            self.verdicts.insert(key, verdict.clone());
            verdict
        })
    }

    /// Invariant 1 itself, over all machines.
    fn twice(&self, state: &State) -> Option<String> {
        let mut seen = BTreeSet::new();
        for number in state.machines {
            let machine = self.machines.get(number);
            for (address, _) in machine.links.values().flatten() {
                if !seen.insert(*address) {
                    return Some(format!("1: {address} is on two machines"));
                }
            }
        }
        None
    }

    /// Of one machine, its node object and the blocks.
    fn judge(&self, state: &State, m: usize) -> Option<String> {
        let node = Self::node_of(m);
        let machine = self.machines.get(state.machines[m]);
        self.judge_links(state, node, &machine)
            .or_else(|| judge_sandboxes(&machine))
            .or_else(|| self.judge_grants(state, m, &machine))
    }

    /// What the kernel has, the ledger and /run know.
    fn judge_links(&self, state: &State, node: usize, machine: &Machine) -> Option<String> {
        let mut addresses = BTreeSet::new();
        for (key, link) in &machine.links {
            for (address, seq) in link {
                if !addresses.insert(*address) {
                    return Some(format!("1: {address} is on two devices"));
                }
                let entry = state.blocks.iter().find_map(|block| {
                    let block = self.blocks.get(*block);
                    block.as_ref().as_ref()?.entries.get(address).cloned()
                });
                let is_held = entry.as_ref().is_some_and(|entry| {
                    let holder = entry.holder.as_ref();
                    // After a restore the record gets a new seq, and the link stays as it is.
                    let is_old = seq.epoch < EPOCH && state.restored == Restored::Adopted;
                    let seq = if is_old { entry.seq } else { *seq };
                    entry.is_held_by(&self.names[node], seq)
                        && holder.is_some_and(|holder| holder.machine == machine.id)
                });
                // A block that was deleted by hand is made again with all that is held.
                let is_lost = state.blocks[..self.block_ids.len()].contains(&0)
                    || state.restored == Restored::UnderWay;
                if !is_held && !is_lost {
                    return Some(format!(
                        "3, 4: a device of {} has {address} {seq}, and the ledger says {entry:?}",
                        self.names[node]
                    ));
                }
                if machine.disk.released.contains(&(*address, *seq)) {
                    return Some(format!(
                        "2: a device has {address} {seq}, which is released"
                    ));
                }
            }
            let may_lack = self.config.allowed(Fault::LoseRun) > 0;
            if !machine.disk.records.contains_key(key) && !may_lack {
                return Some(format!("2: a device of {key:?} has no record"));
            }
        }
        None
    }

    /// What a node may still attach is held by it.
    fn judge_grants(&self, state: &State, m: usize, machine: &Machine) -> Option<String> {
        let node = Self::node_of(m);
        let object = self.objects.get(state.specs[node]);
        if Self::machine_of(node, object.registered) != m {
            return None;
        }
        let said = self.statuses.get(state.statuses[node]);
        for grant in &object.spec.grants {
            let Some(key) = grant.address else { continue };
            let is_lost = state.blocks[..self.block_ids.len()].contains(&0)
                || state.restored == Restored::UnderWay;
            // A cold agent adopts what its status says before it serves anything.
            let adopts = machine.volatile.cold && !machine.volatile.read;
            let is_released =
                machine.memory.released.contains(&key) || adopts && said.released.contains(&key);
            if !self.is_held(state, node, &key) && !is_released && !is_lost {
                return Some(format!(
                    "3, 4: {} may still attach {} {}, which is not held",
                    self.names[node], key.0, key.1
                ));
            }
        }
        None
    }
}

/// A sandbox that is up keeps its link, and one that is gone gets none.
fn judge_sandboxes(machine: &Machine) -> Option<String> {
    let sandboxes = machine.sandboxes.keys().map(|sandbox| container(*sandbox));
    let sandboxes: BTreeSet<_> = sandboxes.collect();
    let mut making = machine.making.keys();
    if let Some(key) = making.find(|key| !sandboxes.contains(&key.container)) {
        return Some(format!("12: an ADD has outlived its sandbox: {key:?}"));
    }
    for (sandbox, state) in &machine.sandboxes {
        let name = container(*sandbox);
        let has_link = machine.links.keys().any(|key| key.container == name);
        if *state == Sandbox::Up && !has_link {
            return Some(format!("12: {name} is up and has lost its device"));
        }
    }
    None
}
