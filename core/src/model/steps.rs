//! What may happen inside a machine, asked once about each.

use std::{net::IpAddr, rc::Rc, string::String, vec::Vec};

use super::{
    config::{Fault, SLOTS},
    machine::{Machine, Outcomes, Sandbox},
    state::{Restored, State},
    world::{Local, LocalStep, Readings, World},
};
use crate::{
    agent::{Event, Identity, Key, Snapshot, Starting, Writer},
    id::{Seq, Uid},
    ledger::view::NodeStatus,
    mac::Mac,
};

/// Steps that are being gathered.
struct Gathered<'w> {
    world: &'w mut World,
    number: u32,
    steps: Vec<LocalStep>,
}

// === impl Gathered ===

impl Gathered<'_> {
    fn is_allowed(&self, fault: Option<Fault>) -> bool {
        fault.is_none_or(|fault| self.world.config.allowed(fault) > 0)
    }

    fn plain(&mut self, what: Local, fault: Option<Fault>, next: Machine) {
        if !self.is_allowed(fault) {
            return;
        }
        let next = self.world.machines.number(next);
        self.steps.push(LocalStep {
            what,
            next,
            fault,
            crashes: false,
            unready: false,
        });
    }

    fn told(&mut self, what: Local, fault: Option<Fault>, outcomes: Outcomes) {
        if !self.is_allowed(fault) {
            return;
        }
        let unready = outcomes.unready;
        self.plain(what, fault, outcomes.whole);
        if let Some(last) = self.steps.last_mut() {
            last.unready = unready;
        }
        if !self.is_allowed(Some(Fault::Crash)) {
            return;
        }
        for crashed in outcomes.crashed {
            let next = self.world.machines.number(crashed);
            let step = LocalStep {
                what,
                next,
                fault,
                crashes: true,
                unready: false,
            };
            let same = |other: &LocalStep| {
                other.crashes && other.next == next && other.fault == step.fault
            };
            if next != self.number && !self.steps.iter().any(same) {
                self.steps.push(step);
            }
        }
    }

    fn kubelet(&mut self, machine: &Machine, pod: usize) {
        let rules = self.world.rules;
        let known = machine.knows(pod);
        if known && let Some(outcomes) = machine.add(rules, pod) {
            self.told(Local::Add(pod), None, outcomes);
        }
        for slot in 0..SLOTS {
            let at = (pod, slot);
            let Some(sandbox) = machine.sandboxes.get(&at) else {
                continue;
            };
            match sandbox {
                Sandbox::Adding | Sandbox::Up if !known => {
                    self.told(Local::Del(pod, slot), None, machine.delete(rules, at));
                }
                Sandbox::Adding => {
                    let fault = Some(Fault::GiveUp);
                    if self.is_allowed(fault) {
                        self.plain(Local::GiveUp(pod, slot), fault, machine.doomed(at));
                        let out = machine.time_out(rules, at);
                        self.told(Local::TimeOut(pod, slot), fault, out);
                        self.told(Local::Abort(pod, slot), fault, machine.abort(rules, at));
                    }
                }
                Sandbox::Up => {
                    let fault = Some(Fault::Kill);
                    self.plain(Local::Kill(pod, slot), fault, machine.doomed(at));
                }
                Sandbox::Doomed => {
                    self.told(Local::Del(pod, slot), None, machine.delete(rules, at));
                }
                Sandbox::Deleting => {}
                Sandbox::Ending => {
                    let what = Local::NamespaceEnds(pod, slot);
                    self.plain(what, None, machine.ended(at));
                }
            }
        }
    }

    fn links(&mut self, machine: &Machine) {
        let rules = self.world.rules;
        let place = |key: &Key| key.container.as_str().bytes().map(usize::from).sum();
        for key in machine.making.keys() {
            let what = Local::Made(place(key));
            self.told(what, None, machine.made(rules, key));
            if self.is_allowed(Some(Fault::Link)) {
                let what = Local::NotMade(place(key));
                self.told(what, Some(Fault::Link), machine.not_made(rules, key));
            }
        }
        for key in &machine.removing {
            let what = Local::Gone(place(key));
            self.told(what, None, machine.gone(rules, key));
            if self.is_allowed(Some(Fault::Link)) {
                let out = machine.not_gone(rules, key, false);
                self.told(Local::NotGone(place(key)), Some(Fault::Link), out);
            }
            if self.is_allowed(Some(Fault::Left)) {
                let out = machine.not_gone(rules, key, true);
                self.told(Local::LeftToKernel(place(key)), Some(Fault::Left), out);
            }
        }
    }

    fn agent(&mut self, machine: &Machine) {
        let rules = self.world.rules;
        for key in &machine.probing {
            self.told(Local::Unheard, None, machine.probed(rules, *key, None));
            let fault = Some(Fault::Foreign);
            if self.is_allowed(fault) {
                let found = Some(Mac([2, 0, 0, 0, 0, 1]));
                self.told(Local::Heard, fault, machine.probed(rules, *key, found));
            }
        }
        for (pod, slot) in machine.swept() {
            let out = machine.sweep(rules, (pod, slot));
            self.told(Local::Sweep(pod, slot), None, out);
        }
        if machine.must_scan() {
            self.told(Local::Scan, None, machine.scan(rules));
        }
        if self.is_allowed(Some(Fault::Crash)) {
            self.plain(Local::Crash, Some(Fault::Crash), machine.restarted());
        }
        if self.is_allowed(Some(Fault::LoseRun)) {
            self.plain(Local::LoseRun, Some(Fault::LoseRun), machine.without_run());
        }
    }
}

// === impl World ===

impl World {
    /// What may happen inside a machine.
    pub(super) fn local_steps(&mut self, number: u32) -> Rc<Vec<LocalStep>> {
        if let Some(steps) = self.local.get(&number) {
            return Rc::clone(steps);
        }
        let machine = self.machines.get(number);
        let pods = self.config.pods.len();
        let mut gathered = Gathered {
            world: self,
            number,
            steps: Vec::new(),
        };
        for pod in 0..pods {
            gathered.kubelet(&machine, pod);
        }
        gathered.links(&machine);
        gathered.agent(&machine);
        let mut steps = gathered.steps;
        steps.retain(|step| step.next != number);
        let steps = Rc::new(steps);
        self.local.insert(number, Rc::clone(&steps));
        steps
    }

    /// An agent reads its own object.
    pub(super) fn readings(
        &mut self,
        m: usize,
        number: u32,
        object: u32,
        status: u32,
        quorum: bool,
    ) -> Readings {
        let key = (number, object, status, quorum);
        if let Some(steps) = self.readings.get(&key) {
            return Rc::clone(steps);
        }
        let machine = self.machines.get(number);
        let node = Self::node_of(m);
        let snapshot = self.snapshot(node, object, status);
        let rules = self.rules;
        let registered = self.objects.get(object).registered;
        let mut gathered = Gathered {
            world: self,
            number,
            steps: Vec::new(),
        };
        // What a start reads first, or a watch repeats, is told too: some of what it leads to may have
        // been lost with the agent.
        let event = Event::Spec {
            snapshot: snapshot.clone(),
            quorum,
        };
        let mut outcomes = machine.tell(rules, event);
        let said = gathered.world.statuses.get(status);
        let whole = &mut outcomes.whole;
        whole.identify(&snapshot, Self::node_uid(node, registered), quorum, &said);
        gathered.told(Local::Reads, None, outcomes);
        let mut steps = gathered.steps;
        steps.retain(|step| step.next != number);
        let steps = Rc::new(steps);
        self.readings.insert(key, Rc::clone(&steps));
        steps
    }

    /// Invariant 2b: what the ledger holds is not forgotten by the agent that released it.
    pub(super) fn forgets(&self, state: &State, m: usize, next: u32) -> Option<String> {
        let before = self.machines.get(state.machines[m]);
        // After a restore nothing counts that was released before.
        if state.restored == Restored::UnderWay {
            return None;
        }
        if before.memory.released.is_empty() {
            return None;
        }
        let after = self.machines.get(next);
        let node = Self::node_of(m);
        if after.is_off {
            return None;
        }
        let mut lost = before.memory.released.difference(&after.memory.released);
        lost.any(|key| self.still_counts(state, node, key))
            .then(|| String::from("2b: released is forgotten while the ledger holds it"))
    }

    /// Whether the ledger holds what was released, and the node object may still grant it. What a fence
    /// has put aside in `fenced` comes back at most as a recall, which is acknowledged anew.
    fn still_counts(&self, state: &State, node: usize, key: &(IpAddr, Seq)) -> bool {
        let object = self.objects.get(state.specs[node]);
        let mut aside = object.spec.fenced.iter();
        self.is_held(state, node, key) && !aside.any(|grant| grant.address == Some(*key))
    }

    /// The same of what a status says.
    pub(super) fn unsays(&self, state: &State, node: usize, status: u32) -> Option<String> {
        if state.restored == Restored::UnderWay {
            return None;
        }
        let (before, after) = (
            self.statuses.get(state.statuses[node]),
            self.statuses.get(status),
        );
        // Another machine of that name has its say in the same status, and says it again.
        let remembered = |key| {
            let machines = state
                .machines
                .iter()
                .map(|number| self.machines.get(*number));
            let mut others = machines.filter(|machine| machine.id != after.machine);
            others.any(|machine| machine.memory.released.contains(key))
        };
        let lost = before.released.difference(&after.released);
        let mut lost = lost.filter(|key| !remembered(*key));
        lost.any(|key| self.still_counts(state, node, key))
            .then(|| String::from("2b: released is taken out of the status while it is held"))
    }
}

// === impl Machine ===

impl Machine {
    /// For whom the agent speaks: as the shell asks the shipped rule.
    fn identify(&mut self, snapshot: &Snapshot, present: Uid, quorum: bool, said: &NodeStatus) {
        if snapshot.machine != self.id {
            return;
        }
        let boot = Uid(1);
        match &mut self.identity {
            Some(identity) => identity.become_node(present),
            None if quorum => {
                let agent = Starting {
                    machine: self.id,
                    boot: if self.rebooted { Uid(2) } else { boot },
                    complete: false,
                };
                let last = Writer {
                    machine: Some(said.machine),
                    boot: Some(boot),
                    node: Some(said.node_uid),
                    speaks_for: said.speaks_for.clone(),
                };
                self.identity = Some(Identity::start(agent, &last, present));
            }
            None => {}
        }
    }
}
