//! etcd is backed up, lost and restored: by the procedure of docs/restore.md, or so that nobody says it
//! until it is noticed.
//!
//! ```text
//!  backed up ─ (much happens) ─ announced:   closed, nodes go on by themselves ─ restored, announced ─ opened
//!                             └ unannounced: restored, all goes on ─ a node suspects it ─ announced
//! ```

use landfall_core::id::{Name, Uid};

use crate::{dice::Dice, etcd::Backup, fault::Fault, world::World};

/// Whether a schedule restores etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restores {
    /// It does not.
    Never,
    /// By the procedure.
    Announced,
    /// Nobody says so at first.
    Unannounced,
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nobody does anything to etcd.
    #[default]
    Runs,
    /// Nobody reaches the API server, for so many steps more.
    Closed(usize),
    /// It was restored, and nobody has said so; somebody does after so many steps, whether it is noticed
    /// or not.
    Unannounced(usize),
}

/// What is done to etcd.
#[derive(Debug, Default)]
pub(crate) struct Etcd {
    backup: Option<Backup>,
    stage: Stage,
}

// === impl Restores ===

impl Restores {
    /// In every other schedule one kind.
    pub fn of(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0..=2 => Self::Never,
            3 | 4 => Self::Announced,
            _ => Self::Unannounced,
        }
    }
}

// === impl World ===

impl World {
    /// What administrators do to etcd in this step.
    pub(crate) fn etcd(&mut self, dice: &mut Dice) {
        if self.scenario.restores == Restores::Never {
            return;
        }
        let steps = self.scenario.steps;
        self.restart_operators(30, dice);
        match self.etcd.stage {
            Stage::Runs if self.etcd.backup.is_none() => {
                // A restore is brought to its end before the next.
                if dice.one_in(steps / 10) && !self.site.is_ledger_lost() {
                    self.site.trace.line(|| "etcd is backed up".to_owned());
                    self.etcd.backup = Some(self.site.api.back_up());
                }
            }
            Stage::Runs if dice.one_in(steps / 6) => self.begin_restore(dice),
            Stage::Runs => {}
            Stage::Closed(0) => {
                self.restore();
                self.announce(dice);
            }
            Stage::Closed(steps) => self.etcd.stage = Stage::Closed(steps - 1),
            Stage::Unannounced(steps) => {
                let is_noticed = self.is_suspected();
                if steps == 0 || is_noticed && dice.one_in(30) {
                    self.announce(dice);
                } else {
                    self.etcd.stage = Stage::Unannounced(steps - 1);
                }
            }
        }
    }

    fn is_suspected(&self) -> bool {
        let mut nodes = self.site.api.nodes.all();
        nodes.any(|object| object.status.said.suspects)
    }

    fn begin_restore(&mut self, dice: &mut Dice) {
        if self.scenario.restores == Restores::Announced {
            self.site.faults.count(Fault::Restored);
            self.site
                .trace
                .line(|| "nobody reaches the API server any more".to_owned());
            self.site.is_closed = true;
            self.etcd.stage = Stage::Closed(dice.below(80));
            return;
        }
        self.site.faults.count(Fault::RestoredUnannounced);
        self.restore();
        self.site.checker.lose();
        self.etcd.stage = Stage::Unannounced(50 + dice.below(300));
        for operator in &mut self.operators {
            // One that has lived through it leads no more; one that starts anew knows nothing of it.
            operator.is_halted = dice.one_in(2);
        }
    }

    /// etcd is the backup's. What was on its way is lost with the connections.
    fn restore(&mut self) {
        self.site.trace.line(|| "etcd is restored".to_owned());
        let Some(backup) = self.etcd.backup.take() else {
            return;
        };
        self.site.lose_requests();
        self.site.api.restore(backup);
        let api = &self.site.api;
        self.site.checker.go_back(api);
        for machine in &mut self.machines {
            // Of what it has said only what the backup shows is known.
            machine.has_been.retain(|(object, node)| {
                let known = api.nodes.get(&machine.name);
                let known = known.filter(|known| known.meta.uid == *object);
                known.is_some_and(|known| {
                    let said = &known.status.said;
                    said.node_uid == *node || said.speaks_for.contains(node)
                })
            });
        }
        self.forget_audits();
        for operator in &mut self.operators {
            operator.restart();
        }
    }

    /// What the backup says of machines being off is put right, the restore is announced, and nodes come
    /// back: kubelet registers those that the backup does not know.
    fn announce(&mut self, dice: &mut Dice) {
        self.site
            .trace
            .line(|| "kubectl landfall restored".to_owned());
        let nodes: Vec<Name> = self.running_nodes().collect();
        for name in nodes {
            self.taint(&name, false);
        }
        self.site.api.announce(self.rules, dice);
        for operator in &mut self.operators {
            // In the procedure they have been down all the time.
            operator.is_outdated = !self.site.is_closed;
        }
        self.site.is_closed = false;
        self.etcd.stage = Stage::Runs;
        for node in 0..self.scenario.nodes {
            self.enroll(node);
        }
    }

    /// An operator that was not started anew yet may have made a node object of before the announcement: its
    /// node suspects that, and goes on suspecting until somebody says it again. Whether somebody has.
    pub(crate) fn announce_again(&mut self, dice: &mut Dice) -> Result<bool, String> {
        if !self.is_suspected() {
            return Ok(false);
        }
        if !self.site.checker.was_unannounced {
            return Err("11: a node suspects a restore that was announced".to_owned());
        }
        self.announce(dice);
        self.restart_operators(1, dice);
        Ok(true)
    }

    /// Operators start anew after the announcement, one after the other. From then on all is promised again.
    pub(crate) fn restart_operators(&mut self, odds: usize, dice: &mut Dice) {
        for operator in &mut self.operators {
            if operator.is_outdated && dice.one_in(odds) {
                operator.restart();
            }
        }
        let is_announced = !matches!(self.etcd.stage, Stage::Unannounced(_));
        let is_over = is_announced && !self.operators.iter().any(|one| one.is_outdated);
        if is_over && self.site.checker.find() {
            // With those who have sent it.
            self.site.lose_requests();
        }
    }

    /// The Nodes whose machines run.
    fn running_nodes(&self) -> impl Iterator<Item = Name> {
        let runs = |id: Uid| self.machines.iter().any(|one| one.id == id && one.is_on);
        let nodes = self.site.api.kube_nodes.all();
        let running = nodes.filter(move |node| runs(node.spec.machine));
        running.map(|node| node.meta.key.clone())
    }

    /// A machine that runs and is connected has a Node; one of a backup that is another machine's is deleted.
    pub(crate) fn enroll(&mut self, node: usize) {
        let running = self.in_force(node).filter(|m| m.is_on && !m.is_cut);
        let Some(machine) = running.map(|machine| machine.id) else {
            return;
        };
        let name = self.node_name(node);
        let api = &mut self.site.api;
        let known = api.kube_nodes.get(&name).map(|node| node.spec.machine);
        if known.is_some_and(|known| known != machine) {
            self.site
                .trace
                .line(|| format!("Node {name} of the backup is deleted"));
            let deleted = api.kube_nodes.delete(&mut api.revision, &name, None, None);
            debug_assert!(deleted.is_ok(), "read a moment ago");
        }
        self.register(node);
    }

    /// What has begun is brought to its end.
    pub(crate) fn finish_restore(&mut self, dice: &mut Dice) {
        match self.etcd.stage {
            Stage::Runs => {}
            Stage::Closed(_) => {
                self.restore();
                self.announce(dice);
            }
            Stage::Unannounced(_) => self.announce(dice),
        }
        self.restart_operators(1, dice);
    }

    /// What happens to machines while nobody reaches the API server.
    pub(crate) fn alone_step(&mut self, dice: &mut Dice) {
        if !dice.one_in(8) {
            let number = dice.below(self.machines.len());
            self.machine_step(number, dice);
            return;
        }
        let node = dice.below(self.scenario.nodes);
        let name = self.node_name(node);
        let registered = self.site.api.kube_nodes.get(&name);
        let is_tainted = registered.is_some_and(|node| node.spec.is_tainted);
        let is_held_off = is_tainted || self.is_named_off(node);
        let Some(number) = self.in_force.get(node).copied() else {
            return;
        };
        let (machines, site) = (&mut self.machines, &mut self.site);
        let Some(machine) = machines.get_mut(number) else {
            return;
        };
        if machine.is_on {
            machine.strike(site, dice);
        } else if !is_held_off && dice.one_in(2) {
            site.trace.line(|| format!("{name} is powered on"));
            machine.power_on();
        }
    }
}
