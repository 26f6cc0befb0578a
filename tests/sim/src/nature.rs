//! What nature and administrators do: power, partitions, taints, Nodes that are deleted, machines
//! that are replaced, and what the control plane says of all that.
//!
//! Evidence is never false: the taint is set only while a machine is off and removed before it is
//! powered on, and where a deleted Node counts, only that of a machine that is off is deleted. That a
//! machine is off is said of one that is, and that stays so as long as the word stands.

use std::{collections::BTreeSet, rc::Rc};

use landfall_core::{id::Name, ledger::view::Refusal};

use crate::{
    api::{Health, PodObject, Registration},
    dice::Dice,
    fault::Fault,
    machine::Machine,
    restores::Restores,
    site::Site,
    world::World,
};

mod reclaim;

// === impl World ===

impl World {
    pub(crate) fn nature(&mut self, dice: &mut Dice) {
        let node = dice.below(self.scenario.nodes);
        match dice.below(8) {
            0 => self.pause(dice),
            1 => self.delete_by_hand(node, dice),
            2 => self.old_machine(dice),
            _ => self.power(node, dice),
        }
    }

    pub(crate) fn in_force(&mut self, node: usize) -> Option<&mut Machine> {
        let number = *self.in_force.get(node)?;
        self.machines.get_mut(number)
    }

    fn power(&mut self, node: usize, dice: &mut Dice) {
        let name = self.node_name(node);
        let machine = self.in_force(node);
        let (is_on, is_cut) = machine.map_or((false, false), |m| (m.is_on, m.is_cut));
        if !is_on {
            self.dark(node, &name, dice);
        } else if is_cut {
            self.alone(node, &name, dice);
        } else if self.site.api.kube_nodes.get(&name).is_none() {
            self.register(node);
        } else {
            self.strike(node, &name, dice);
        }
    }

    /// A machine that is off: fenced, deregistered, replaced or powered on.
    fn dark(&mut self, node: usize, name: &Name, dice: &mut Dice) {
        let machine = self.in_force(node).map(|machine| machine.id);
        // After a restore it may be that of another machine.
        let registered = self.site.api.kube_nodes.get(name);
        let registered = registered.filter(|node| Some(node.spec.machine) == machine);
        let is_tainted = registered.is_some_and(|node| node.spec.is_tainted);
        let is_there = registered.is_some();
        if self.is_named_off(node) {
            if dice.one_in(3) {
                self.take_word_back(name);
            } else if self.site.faults.rarely(Fault::Replaced, 4, dice) {
                self.replace(node, dice);
            }
            return;
        }
        let faults = &mut self.site.faults;
        if is_tainted {
            if dice.one_in(3) {
                self.taint(name, false);
            }
        } else if is_there && faults.happens(Fault::Taint, dice) {
            self.taint(name, true);
        } else if is_there && faults.rarely(Fault::Registered, 2, dice) {
            self.delete_node(name, dice);
        } else if faults.rarely(Fault::Replaced, 2, dice) {
            self.replace(node, dice);
        } else if faults.happens(Fault::Reclaim, dice) {
            self.reclaim(name, dice);
        } else if dice.one_in(2) {
            self.power_on(node);
        }
    }

    /// A machine that is cut off.
    fn alone(&mut self, node: usize, name: &Name, dice: &mut Dice) {
        let replaceable = !self.scenario.deletion_counts();
        if replaceable && self.site.faults.rarely(Fault::Replaced, 4, dice) {
            self.replace(node, dice);
        } else if dice.one_in(3) {
            self.site
                .trace
                .line(|| format!("{name} is connected again"));
            if let Some(machine) = self.in_force(node) {
                machine.is_cut = false;
            }
            self.enroll(node);
        }
    }

    /// Something happens to a machine that runs.
    fn strike(&mut self, node: usize, name: &Name, dice: &mut Dice) {
        let deletable = !self.scenario.deletion_counts();
        let Some(number) = self.in_force.get(node).copied() else {
            return;
        };
        let (machines, site) = (&mut self.machines, &mut self.site);
        let Some(machine) = machines.get_mut(number) else {
            return;
        };
        if !machine.strike(site, dice)
            && deletable
            && site.faults.rarely(Fault::Registered, 4, dice)
        {
            self.delete_node(name, dice);
        }
    }

    pub(crate) fn power_on(&mut self, node: usize) {
        let name = self.node_name(node);
        self.site.trace.line(|| format!("{name} is powered on"));
        if let Some(machine) = self.in_force(node) {
            machine.power_on();
        }
        self.enroll(node);
        self.register(node);
    }

    /// kubelet registers its Node, unless there is one.
    pub(crate) fn register(&mut self, node: usize) {
        let name = self.node_name(node);
        let has_provider = self.scenario.has_provider;
        let Some(machine) = self.in_force(node) else {
            return;
        };
        let registration = Registration {
            machine: machine.id,
            has_provider,
            is_tainted: false,
        };
        let api = &mut self.site.api;
        if api.kube_nodes.get(&name).is_some() {
            return;
        }
        let made = api
            .kube_nodes
            .create(&mut api.revision, name, registration, BTreeSet::new());
        if let Ok(made) = made {
            self.site
                .trace
                .line(|| format!("Node {} {} is registered", made.meta.key, made.meta.uid));
            if let Some(machine) = self.in_force(node) {
                machine.registered.insert(made.meta.uid);
            }
        }
    }

    /// Somebody, or a cloud controller, deletes the Node; its pods go with it, sooner or later.
    fn delete_node(&mut self, name: &Name, dice: &mut Dice) {
        self.site.trace.line(|| format!("Node {name} is deleted"));
        let api = &mut self.site.api;
        let deleted = api.kube_nodes.delete(&mut api.revision, name, None, None);
        debug_assert!(deleted.is_ok(), "read a moment ago");
        if dice.one_in(2) {
            let pods: Vec<Rc<PodObject>> = self
                .site
                .api
                .pods
                .all()
                .filter(|pod| pod.spec.node == *name)
                .cloned()
                .collect();
            for pod in pods {
                self.delete_pod(&pod.meta.key, true);
            }
        }
    }

    /// Another machine takes the name of one that is off or cut off.
    ///
    /// Over a restore the ledger waits for all machines that have had a name at once, and a user has one word
    /// for each name: two that are gone could not be told of.
    fn replace(&mut self, node: usize, dice: &mut Dice) {
        let name = self.node_name(node);
        let mut machines = self.machines.iter();
        let has_been = machines.any(|one| one.name == name && one.is_replaced);
        if has_been && self.scenario.restores != Restores::Never {
            return;
        }
        if self.site.api.kube_nodes.get(&name).is_some() {
            self.delete_node(&name, dice);
        }
        let new = self.new_machine(name);
        if let Some(old) = self.in_force(node) {
            old.is_replaced = true;
        }
        if let Some(slot) = self.in_force.get_mut(node) {
            *slot = new;
        }
        self.power_on(node);
    }

    /// One that was replaced is connected again, or goes off for good.
    fn old_machine(&mut self, dice: &mut Dice) {
        let site = &mut self.site;
        let old: Vec<&mut Machine> = self.machines.iter_mut().filter(|m| m.is_replaced).collect();
        if let Some(machine) = dice.pick(old.into_iter()) {
            if machine.is_cut && dice.one_in(2) {
                machine.is_cut = false;
            } else if machine.is_on && dice.one_in(4) {
                machine.power_off(site);
            }
        }
    }

    pub(crate) fn taint(&mut self, name: &Name, is_tainted: bool) {
        self.site
            .trace
            .line(|| format!("taint of {name}: {is_tainted}"));
        let api = &mut self.site.api;
        let Some(node) = api.kube_nodes.get(name).cloned() else {
            return;
        };
        let mut spec = node.spec.clone();
        spec.is_tainted = is_tainted;
        let tests = (node.meta.uid, node.meta.generation);
        let patched = api.kube_nodes.patch(&mut api.revision, name, tests, spec);
        debug_assert!(patched.is_ok(), "read a moment ago");
    }

    /// The node controller, and the kubelet's word on our DaemonSet's pod.
    pub(crate) fn control_plane(&mut self, dice: &mut Dice) {
        let node = dice.below(self.scenario.nodes);
        let away = self.site.faults.happens(Fault::NotReady, dice);
        self.update_health(node, away);
    }

    pub(crate) fn update_health(&mut self, node: usize, away: bool) {
        let name = self.node_name(node);
        let Some(machine) = self.in_force(node) else {
            return;
        };
        let (id, answers) = (machine.id, machine.is_on && !machine.is_cut);
        let is_ready = machine.is_ready();
        let api = &mut self.site.api;
        let Some(known) = api
            .kube_nodes
            .get(&name)
            .filter(|node| node.spec.machine == id)
            .cloned()
        else {
            return;
        };
        let health = Health {
            is_silent: !answers,
            is_live: answers && is_ready && !away,
        };
        if known.status != health {
            let done = api
                .kube_nodes
                .patch_status(&mut api.revision, &name, |_| true, health);
            debug_assert!(done.is_ok(), "read a moment ago");
        }
    }

    /// Each operator learns of it by itself.
    fn pause(&mut self, dice: &mut Dice) {
        let Some(operator) = dice.pick(self.operators.iter_mut()) else {
            return;
        };
        let all = operator.view.networks.values_mut().collect::<Vec<_>>();
        let Some(network) = dice.pick(all.into_iter()) else {
            return;
        };
        if network.closed.is_some() {
            network.closed = None;
        } else if self.site.faults.happens(Fault::Pause, dice) {
            network.closed = Some(Refusal {
                reason: "NetworkPaused".to_owned(),
                message: "the network is paused".to_owned(),
                is_final: false,
            });
        }
    }

    /// An administrator deletes what programs wrote; finalizers hold it as long as it is needed.
    fn delete_by_hand(&mut self, node: usize, dice: &mut Dice) {
        let name = self.node_name(node);
        if self.site.faults.rarely(Fault::NodeObjectDeleted, 3, dice) {
            self.site
                .trace
                .line(|| format!("LandfallNode {name} is deleted by hand"));
            let api = &mut self.site.api;
            // There may be none at the moment.
            let (Ok(()) | Err(_)) = api.nodes.delete(&mut api.revision, &name, None, None);
        }
        if self.site.faults.rarely(Fault::BlockDeleted, 3, dice) {
            let api = &mut self.site.api;
            if let Some(id) = dice
                .pick(api.blocks.all())
                .map(|block| block.meta.key.clone())
            {
                self.site
                    .trace
                    .line(|| format!("block {} is deleted by hand", id.object_name()));
                let deleted = api.blocks.delete(&mut api.revision, &id, None, None);
                debug_assert!(deleted.is_ok(), "picked a moment ago");
            }
        }
    }
}

// === impl Machine ===

impl Machine {
    /// What happens to a machine by itself, while it runs. Whether something did.
    pub(crate) fn strike(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        if site.faults.rarely(Fault::PowerCut, 2, dice) {
            site.trace.line(|| format!("{} loses power", self.name));
            self.power_off(site);
        } else if site.faults.rarely(Fault::Partition, 2, dice) {
            site.trace.line(|| format!("{} is cut off", self.name));
            self.is_cut = true;
        } else if site.faults.rarely(Fault::RunLost, 2, dice) {
            site.trace.line(|| format!("{} loses /run", self.name));
            self.lose_run();
        } else if site.faults.rarely(Fault::AgentCrash, 2, dice) {
            site.trace
                .line(|| format!("the agent of {} dies", self.name));
            self.restart();
        } else {
            return false;
        }
        true
    }
}
