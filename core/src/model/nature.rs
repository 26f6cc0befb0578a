//! What users and nature do: pods, power, partitions, and nodes that are registered again.

use std::vec::Vec;

use super::{
    config::{EPOCH, Fault},
    machine::Machine,
    state::{Backup, Restored, State},
    world::{Next, Object, What, World},
};
use crate::ledger::restore;

// === impl World ===

impl World {
    pub(super) fn users(&self, state: &State, out: &mut Vec<Next>) {
        for pod in 0..self.config.pods.len() {
            let bit = 1 << pod;
            if state.created & bit == 0 {
                let fault = Some(Fault::Create);
                self.push(out, What::Create(pod), state, fault, |next| {
                    next.created |= bit;
                    next.exists |= bit;
                });
            } else if state.exists & bit != 0 {
                let fault = Some(Fault::Delete);
                self.push(out, What::Delete(pod), state, fault, |next| {
                    next.exists &= !bit;
                });
            }
        }
        self.end_claim(state, out);
        for family in 0..self.block_ids.len() {
            let none = 0;
            if state.blocks[family] != none {
                let fault = Some(Fault::Block);
                self.push(out, What::LoseBlock(family), state, fault, |next| {
                    next.blocks[family] = none;
                    for operator in &mut next.operators {
                        operator.current &= !(1 << family);
                    }
                });
            }
        }
    }

    /// etcd is backed up, and restored by the announced procedure: no node reaches the API server before
    /// all of it is done.
    pub(super) fn etcd(&mut self, state: &State, out: &mut Vec<Next>) {
        if state.backup == u32::MAX {
            if self.config.allowed(Fault::Backup) > 0 {
                let backup = self.backups.number(Backup {
                    blocks: state.blocks,
                    specs: state.specs,
                    statuses: state.statuses,
                    exists: state.exists,
                });
                let fault = Some(Fault::Backup);
                self.push(out, What::Backup, state, fault, |next| next.backup = backup);
            }
            return;
        }
        if state.restored != Restored::Never {
            return;
        }
        let backup = *self.backups.get(state.backup);
        let specs = backup.specs.map(|spec| {
            let object = self.objects.get(spec);
            self.objects.number(Object {
                spec: restore::emptied(&object.spec, EPOCH, self.rules),
                ..(*object).clone()
            })
        });
        let fault = Some(Fault::Restore);
        self.push(out, What::Restore, state, fault, |next| {
            next.blocks = backup.blocks;
            next.specs = specs;
            next.statuses = backup.statuses;
            next.exists = backup.exists;
            next.late = [u32::MAX; 2];
            next.restored = Restored::UnderWay;
        });
    }

    /// Power, taint, partition and registration of a node. The taint is set only while the machine is
    /// off and removed before it is powered on, so evidence is never false.
    pub(super) fn power(&mut self, state: &State, node: usize, out: &mut Vec<Next>) {
        let in_force = Self::machine_of(node, state.registered[node]);
        let number = state.machines[in_force];
        let machine = self.machines.get(number);
        let cut = 1 << in_force;
        if machine.is_off {
            self.dark(state, node, in_force, out);
        } else {
            if self.config.allowed(Fault::Power) > 0 {
                let off = self.machines.number(machine.without_power());
                let power = Some(Fault::Power);
                self.push(out, What::PowerOff(node), state, power, |next| {
                    next.machines[in_force] = off;
                });
            }
            if state.cut & cut == 0 {
                let fault = Some(Fault::Cut);
                self.push(out, What::Cut(node), state, fault, |next| next.cut |= cut);
            }
        }
        for machine in [node, 2] {
            let cut = 1 << machine;
            if Self::node_of(machine) == node && state.cut & cut != 0 {
                self.push(out, What::Heal(machine), state, None, |next| {
                    next.cut &= !cut;
                });
            }
        }
        if state.registered[node] == 0 {
            let fault = Some(Fault::Register);
            self.push(out, What::Register(node), state, fault, |next| {
                next.registered[node] = 1;
            });
            // The old machine is cut off or off: two kubelets under one name are no cluster.
            if node == 0 && (state.cut & cut != 0 || machine.is_off) {
                let new = self.machines.get(state.machines[2]);
                let on = Machine {
                    is_off: false,
                    ..(*new).clone()
                };
                let on = self.machines.number(on);
                let fault = Some(Fault::Rename);
                self.push(out, What::Rename(node), state, fault, |next| {
                    next.registered[node] = 2;
                    next.machines[2] = on;
                });
            }
        }
    }

    /// A machine that is off: tainted, and powered on again.
    fn dark(&mut self, state: &State, node: usize, in_force: usize, out: &mut Vec<Next>) {
        let machine = self.machines.get(state.machines[in_force]);
        let bit = 1 << node;
        if state.tainted & bit != 0 {
            self.push(out, What::Untaint(node), state, None, |next| {
                next.tainted &= !bit;
            });
        } else {
            let taint = Some(Fault::Taint);
            self.push(out, What::Taint(node), state, taint, |next| {
                next.tainted |= bit;
            });
            let mut lists = Vec::from([0]);
            if self.config.stale_kubelet {
                lists.push(machine.pods);
            }
            lists.dedup();
            for pods in lists {
                let on = Machine {
                    is_off: false,
                    pods,
                    ..(*machine).clone()
                };
                let on = self.machines.number(on);
                self.push(out, What::PowerOn(node), state, None, |next| {
                    next.machines[in_force] = on;
                });
            }
        }
    }
}
