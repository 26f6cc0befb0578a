//! The whole cluster, and what happens in it, one step at a time.

use landfall_core::{
    agent::Served,
    id::{Name, Uid},
    ledger::{
        Rules,
        audit::{Attached, audit},
        finding::{Finding, Kind},
    },
};
use std::{collections::BTreeMap, rc::Rc};

use crate::{
    api::{Answer, Request, Status},
    check::Checker,
    dice::Dice,
    fault::Fault,
    machine::Machine,
    operator::Operator,
    restores::Etcd,
    scenario::Scenario,
    site::Site,
    trace::Trace,
};

/// A cluster.
#[derive(Debug)]
pub struct World {
    /// What it is made of.
    pub scenario: Scenario,
    /// The API server and the network.
    pub site: Site,
    /// Operators.
    pub operators: Vec<Operator>,
    /// Machines; those that were replaced too.
    pub machines: Vec<Machine>,
    /// The machine that has each node's name.
    pub in_force: Vec<usize>,
    pub(crate) rules: Rules,
    pub(crate) served: Rc<BTreeMap<Uid, Served>>,
    pub(crate) next_pod: u64,
    pub(crate) etcd: Etcd,
    /// Reads everything at once, for the audit.
    observer: Operator,
    audited: u64,
    steps: usize,
}

// === impl World ===

impl World {
    /// A cluster whose nodes are on, and nothing else.
    pub fn new(scenario: Scenario, rules: Rules, trace: usize) -> Self {
        let checker = Checker::new(scenario.networks.all());
        let site = Site::new(scenario.faults.clone(), checker, Trace::of(trace));
        let view = scenario.networks.view();
        let operators = (0..scenario.operators).map(|number| Operator::new(number, &view));
        let mut world = Self {
            operators: operators.collect(),
            site,
            machines: Vec::new(),
            in_force: Vec::new(),
            rules,
            served: scenario.networks.served(),
            next_pod: 0,
            etcd: Etcd::default(),
            observer: Operator::new(usize::MAX, &view),
            audited: 0,
            steps: 0,
            scenario,
        };
        for number in 0..world.scenario.nodes {
            let name = world.node_name(number);
            let machine = world.new_machine(name);
            world.in_force.push(machine);
            if let Some(machine) = world.machines.get_mut(machine) {
                machine.power_on();
            }
            world.register(number);
        }
        world
    }

    /// The name of a node.
    pub fn node_name(&self, number: usize) -> Name {
        Name::from(format!("n{number}").as_str())
    }

    /// A machine that nobody knows yet.
    pub(crate) fn new_machine(&mut self, name: Name) -> usize {
        let number = self.machines.len();
        let id = Uid(0xc << 124 | u128::from(u32::try_from(number).unwrap_or_default()));
        let machine = Machine::new(name, id, Rc::clone(&self.served), self.rules);
        self.machines.push(machine);
        number
    }

    /// One step of whoever's turn it is, and a look at what it broke.
    pub fn step(&mut self, dice: &mut Dice) -> Result<(), String> {
        self.steps += 1;
        self.site.now += u64::try_from(dice.below(50)).unwrap_or_default();
        self.etcd(dice);
        if self.site.is_closed {
            self.alone_step(dice);
            return self.checked();
        }
        match dice.below(20) {
            0 | 1 => self.users(dice),
            2..=7 => self.operate(dice),
            8 => self.nature(dice),
            9 => {
                if !self.site.land(dice) {
                    self.control_plane(dice);
                }
            }
            10 if self.site.faults.rarely(Fault::Compaction, 20, dice) => {
                self.site.api.compact(dice.below(4));
            }
            _ => {
                let number = dice.below(self.machines.len());
                self.machine_step(number, dice);
            }
        }
        self.checked()
    }

    fn operate(&mut self, dice: &mut Dice) {
        let which = dice.below(self.operators.len());
        let (site, rules) = (&mut self.site, self.rules);
        let Some(operator) = self.operators.get_mut(which) else {
            return;
        };
        if operator.is_halted {
            return;
        }
        if operator.is_stalled {
            operator.is_stalled = !dice.one_in(30);
            return;
        }
        if site.faults.rarely(Fault::OperatorStall, 30, dice) {
            operator.is_stalled = true;
            return;
        }
        if site.faults.rarely(Fault::ClockJump, 60, dice) {
            operator.ahead += 3_600_000;
        }
        operator.step(site, rules, dice);
    }

    pub(crate) fn machine_step(&mut self, number: usize, dice: &mut Dice) -> bool {
        let Some(machine) = self.machines.get_mut(number) else {
            return false;
        };
        if !machine.is_on {
            return false;
        }
        let (site, networks) = (&mut self.site, &self.scenario.networks);
        let acted = match dice.below(10) {
            0 | 1 => machine.read_own(site, dice, false),
            2 => machine.watch_pods(site, dice),
            3..=5 => machine.kubelet(networks, site, dice),
            6 | 7 => machine.kernel(site, dice),
            8 => self.publish(number, dice),
            _ => machine.scan(site, dice) || machine.sweep(site, dice),
        };
        if let Some(machine) = self.machines.get(number) {
            machine.check(&mut self.site);
        }
        acted
    }

    /// The agent writes its status, if it has something new to say.
    pub(crate) fn publish(&mut self, number: usize, dice: &mut Dice) -> bool {
        let Some(machine) = self.machines.get(number) else {
            return false;
        };
        if self.site.is_closed {
            return false;
        }
        let Some(status) = machine.due_status() else {
            return false;
        };
        let request = Request::PatchStatus(machine.name.clone(), machine.id, status.clone());
        let answer = self.site.send(request, dice);
        if let Some(machine) = self.machines.get_mut(number)
            && let Ok(Answer::Node(object)) = answer
        {
            machine.has_written(status, &object);
        }
        true
    }

    /// The first invariant that is broken.
    pub(crate) fn checked(&mut self) -> Result<(), String> {
        if let Some(broken) = self.site.checker.broken() {
            return Err(broken.clone());
        }
        if self.steps.is_multiple_of(self.scenario.audit_every) {
            self.audit()?;
            self.check_grants()?;
        }
        Ok(())
    }

    /// No state that the protocol brings about shows the shipped auditor anything.
    pub(crate) fn audit(&mut self) -> Result<(), String> {
        if self.site.is_ledger_lost() {
            return Ok(());
        }
        let latest = self.site.api.blocks.latest() + self.site.api.nodes.latest();
        if latest == self.audited {
            return Ok(());
        }
        self.audited = latest;
        self.observer.look_at_all(&self.site);
        let nodes = self.site.api.nodes.all();
        let attached = |status: &Status| status.attached.clone();
        let attached: Attached = nodes
            .map(|node| (node.meta.key.clone(), attached(&node.status)))
            .collect();
        let replaced = self.site.faults.had(Fault::Replaced);
        let findings = audit(&self.observer.view, &attached);
        // What the agent itself remembers is looked at in `check_grants`.
        let view = &self.observer.view;
        let unsaid = |finding: &Finding| self.site.is_taken_back(view, finding);
        // Nobody but an administrator can tell that another machine is nobody's.
        let is_away = |kind: Kind| matches!(kind, Kind::NoVoice | Kind::NoNode);
        // A claim may be gone before anybody has seen that it is.
        let is_gone = |kind: Kind| kind == Kind::ClaimGone;
        // What nodes have in use after a restore is held, whatever a claim of the backup says of it, and
        // whether anybody knows whose it is.
        let is_restored = self.site.api.restore.epoch > 0;
        let is_brought =
            |kind: Kind| is_restored && matches!(kind, Kind::NotItsClaim | Kind::NoHolder);
        let expected = |finding: &Finding| {
            let kind = finding.kind;
            is_away(kind) || is_gone(kind) || is_brought(kind) || replaced || unsaid(finding)
        };
        match findings.iter().find(|finding| !expected(finding)) {
            Some(finding) => {
                let invariant = finding.kind.invariant();
                Err(format!(
                    "{invariant}: the auditor finds: {}",
                    finding.message
                ))
            }
            None => Ok(()),
        }
    }

    /// etcd is another: what was looked at is no more.
    pub(crate) fn forget_audits(&mut self) {
        self.observer.restart();
        self.audited = 0;
    }

    /// What a node may still attach is held by it (invariants 3 and 4).
    pub(crate) fn check_grants(&self) -> Result<(), String> {
        if self.site.is_ledger_lost() {
            return Ok(());
        }
        for number in &self.in_force {
            let Some(machine) = self.machines.get(*number) else {
                continue;
            };
            let Some(object) = self.site.api.nodes.get(&machine.name) else {
                continue;
            };
            if object.spec.identity.machine != machine.id {
                continue;
            }
            // A cold agent adopts what its status says before it serves anything.
            let adopts = machine.volatile.cold && !machine.volatile.read;
            let said = &object.status.said;
            for grant in &object.spec.protocol.grants {
                let Some((address, seq)) = grant.address else {
                    continue;
                };
                let entry = self
                    .site
                    .checker
                    .entry(&self.site.api, grant.network, address);
                let is_held = entry.is_some_and(|entry| entry.is_held_by(&machine.name, seq));
                let key = (address, seq);
                // What the agent has seen under recall is never attached.
                let own = machine.memory.snapshot.as_ref();
                let is_recalled = own.is_some_and(|own| own.recalls.contains(&key))
                    || adopts && object.spec.protocol.recalls.contains(&key);
                let is_released = machine.memory.released.contains(&key)
                    || adopts && said.released.contains(&key)
                    || is_recalled;
                if !is_held && !is_released {
                    return Err(format!(
                        "3, 4: {} may still attach {address} {seq}, and the ledger says {entry:?}",
                        machine.name
                    ));
                }
            }
        }
        Ok(())
    }
}
