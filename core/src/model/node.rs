//! What may happen on a node: inside its machine, and between it and the API server.

use std::{string::String, vec::Vec};

use super::{
    config::Fault,
    state::State,
    world::{Local, LocalStep, Next, What, World},
};
use crate::ledger::view::NodeStatus;

// === impl World ===

impl World {
    pub(super) fn machine(&mut self, state: &State, m: usize, out: &mut Vec<Next>) {
        let node = Self::node_of(m);
        let number = state.machines[m];
        let machine = self.machines.get(number);
        if machine.is_off {
            return;
        }
        for step in self.local_steps(number).iter() {
            self.step(state, m, What::Machine(m, step.what), *step, out);
        }
        if state.cut & (1 << m) != 0 {
            return;
        }
        for pod in 0..self.config.pods.len() {
            let exists = state.exists & (1 << pod) != 0;
            if self.config.pods[pod] == node && machine.knows(pod) != exists {
                let next = self.with_pod(number, pod);
                self.push(out, What::Knows(m, pod), state, None, |state| {
                    state.machines[m] = next;
                });
            }
        }
        let (object, status) = (state.specs[node], state.statuses[node]);
        // An agent that is cold, or does not know for whom it speaks, asks for a quorum read.
        let quorum = machine.volatile.cold && !machine.volatile.read || machine.identity.is_none();
        let epoch = self.objects.get(object).spec.epoch;
        let quorum = quorum || machine.memory.epoch() < epoch;
        for step in self.readings(m, number, object, status, quorum).iter() {
            self.step(state, m, What::Reads(m), *step, out);
        }
        if machine.memory.snapshot.is_none() && self.config.allowed(Fault::Stale) > 0 {
            let view = state.operators[0].view;
            let (object, status) = (view.specs[node], view.statuses[node]);
            for step in self.readings(m, number, object, status, false).iter() {
                let step = LocalStep {
                    fault: Some(Fault::Stale),
                    ..*step
                };
                self.step(state, m, What::ReadsStale(m), step, out);
            }
        }
        self.publish(state, m, out);
    }

    /// A step inside a machine; it may forget nothing that the ledger still counts on.
    fn step(&self, state: &State, m: usize, what: What, step: LocalStep, out: &mut Vec<Next>) {
        let from = out.len();
        let fault = if step.crashes {
            Some(Fault::Crash)
        } else {
            step.fault
        };
        let base = match (step.crashes, step.fault) {
            (true, Some(own)) => state.after(Some(own), &self.config),
            _ => Some(*state),
        };
        let Some(base) = base else { return };
        self.push(out, what, &base, fault, |next| next.machines[m] = step.next);
        if let Some(next) = out.get_mut(from) {
            next.broken = if step.unready {
                Some(String::from("8: an agent that is not ready has served"))
            } else if matches!(what, What::Machine(_, Local::LoseRun)) {
                None
            } else {
                self.forgets(state, m, step.next)
            };
        }
    }

    fn publish(&mut self, state: &State, m: usize, out: &mut Vec<Next>) {
        let node = Self::node_of(m);
        let registered = self.objects.get(state.specs[node]).registered;
        let is_named = Self::machine_of(node, registered) == m;
        let status = self.status_of(state.machines[m], state.statuses[node]);
        if status != state.statuses[node] && is_named {
            let broken = self.unsays(state, node, status);
            self.push(out, What::Publishes(m), state, None, |next| {
                next.statuses[node] = status;
            });
            if let Some(next) = out.last_mut() {
                next.broken = broken;
            }
            if state.late[node] == u32::MAX {
                self.push(out, What::Sends(m), state, Some(Fault::Late), |next| {
                    next.late[node] = status;
                });
            }
        }
        // Whose status it is: a write tests that the object is for this machine.
        if state.late[node] != u32::MAX {
            let by = self.statuses.get(state.late[node]).machine;
            let is_named = by == Self::machine_id(Self::machine_of(node, registered));
            self.push(out, What::Lands(node), state, None, |next| {
                if is_named {
                    next.statuses[node] = next.late[node];
                }
                next.late[node] = u32::MAX;
            });
        }
    }

    /// What an agent would say; what is said already if it says nothing.
    fn status_of(&mut self, number: u32, said: u32) -> u32 {
        if let Some(status) = self.published.get(&(number, said)) {
            return *status;
        }
        let machine = self.machines.get(number);
        let ready = machine.volatile.is_ready(&machine.memory);
        let status = match &machine.identity {
            Some(identity) if ready => self.statuses.number(NodeStatus {
                node_uid: identity.node,
                machine: machine.id,
                speaks_for: identity.speaks_for.clone(),
                released: machine.memory.released.clone(),
                epoch: machine.memory.epoch(),
                in_use: machine.memory.in_use(&machine.volatile),
                suspects: machine.memory.restore_suspected,
                conflicts: machine.volatile.conflicts().clone(),
            }),
            Some(_) | None => said,
        };
        self.published.insert((number, said), status);
        status
    }

    fn with_pod(&mut self, number: u32, pod: usize) -> u32 {
        if let Some(next) = self.known.get(&(number, pod)) {
            return *next;
        }
        let mut machine = (*self.machines.get(number)).clone();
        machine.pods ^= 1 << pod;
        let next = self.machines.number(machine);
        self.known.insert((number, pod), next);
        next
    }
}
