//! A machine of the model: agent, what is in its /run, its kernel, its kubelet.

use std::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    format,
    net::IpAddr,
    string::String,
    vec::Vec,
};

use super::config::{INTERFACE, SLOTS, owner};
use crate::{
    agent::{
        AddRequest, Asked, Durable, Effect, Event, Identity, Key, Outcome, Snapshot, Token,
        Volatile, step_under,
    },
    id::{Name, Seq, Uid},
    ledger::Rules,
    mac::Mac,
};

/// A sandbox as its kubelet sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sandbox {
    /// Waits for the answer to its ADD.
    Adding,
    /// Its pod runs.
    Up,
    /// To be deleted: its ADD failed, or kubelet takes it for dead. Its ADD may still run.
    Doomed,
    /// Waits for the answer to its DEL.
    Deleting,
    /// Its DEL was answered, its network namespace is still there.
    Ending,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Machine {
    /// Its machine ID.
    pub(super) id: Uid,
    pub(super) is_off: bool,
    pub(super) volatile: Volatile,
    pub(super) memory: Durable,
    /// What lies in /run.
    pub(super) disk: Durable,
    /// The mark in /run that says that it is complete.
    pub(super) is_complete: bool,
    /// Links that are being made, and removed.
    pub(super) making: BTreeMap<Key, BTreeSet<(IpAddr, Seq)>>,
    pub(super) removing: BTreeSet<Key>,
    /// Grants for whose addresses the LAN is asked.
    pub(super) probing: BTreeSet<(IpAddr, Seq)>,
    /// The kernel's truth.
    pub(super) links: BTreeMap<Key, BTreeSet<(IpAddr, Seq)>>,
    pub(super) sandboxes: BTreeMap<(usize, usize), Sandbox>,
    /// The pods that kubelet knows: one bit each.
    pub(super) pods: u16,
    /// Its Node, and those that it was; not known before a quorum read.
    pub(super) identity: Option<Identity>,
    /// Its boot is not the one in which its last status was written.
    pub(super) rebooted: bool,
}

/// What comes of a step of the agent.
#[derive(Clone, Debug)]
pub(super) struct Outcomes {
    pub(super) whole: Machine,
    /// The agent died after each prefix of the effects.
    pub(super) crashed: Vec<Machine>,
    /// Something was served or acknowledged by an agent that is not ready (invariant 8).
    pub(super) unready: bool,
}

/// The name of a sandbox.
pub(super) fn container((pod, slot): (usize, usize)) -> Name {
    Name::from(format!("p{pod}.{slot}").as_str())
}

fn number(n: usize) -> u64 {
    u64::try_from(n).expect("a small number")
}

fn add_token((pod, slot): (usize, usize)) -> Token {
    Token(number(4 * (SLOTS * pod + slot)))
}

fn del_token(sandbox: (usize, usize)) -> Token {
    Token(add_token(sandbox).0 + 1)
}

fn sweep_token(sandbox: (usize, usize)) -> Token {
    Token(add_token(sandbox).0 + 2)
}

// === impl Machine ===

impl Machine {
    /// A machine that is off and knows nothing.
    pub(super) fn off(id: Uid) -> Self {
        Self {
            id,
            is_off: true,
            volatile: Volatile::start(id, true),
            memory: Durable::default(),
            disk: Durable::default(),
            is_complete: false,
            making: BTreeMap::new(),
            removing: BTreeSet::new(),
            probing: BTreeSet::new(),
            links: BTreeMap::new(),
            sandboxes: BTreeMap::new(),
            pods: 0,
            identity: None,
            rebooted: true,
        }
    }

    /// A machine whose agent was ready and has just restarted.
    pub(super) fn warm(id: Uid, node: Uid, snapshot: Snapshot) -> Self {
        let disk = Durable {
            snapshot: Some(snapshot),
            ..Durable::default()
        };
        Self {
            is_off: false,
            volatile: Volatile::start(id, false),
            memory: disk.clone(),
            disk,
            is_complete: true,
            identity: Some(Identity {
                node,
                speaks_for: BTreeSet::new(),
            }),
            ..Self::off(id)
        }
    }

    pub(super) fn knows(&self, pod: usize) -> bool {
        self.pods & (1 << pod) != 0
    }

    /// Lets the agent decide on an event, and does what it says; or dies in between.
    pub(super) fn tell(&self, rules: Rules, event: Event) -> Outcomes {
        let mut whole = self.clone();
        let released = whole.memory.released.len();
        let effects = step_under(rules, &mut whole.volatile, &mut whole.memory, event);
        let starts = effects.iter().any(Effect::serves_an_add);
        let serves = starts || whole.memory.released.len() > released;
        let adopts = !self.volatile.read && whole.volatile.read;
        let ready = whole.volatile.is_ready(&whole.memory);
        let mut crashed = Vec::new();
        for effect in effects {
            crashed.push(whole.restarted());
            whole.execute(effect);
        }
        if whole.volatile.may_restart_warm(&whole.memory) && !whole.is_complete {
            crashed.push(whole.restarted());
            whole.is_complete = true;
        }
        Outcomes {
            whole,
            crashed,
            unready: serves && !ready && !adopts,
        }
    }

    fn execute(&mut self, effect: Effect) {
        match effect {
            Effect::SaveRecord(..)
            | Effect::DropRecord(_)
            | Effect::SaveReleased
            | Effect::SaveSuspicion
            | Effect::SaveSnapshot => self.disk.save(effect, &self.memory),
            Effect::Make { key, grants, .. } => {
                let addresses = grants.iter().filter_map(|grant| grant.address).collect();
                self.making.insert(key, addresses);
            }
            Effect::Remove(key) => {
                self.removing.insert(key);
            }
            Effect::Probe { key, .. } => {
                self.probing.insert(key);
            }
            Effect::Reply(token, outcome) => self.reply(token, &outcome),
            // The own object is read, and the status written, whenever there is something new.
            Effect::ReadSpec | Effect::Publish => {}
        }
    }

    fn reply(&mut self, token: Token, outcome: &Outcome) {
        let done = *outcome == Outcome::Done;
        let links = &self.links;
        self.sandboxes.retain(|sandbox, state| {
            if *state == Sandbox::Adding && token == add_token(*sandbox) {
                *state = if done { Sandbox::Up } else { Sandbox::Doomed };
            } else if *state == Sandbox::Deleting && token == del_token(*sandbox) {
                let name = container(*sandbox);
                let has_link = links.keys().any(|key| key.container == name);
                *state = if done {
                    Sandbox::Ending
                } else {
                    Sandbox::Doomed
                };
                return has_link || !done;
            }
            true
        });
    }

    /// The agent has died and starts again; every request of its plugins breaks.
    pub(super) fn restarted(&self) -> Self {
        let mut after = self.clone();
        after.memory = self.disk.clone();
        after.volatile = Volatile::start(self.id, !self.is_complete);
        after.making.clear();
        after.removing.clear();
        after.probing.clear();
        for state in after.sandboxes.values_mut() {
            if matches!(state, Sandbox::Adding | Sandbox::Deleting) {
                *state = Sandbox::Doomed;
            }
        }
        after
    }

    /// The same, and /run is lost.
    pub(super) fn without_run(&self) -> Self {
        let mut after = self.clone();
        after.disk = Durable::default();
        after.is_complete = false;
        after.identity = None;
        after.rebooted = false;
        after.restarted()
    }

    /// Everything but the disk is gone, and /run is not on the disk.
    pub(super) fn without_power(&self) -> Self {
        Self {
            pods: self.pods,
            ..Self::off(self.id)
        }
    }

    /// Starts a sandbox for a pod, in the first slot that is empty.
    pub(super) fn add(&self, rules: Rules, pod: usize) -> Option<Outcomes> {
        let is_served = |slot: &usize| {
            let state = self.sandboxes.get(&(pod, *slot));
            matches!(state, Some(Sandbox::Adding | Sandbox::Up))
        };
        if (0..SLOTS).any(|slot| is_served(&slot)) {
            return None;
        }
        let sandbox = (0..SLOTS)
            .map(|slot| (pod, slot))
            .find(|sandbox| self.is_empty(*sandbox))?;
        let mut with = self.clone();
        with.sandboxes.insert(sandbox, Sandbox::Adding);
        let asked = Asked {
            network: Name::from("lan"),
            interface: Name::from(INTERFACE),
            addresses: Vec::new(),
        };
        let request = AddRequest {
            token: add_token(sandbox),
            container: container(sandbox),
            owner: owner(pod),
            asked: Vec::from([asked]),
        };
        Some(with.tell(rules, Event::Add(request)))
    }

    /// A container ID is never used twice: a slot is when nothing knows its last one any more.
    fn is_empty(&self, sandbox: (usize, usize)) -> bool {
        let name = container(sandbox);
        let known = |key: &Key| key.container == name;
        !self.sandboxes.contains_key(&sandbox)
            && !self.links.keys().any(known)
            && !self.disk.records.keys().any(known)
            && !self.memory.records.keys().any(known)
    }

    /// kubelet calls DEL.
    pub(super) fn delete(&self, rules: Rules, sandbox: (usize, usize)) -> Outcomes {
        let mut with = self.clone();
        with.sandboxes.insert(sandbox, Sandbox::Deleting);
        let event = Event::Del {
            token: del_token(sandbox),
            container: container(sandbox),
            interface: None,
        };
        with.tell(rules, event)
    }

    /// kubelet waits no longer, and takes the sandbox for dead.
    pub(super) fn doomed(&self, sandbox: (usize, usize)) -> Self {
        let mut after = self.clone();
        after.sandboxes.insert(sandbox, Sandbox::Doomed);
        after
    }

    /// The ADD waited as long as it may.
    pub(super) fn time_out(&self, rules: Rules, sandbox: (usize, usize)) -> Outcomes {
        self.tell(rules, Event::Timeout(add_token(sandbox)))
    }

    /// The plugin closed its connection.
    pub(super) fn abort(&self, rules: Rules, sandbox: (usize, usize)) -> Outcomes {
        self.doomed(sandbox)
            .tell(rules, Event::Abort(add_token(sandbox)))
    }

    /// The network namespace goes, and what is in it.
    pub(super) fn ended(&self, sandbox: (usize, usize)) -> Self {
        let mut after = self.clone();
        after.sandboxes.remove(&sandbox);
        let name = container(sandbox);
        after.links.retain(|key, _| key.container != name);
        after
    }

    pub(super) fn made(&self, rules: Rules, key: &Key) -> Outcomes {
        let mut with = self.clone();
        let addresses = with.making.remove(key).unwrap_or_default();
        with.links.insert(key.clone(), addresses);
        with.tell(rules, Event::Made(key.clone()))
    }

    pub(super) fn not_made(&self, rules: Rules, key: &Key) -> Outcomes {
        let mut with = self.clone();
        with.making.remove(key);
        with.links.remove(key);
        let event = Event::NotMade {
            key: key.clone(),
            why: "no".to_owned(),
            may_pass: false,
        };
        with.tell(rules, event)
    }

    pub(super) fn gone(&self, rules: Rules, key: &Key) -> Outcomes {
        let mut with = self.clone();
        with.removing.remove(key);
        with.links.remove(key);
        with.tell(rules, Event::Gone(key.clone()))
    }

    pub(super) fn not_gone(&self, rules: Rules, key: &Key, left_to_kernel: bool) -> Outcomes {
        let mut with = self.clone();
        with.removing.remove(key);
        let event = Event::NotGone {
            key: key.clone(),
            why: String::from("busy"),
            left_to_kernel,
        };
        with.tell(rules, event)
    }

    /// A probe ends: nobody has answered, or another host has.
    pub(super) fn probed(&self, rules: Rules, key: (IpAddr, Seq), found: Option<Mac>) -> Outcomes {
        let mut with = self.clone();
        with.probing.remove(&key);
        with.tell(rules, Event::Probed { key, found })
    }

    /// Sandboxes that the sweep would detach: their kubelet has none, and nobody removes their links.
    pub(super) fn swept(&self) -> Vec<(usize, usize)> {
        let known = self.disk.records.keys();
        let left = known.filter(|key| !self.removing.contains(*key));
        let sandboxes = left.filter_map(|key| {
            let name = key.container.as_str().strip_prefix('p')?;
            let (pod, slot) = name.split_once('.')?;
            Some((pod.parse().ok()?, slot.parse().ok()?))
        });
        let gone = sandboxes.filter(|sandbox| {
            let state = self.sandboxes.get(sandbox);
            matches!(state, None | Some(Sandbox::Ending))
        });
        gone.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The sweep calls DEL.
    pub(super) fn sweep(&self, rules: Rules, sandbox: (usize, usize)) -> Outcomes {
        let event = Event::Del {
            token: sweep_token(sandbox),
            container: container(sandbox),
            interface: None,
        };
        self.tell(rules, event)
    }

    /// Addresses of devices that no record explains.
    pub(super) fn strangers(&self) -> BTreeSet<IpAddr> {
        let strange = self
            .links
            .iter()
            .filter(|(key, _)| !self.disk.records.contains_key(key));
        let addresses = strange.flat_map(|(_, addresses)| addresses.iter().map(|(a, _)| *a));
        addresses.collect()
    }

    /// Whether the namespaces must be scanned (again).
    pub(super) fn must_scan(&self) -> bool {
        let stale = !self.volatile.blocked.is_empty() && self.volatile.blocked != self.strangers();
        self.volatile.cold && !self.volatile.scanned || stale
    }

    pub(super) fn scan(&self, rules: Rules) -> Outcomes {
        self.tell(rules, Event::Scanned(self.strangers()))
    }
}
