//! A machine: its agent, what is in its /run, its kernel and its sandboxes.
//!
//! What the agent decides is the shipped `agent::step`; this is the shell around it, and the kernel
//! below.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    rc::Rc,
};

use landfall_core::{
    agent::{
        AddRequest, Durable, Effect, Event, Identity, Key, Outcome, Served, Token, Volatile,
        step_under,
    },
    id::{Name, Seq, Uid},
    ledger::Rules,
};

use crate::{
    api::{NodeObject, PodObject},
    dice::Dice,
    fault::Fault,
    site::Site,
    watch::Watch,
};

mod invariants;
mod kernel;
mod own;

use own::Written;

/// A sandbox as its kubelet sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for the answer to its ADD.
    Adding(Token),
    /// Its pod runs.
    Up,
    /// To be deleted: its ADD failed, or kubelet takes it for dead. Its ADD may still run.
    Doomed,
    /// Waits for the answer to its DEL.
    Deleting(Token),
    /// Its DEL was answered, its network namespace is still there.
    Ending,
}

/// A sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The pod that it is for.
    pub pod: Rc<PodObject>,
    /// How far it is.
    pub stage: Stage,
    /// How often its ADD was tried.
    pub began: u64,
}

/// A link in a sandbox: its network and its addresses.
pub type Link = (Uid, BTreeSet<(IpAddr, Seq)>);

/// A machine.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something of its own that happens to a machine"
)]
pub struct Machine {
    /// The node's name.
    pub name: Name,
    /// Its machine ID.
    pub id: Uid,
    /// It has power.
    pub is_on: bool,
    /// It does not reach the API server.
    pub is_cut: bool,
    /// Another one has its name now.
    pub is_replaced: bool,
    /// Another one with each boot.
    pub boot: u128,
    pub(crate) volatile: Volatile,
    pub(crate) memory: Durable,
    pub(crate) disk: Durable,
    /// The mark in /run that says that it is complete.
    is_complete: bool,
    pub(crate) making: BTreeMap<Key, Link>,
    pub(crate) removing: BTreeSet<Key>,
    /// Addresses that the LAN is being asked for.
    pub(crate) asked: BTreeSet<(IpAddr, Seq)>,
    /// The kernel's truth.
    pub links: BTreeMap<Key, Link>,
    /// All sandboxes, by container ID.
    pub sandboxes: BTreeMap<Name, Sandbox>,
    /// Container IDs of long ago.
    pub(crate) old: Vec<Name>,
    /// The pods that kubelet knows.
    pub pods: BTreeMap<Name, Rc<PodObject>>,
    pub(crate) pod_watch: Watch,
    /// How far the agent has watched its own object.
    pub(crate) seen: Option<u64>,
    /// What that watch has shown last.
    shown: Option<Rc<NodeObject>>,
    written: Option<Written>,
    /// A quorum read was asked for, and has not been answered: it is tried again.
    owes_read: bool,
    identity: Option<Identity>,
    /// The networks, as the node object shows them.
    served: Rc<BTreeMap<Uid, Served>>,
    /// /run was lost once, and with it the Nodes that the machine had been.
    pub has_lost_run: bool,
    /// The Nodes that the agent has said the machine to be, each in the node object of that UID.
    pub has_been: BTreeSet<(Uid, Uid)>,
    /// The UIDs of all Nodes that it has registered.
    pub registered: BTreeSet<Uid>,
    /// /run was lost in this boot: devices may live that no record explains.
    pub may_have_strangers: bool,
    pub(crate) next: u64,
    /// ADDs and DELs that were begun.
    pub calls: u64,
    rules: Rules,
}

// === impl Machine ===

impl Machine {
    /// A machine that is off.
    pub fn new(name: Name, id: Uid, served: Rc<BTreeMap<Uid, Served>>, rules: Rules) -> Self {
        Self {
            name,
            id,
            is_on: false,
            is_cut: false,
            is_replaced: false,
            boot: 0,
            volatile: Volatile::start(id, true),
            memory: Durable::default(),
            disk: Durable::default(),
            is_complete: false,
            making: BTreeMap::new(),
            removing: BTreeSet::new(),
            asked: BTreeSet::new(),
            links: BTreeMap::new(),
            sandboxes: BTreeMap::new(),
            old: Vec::new(),
            pods: BTreeMap::new(),
            pod_watch: Watch::default(),
            seen: None,
            shown: None,
            written: None,
            owes_read: false,
            identity: None,
            served,
            has_lost_run: false,
            has_been: BTreeSet::new(),
            registered: BTreeSet::new(),
            may_have_strangers: false,
            next: 0,
            calls: 0,
            rules,
        }
    }

    /// It gets power: /run is empty.
    pub fn power_on(&mut self) {
        self.is_on = true;
        self.boot += 1;
        self.pod_watch.restart();
    }

    /// Everything but the disk is gone, and /run is not on the disk.
    pub fn power_off(&mut self, site: &mut Site) {
        self.is_on = false;
        for key in self.links.keys().cloned().collect::<Vec<_>>() {
            self.unlink(&key, site);
        }
        self.sandboxes.clear();
        self.forget();
        self.may_have_strangers = false;
    }

    /// The agent dies, and /run with it.
    pub fn lose_run(&mut self) {
        self.has_lost_run = true;
        self.forget();
        self.may_have_strangers = true;
    }

    fn forget(&mut self) {
        self.disk = Durable::default();
        self.is_complete = false;
        self.identity = None;
        self.restart();
    }

    /// The agent has died and starts again; every request of its plugins breaks.
    pub fn restart(&mut self) {
        self.memory = self.disk.clone();
        self.volatile = Volatile::start(self.id, !self.is_complete);
        self.making.clear();
        self.removing.clear();
        self.asked.clear();
        self.seen = None;
        self.shown = None;
        self.written = None;
        self.owes_read = false;
        for sandbox in self.sandboxes.values_mut() {
            if matches!(sandbox.stage, Stage::Adding(_) | Stage::Deleting(_)) {
                sandbox.stage = Stage::Doomed;
            }
        }
    }

    /// Whether it reaches the API server.
    pub(crate) fn reaches(&self, site: &Site) -> bool {
        !self.is_cut && !site.is_closed
    }

    /// Whether the agent serves.
    pub fn is_ready(&self) -> bool {
        self.is_on && self.volatile.is_ready(&self.memory)
    }

    pub(crate) fn token(&mut self) -> Token {
        self.next += 1;
        self.calls += 1;
        Token(self.next)
    }

    /// Lets the agent decide on an event, and does what it says; it may die in between.
    pub(crate) fn tell(&mut self, event: Event, site: &mut Site, dice: &mut Dice) {
        site.trace
            .line(|| format!("{} {}: {}", self.name, self.id.0 & 0xff, text_of(&event)));
        let before = self.memory.released.clone();
        let was_read = self.volatile.read;
        let effects = step_under(self.rules, &mut self.volatile, &mut self.memory, event);
        self.check_step(&before, was_read, &effects, site);
        let dies = site.faults.rarely(Fault::AgentCrash, 16, dice);
        let prefix = if dies {
            dice.below(effects.len() + 1)
        } else {
            effects.len()
        };
        let mut quorum = false;
        for effect in effects.into_iter().take(prefix) {
            quorum |= effect == Effect::ReadSpec;
            self.execute(effect, site);
        }
        if dies {
            site.trace
                .line(|| format!("{} agent dies after {prefix} effects", self.name));
            self.restart();
            return;
        }
        self.is_complete |= self.volatile.may_restart_warm(&self.memory);
        if quorum {
            self.owes_read = true;
            self.read_own(site, dice, true);
        }
    }

    fn execute(&mut self, effect: Effect, site: &mut Site) {
        match effect {
            Effect::SaveRecord(key, record) => {
                let addresses = record.addresses.iter().copied().collect();
                self.disk
                    .save(Effect::SaveRecord(key.clone(), record), &self.memory);
                self.renew(&key, addresses, site);
            }
            Effect::DropRecord(_)
            | Effect::SaveReleased
            | Effect::SaveSuspicion
            | Effect::SaveSnapshot => self.disk.save(effect, &self.memory),
            Effect::Make { key, grants, .. } => {
                let network = grants
                    .first()
                    .map(|grant| grant.network)
                    .unwrap_or_default();
                let addresses = grants.iter().filter_map(|grant| grant.address).collect();
                self.making.insert(key, (network, addresses));
            }
            Effect::Remove(key) => {
                self.removing.insert(key);
            }
            Effect::Reply(token, outcome) => self.reply(token, &outcome, site),
            // The status is written whenever there is something new; the object is read by `tell`.
            Effect::ReadSpec | Effect::Publish => {}
            Effect::Probe { key, .. } => {
                self.asked.insert(key);
            }
        }
    }

    fn reply(&mut self, token: Token, outcome: &Outcome, site: &mut Site) {
        let done = *outcome == Outcome::Done;
        site.trace
            .line(|| format!("  {} answers {}: {outcome:?}", self.name, token.0));
        for sandbox in self.sandboxes.values_mut() {
            if sandbox.stage == Stage::Adding(token) {
                sandbox.stage = if done { Stage::Up } else { Stage::Doomed };
            } else if sandbox.stage == Stage::Deleting(token) {
                sandbox.stage = if done { Stage::Ending } else { Stage::Doomed };
            }
        }
    }

    /// Begins an ADD.
    pub(crate) fn add(
        &mut self,
        pod: &Rc<PodObject>,
        asked: AddRequest,
        site: &mut Site,
        dice: &mut Dice,
    ) {
        let sandbox = Sandbox {
            pod: Rc::clone(pod),
            stage: Stage::Adding(asked.token),
            began: site.now,
        };
        self.sandboxes.insert(asked.container.clone(), sandbox);
        self.tell(Event::Add(asked), site, dice);
    }
}

fn text_of(event: &Event) -> String {
    match event {
        Event::Spec { snapshot, quorum } => {
            let grants = snapshot.grants.iter().filter_map(|grant| grant.address);
            let grants: Vec<String> = grants.map(|(a, seq)| format!("{a} {seq}")).collect();
            let recalls: Vec<String> = snapshot
                .recalls
                .iter()
                .map(|(a, seq)| format!("{a} {seq}"))
                .collect();
            format!(
                "spec {} (quorum {quorum}) grants {grants:?} recalls {recalls:?}",
                snapshot.generation
            )
        }
        Event::Add(request) => format!(
            "ADD {} {} for {}",
            request.token.0, request.container, request.owner
        ),
        other => format!("{other:?}"),
    }
}
