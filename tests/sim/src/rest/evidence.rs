//! What only evidence can free, freed at last: its machine is switched off, a user says so, and nothing
//! of it is left.

use std::collections::BTreeMap;

use landfall_core::{
    id::{Name, Uid},
    ledger::{Holder, State},
};

use crate::{dice::Dice, machine::Stage, world::World};

/// How often words may be needed: two machines may have had one name before.
const TIMES: usize = 16;

// === impl World ===

impl World {
    /// Users give evidence for all that waits for it, and it becomes FREE. Whether there was any.
    pub(super) fn give_evidence(&mut self, dice: &mut Dice) -> Result<bool, String> {
        for time in 0..TIMES {
            let words = self.missing_words();
            if words.is_empty() {
                return Ok(time > 0);
            }
            let nodes = (0..self.scenario.nodes).map(|node| (self.node_name(node), node));
            let nodes: Vec<(Name, usize)> = nodes.collect();
            for (name, node) in &nodes {
                if let Some((word, machine)) = words.get(name) {
                    self.switch_off(*machine);
                    self.update_health(*node, false);
                    self.say_off(name, *word);
                }
            }
            self.run_to_rest(dice)?;
            self.check_words()?;
            for (_, node) in nodes {
                if self.in_force(node).is_some_and(|machine| !machine.is_on) {
                    self.power_on(node);
                }
            }
            self.run_to_rest(dice)?;
        }
        let left = self.missing_words();
        Err(format!("10: waits for evidence that was given: {left:?}"))
    }

    /// What is to be said of each node: the Node's UID, and the machine. One word at a time.
    fn missing_words(&self) -> BTreeMap<Name, (Uid, Uid)> {
        let is_lost = self.site.is_ledger_lost();
        let holders = self.holders().map(|(_, holder)| holder.clone());
        let named = holders.chain(self.named_machines().filter(|_| is_lost));
        let waiting = named
            .filter(|holder| self.waits_for_evidence(holder) || is_lost && self.has_no_say(holder));
        let word = |holder: Holder| {
            let object = self.site.api.nodes.get(&holder.node);
            let identity = object.map(|object| object.spec.identity);
            let own = identity.filter(|own| own.machine == holder.machine);
            let node = own.map_or(holder.node_uid, |own| own.node);
            (holder.node, (node, holder.machine))
        };
        waiting.map(word).collect()
    }

    /// The machines that node objects name, as if each held something.
    fn named_machines(&self) -> impl Iterator<Item = Holder> {
        let objects = self.site.api.nodes.all();
        objects.map(|object| Holder {
            node: object.meta.key.clone(),
            node_uid: object.spec.identity.node,
            machine: object.spec.identity.machine,
            owner: Uid::default(),
            interface: Name::default(),
            index: 0,
        })
    }

    /// After a restore: whether nobody has said what the machine has in use who may.
    fn has_no_say(&self, holder: &Holder) -> bool {
        let object = self.site.api.nodes.get(&holder.node);
        object.is_none_or(|object| {
            let said = &object.status.said;
            said.epoch < self.site.api.restore.epoch || !said.speaks_for(holder)
        })
    }

    /// What goes on over a restore keeps its addresses: all are granted again (invariant 12). But what was
    /// given twice, and what was asked back by mistake.
    pub(super) fn check_renewed(&self) -> Result<(), String> {
        let epoch = self.site.api.restore.epoch;
        for machine in self.machines.iter().filter(|machine| machine.is_on) {
            for (key, (network, addresses)) in &machine.links {
                let is_up = machine
                    .sandboxes
                    .get(&key.container)
                    .is_some_and(|sandbox| sandbox.stage == Stage::Up);
                let mut old = addresses.iter().filter(|(_, seq)| seq.epoch < epoch);
                let lost = old.find(|(address, _)| {
                    let entry = self.site.checker.entry(&self.site.api, *network, *address);
                    let is_going = entry.is_some_and(|entry| entry.state == State::Recalling);
                    let is_recorded = machine.memory.records.contains_key(key);
                    is_up
                        && is_recorded
                        && !is_going
                        && !self.site.checker.is_given_twice(*network, *address)
                });
                if let Some((address, _)) = lost {
                    return Err(format!(
                        "12: {key:?} of {} has {address}, which it was not granted again after the restore",
                        machine.name
                    ));
                }
            }
        }
        Ok(())
    }

    fn switch_off(&mut self, machine: Uid) {
        let site = &mut self.site;
        let mut machines = self.machines.iter_mut();
        if let Some(machine) = machines.find(|one| one.id == machine && one.is_on) {
            site.trace
                .line(|| format!("{} is switched off", machine.name));
            machine.power_off(site);
        }
    }

    /// Nobody has to take a word back that has done its work.
    pub(super) fn check_words(&self) -> Result<(), String> {
        let mut objects = self.site.api.nodes.all();
        let said = objects.find(|object| object.meta.reclaimed.is_some());
        said.map_or(Ok(()), |object| {
            let name = &object.meta.key;
            Err(format!("10: the word about {name} stands for ever"))
        })
    }

    /// Whether only evidence can free what this machine holds, and there is none: it was replaced, or
    /// the node's object is still for the one that was; or it does not know that it was that Node.
    pub(super) fn waits_for_evidence(&self, holder: &Holder) -> bool {
        let server = self.server_of(&holder.node);
        let is_its = server.is_some_and(|server| server.id == holder.machine);
        let mut machines = self.machines.iter();
        let is_replaced = machines.any(|one| one.name == holder.node && one.is_replaced);
        let forgot = server.is_some_and(|server| {
            self.site.api.nodes.get(&holder.node).is_some_and(|object| {
                let (said, node) = (&object.status.said, holder.node_uid);
                let never_said = !server.has_been.contains(&(object.meta.uid, node));
                let is_other = said.node_uid != node && !said.speaks_for.contains(&node);
                is_other && (server.has_lost_run || never_said)
            })
        });
        !self.scenario.deletion_counts() && is_replaced && !is_its || forgot
    }
}
