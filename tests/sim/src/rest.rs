//! The end of a schedule: faults stop, everything runs to rest, and what must be so then is so
//! (invariants 10, 11 and 12).

use std::net::IpAddr;

use landfall_core::{
    id::{Name, Seq},
    ledger::{Holder, State},
};

use crate::{
    dice::Dice,
    machine::{Machine, Stage},
    world::World,
};

mod claims;
mod evidence;
mod pods;

/// Rounds in which all must come to rest.
const ROUNDS: usize = 150;
/// Things that a machine may do in one round.
const BUSY: usize = 4_000;

// === impl World ===

impl World {
    /// Heals everything, runs to rest, and checks what was promised for then.
    pub fn rest(&mut self, dice: &mut Dice) -> Result<(), String> {
        self.heal(dice);
        self.run_to_rest(dice)?;
        if self.announce_again(dice)? {
            self.run_to_rest(dice)?;
        }
        if self.site.is_ledger_lost() {
            self.give_evidence(dice)?;
        }
        self.judge()?;
        if self.give_evidence(dice)? {
            self.judge()?;
        }
        Ok(())
    }

    fn run_to_rest(&mut self, dice: &mut Dice) -> Result<(), String> {
        let mut quiet = 0;
        let mut round = 0;
        while quiet < 3 {
            let before = self.site.api.revision.last();
            self.round(dice);
            self.checked()?;
            let is_quiet = before == self.site.api.revision.last();
            quiet = if is_quiet { quiet + 1 } else { 0 };
            round += 1;
            if round > ROUNDS {
                return Err("11: does not come to rest".to_owned());
            }
        }
        Ok(())
    }

    fn judge(&mut self) -> Result<(), String> {
        if self.site.is_ledger_lost() {
            return Err("11: the ledger is the backup's for ever".to_owned());
        }
        self.audit()?;
        self.check_grants()?;
        self.check_pods()?;
        self.check_ledger()?;
        self.check_claims()?;
        self.check_statuses()?;
        self.check_renewed()?;
        self.check_words()?;
        self.check_memories()
    }

    fn heal(&mut self, dice: &mut Dice) {
        self.site.trace.line(|| "the faults stop".to_owned());
        self.site.faults.stop();
        self.finish_restore(dice);
        while self.site.land(dice) {}
        for operator in &mut self.operators {
            operator.is_stalled = false;
            for network in operator.view.networks.values_mut() {
                network.closed = None;
            }
        }
        for machine in &mut self.machines {
            machine.is_cut = false;
        }
        for node in 0..self.scenario.nodes {
            let name = self.node_name(node);
            self.taint(&name, false);
            if self.is_named_off(node) {
                self.take_word_back(&name);
            }
            let number = self.in_force.get(node).copied().unwrap_or_default();
            if self
                .machines
                .get(number)
                .is_some_and(|machine| !machine.is_on)
            {
                self.power_on(node);
            }
            self.enroll(node);
        }
    }

    fn round(&mut self, dice: &mut Dice) {
        self.site.now += 100_000;
        for node in 0..self.scenario.nodes {
            self.update_health(node, false);
        }
        let (site, rules) = (&mut self.site, self.rules);
        for operator in &mut self.operators {
            operator.settle(site, rules, dice, 4);
        }
        for number in 0..self.machines.len() {
            self.machine_round(number, dice);
        }
    }

    fn machine_round(&mut self, number: usize, dice: &mut Dice) {
        let networks = &self.scenario.networks;
        let Some(machine) = self
            .machines
            .get_mut(number)
            .filter(|machine| machine.is_on)
        else {
            return;
        };
        let site = &mut self.site;
        for _ in 0..BUSY {
            let acted = machine.scan(site, dice)
                || machine.read_own(site, dice, false)
                || machine.watch_pods(site, dice)
                || machine.kernel(site, dice)
                || machine.sweep(site, dice);
            if !acted && !machine.kubelet(networks, site, dice) {
                break;
            }
        }
        machine.check(site);
        self.publish(number, dice);
    }

    /// The machine that serves a node, if its object is for it.
    fn server_of(&self, node: &Name) -> Option<&Machine> {
        let machines = self
            .in_force
            .iter()
            .filter_map(|number| self.machines.get(*number));
        let mut of = machines.filter(|machine| machine.name == *node);
        let machine = of.next()?;
        let object = self.site.api.nodes.get(node)?;
        (object.spec.identity.machine == machine.id).then_some(machine)
    }

    /// Everything that is held is for a pod that is there; all else has become FREE.
    fn check_ledger(&self) -> Result<(), String> {
        for block in self.site.api.blocks.all() {
            for (address, entry) in &block.spec.entries {
                let holder = entry.holder.as_ref();
                let Some(holder) = holder.filter(|_| entry.state == State::Granted) else {
                    if holder.is_some_and(|h| self.waits_for_evidence(h)) {
                        continue;
                    }
                    if entry.state == State::Claimed && entry.kept.is_some() {
                        continue;
                    }
                    // Asked back by mistake, of a pod that runs: an address never leaves a live sandbox.
                    if holder.is_some_and(|h| self.is_in_use(h, (*address, entry.seq))) {
                        continue;
                    }
                    return Err(format!("10: {address} has not become FREE: {entry:?}"));
                };
                let mut pods = self.site.api.pods.all();
                let has_pod = pods.any(|pod| {
                    let is_there = !pod.meta.is_deleting && !pod.status.is_over;
                    is_there && pod.spec.owner == holder.owner && pod.spec.node == holder.node
                });
                if !has_pod && !self.waits_for_evidence(holder) {
                    return Err(format!(
                        "10: {address} is held for a pod that is gone: {entry:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a sandbox that goes on has the address.
    fn is_in_use(&self, holder: &Holder, key: (IpAddr, Seq)) -> bool {
        let Some(machine) = self.machines.iter().find(|one| one.id == holder.machine) else {
            return false;
        };
        let mut links = machine.links.iter();
        links.any(|(at, (_, addresses))| {
            let sandbox = machine.sandboxes.get(&at.container);
            let goes_on = sandbox.is_some_and(|sandbox| sandbox.stage == Stage::Up);
            // A link that no record explains is not granted again after a restore.
            let is_old = |seq: Seq| seq.epoch < self.site.api.restore.epoch;
            let mut own = addresses.iter().filter(|(address, _)| *address == key.0);
            goes_on && own.any(|(_, seq)| *seq == key.1 || is_old(*seq))
        })
    }

    /// All that is held, and by whom.
    fn holders(&self) -> impl Iterator<Item = ((IpAddr, Seq), &Holder)> {
        let blocks = self.site.api.blocks.all();
        let entries = blocks.flat_map(|block| &block.spec.entries);
        entries.filter_map(|(address, entry)| Some(((*address, entry.seq), entry.holder.as_ref()?)))
    }

    /// What an agent says is what its object shows: of a status that landed late nothing is left.
    fn check_statuses(&self) -> Result<(), String> {
        for machine in self.machines.iter().filter(|machine| machine.is_on) {
            let server = self.server_of(&machine.name);
            let is_its = server.is_some_and(|server| server.id == machine.id);
            let object = self.site.api.nodes.get(&machine.name).filter(|_| is_its);
            if let Some((object, status)) = object.zip(machine.status())
                && object.status != status
            {
                return Err(format!(
                    "10: {} shows {:?} for ever, and its agent says {status:?}",
                    machine.name, object.status
                ));
            }
        }
        Ok(())
    }

    /// Acknowledgements that nobody needs any more are forgotten.
    fn check_memories(&self) -> Result<(), String> {
        for machine in self
            .machines
            .iter()
            .filter(|machine| machine.is_on && !machine.is_replaced)
        {
            if self.server_of(&machine.name).is_none() {
                continue;
            }
            let mut released = machine.memory.released.clone();
            for (key, holder) in self.holders() {
                if self.waits_for_evidence(holder) {
                    released.remove(&key);
                }
            }
            if !released.is_empty() {
                return Err(format!(
                    "10: {} remembers {released:?} for ever",
                    machine.name
                ));
            }
        }
        Ok(())
    }
}
