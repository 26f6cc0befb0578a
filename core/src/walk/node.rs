//! A node of the walk: agent, /run, kernel and kubelet.

use super::*;
use crate::address::Family;

/// A node: the agent, what is in its /run, its kernel, its kubelet.
pub(super) struct Node {
    pub(super) name: Name,
    pub(super) served: Served,
    pub(super) volatile: Volatile,
    pub(super) memory: Durable,
    pub(super) disk: Durable,
    pub(super) effects: VecDeque<Effect>,
    pub(super) links: BTreeMap<Key, BTreeSet<(IpAddr, Seq)>>,
    pub(super) sandboxes: BTreeMap<Name, (Uid, Sandbox)>,
    pub(super) next: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sandbox {
    Adding(Token),
    Up,
    Doomed,
    Deleting(Token),
}

// === impl Node ===

impl Node {
    pub(super) fn new(name: &str) -> Self {
        let name = Name::from(name);
        let mut volatile = Volatile::start(kit::uid_of(&name), true);
        volatile.scanned = true;
        Self {
            name,
            served: Served {
                name: Name::from("lan"),
                families: BTreeSet::from([Family::V4]),
                is_probed: false,
            },
            volatile,
            memory: Durable::default(),
            disk: Durable::default(),
            effects: VecDeque::new(),
            links: BTreeMap::new(),
            sandboxes: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn step(&mut self, event: Event) {
        let effects = agent::step(&mut self.volatile, &mut self.memory, event);
        self.effects.extend(effects);
    }

    pub(super) fn snapshot(&self, api: &Api) -> Snapshot {
        let object = &api.nodes[&self.name];
        Snapshot {
            uid: kit::uid_of(&self.name),
            generation: object.generation,
            epoch: object.spec.epoch,
            machine: kit::uid_of(&self.name),
            networks: BTreeMap::from([(NETWORK, self.served.clone())]),
            grants: object.spec.grants.clone(),
            recalls: object.spec.recalls.clone(),
            refusals: object.spec.refusals.clone(),
            not_ours: BTreeSet::new(),
            status_released: object.status.released.clone(),
        }
    }

    /// The watch; a cold agent's quorum read.
    pub(super) fn read_own(&mut self, api: &Api) {
        let snapshot = self.snapshot(api);
        let quorum = !self.volatile.read;
        self.step(Event::Spec { snapshot, quorum });
    }

    /// Executes one effect.
    pub(super) fn execute(&mut self, api: &mut Api, dice: &mut Dice, faults: bool) -> bool {
        let Some(effect) = self.effects.pop_front() else {
            return false;
        };
        match effect {
            Effect::SaveRecord(..)
            | Effect::DropRecord(_)
            | Effect::SaveReleased
            | Effect::SaveSuspicion
            | Effect::SaveSnapshot => self.disk.save(effect, &self.memory),
            Effect::ReadSpec => {
                let snapshot = self.snapshot(api);
                self.step(Event::Spec {
                    snapshot,
                    quorum: true,
                });
            }
            Effect::Make { key, grants, .. } => {
                if faults && dice.one_in(6) {
                    self.step(Event::NotMade {
                        key,
                        why: "no".to_owned(),
                        may_pass: false,
                    });
                } else {
                    let addresses = grants.iter().filter_map(|grant| grant.address).collect();
                    self.links.insert(key.clone(), addresses);
                    self.step(Event::Made(key));
                }
            }
            Effect::Remove(key) => {
                if faults && dice.one_in(6) {
                    let why = "busy".to_owned();
                    self.step(Event::NotGone {
                        key,
                        why,
                        left_to_kernel: false,
                    });
                } else {
                    self.links.remove(&key);
                    self.step(Event::Gone(key));
                }
            }
            Effect::Probe { key, .. } => self.step(Event::Probed { key, found: None }),
            Effect::Reply(token, outcome) => self.reply(token, &outcome),
            Effect::Publish => self.publish(api),
        }
        true
    }

    pub(super) fn publish(&self, api: &mut Api) {
        if !self.volatile.is_ready(&self.memory) {
            return;
        }
        let object = api.nodes.get_mut(&self.name).expect("exists");
        // What is not in /run yet must not be said: a crash would forget it.
        object.status.released.clone_from(&self.disk.released);
        object.status.machine = kit::uid_of(&self.name);
        object.status.node_uid = kit::uid_of(&self.name);
    }

    pub(super) fn reply(&mut self, token: Token, outcome: &Outcome) {
        self.sandboxes.retain(|_, (_, sandbox)| {
            let done = *outcome == Outcome::Done;
            match *sandbox {
                Sandbox::Adding(t) if t == token => {
                    *sandbox = if done { Sandbox::Up } else { Sandbox::Doomed };
                    true
                }
                Sandbox::Deleting(t) if t == token => {
                    *sandbox = Sandbox::Doomed;
                    !done
                }
                Sandbox::Adding(_) | Sandbox::Up | Sandbox::Doomed | Sandbox::Deleting(_) => true,
            }
        });
    }

    pub(super) fn token(&mut self) -> Token {
        self.next += 1;
        Token(self.next)
    }

    pub(super) fn add(&mut self, owner: Uid) {
        let token = self.token();
        let container = Name::from(format!("{}-{}", self.name, token.0).as_str());
        self.sandboxes
            .insert(container.clone(), (owner, Sandbox::Adding(token)));
        let asked = vec![Asked {
            network: Name::from("lan"),
            interface: Name::from(INTERFACE),
            addresses: Vec::new(),
        }];
        self.step(Event::Add(AddRequest {
            token,
            container,
            owner,
            asked,
        }));
    }

    pub(super) fn delete(&mut self, container: Name) {
        let token = self.token();
        if let Some((_, sandbox)) = self.sandboxes.get_mut(&container) {
            *sandbox = Sandbox::Deleting(token);
        }
        self.step(Event::Del {
            token,
            container,
            interface: None,
        });
    }

    /// kubelet: sandboxes of pods that exist, no others.
    pub(super) fn kubelet(&mut self, api: &Api, dice: &mut Dice, faults: bool) {
        let wanted = |owner: &Uid| api.pods.get(owner).is_some_and(|pod| pod.node == self.name);
        let doomed = self.sandboxes.iter().find(|(_, (owner, sandbox))| {
            *sandbox == Sandbox::Doomed || (*sandbox == Sandbox::Up && !wanted(owner))
        });
        if let Some(container) = doomed.map(|(container, _)| container.clone()) {
            self.delete(container);
            return;
        }
        let adding = self
            .sandboxes
            .iter()
            .find_map(|(container, (_, s))| match s {
                Sandbox::Adding(token) => Some((container.clone(), *token)),
                Sandbox::Up | Sandbox::Doomed | Sandbox::Deleting(_) => None,
            });
        if let Some((container, token)) = adding
            && faults
            && dice.one_in(3)
        {
            // kubelet gives up, and may not wait for the answer.
            if dice.one_in(2) {
                self.step(Event::Timeout(token));
            } else {
                self.delete(container);
            }
            return;
        }
        let mine = api.pods.iter().filter(|(_, pod)| pod.node == self.name);
        let served: BTreeSet<Uid> = self
            .sandboxes
            .values()
            .filter(|(_, s)| matches!(s, Sandbox::Adding(_) | Sandbox::Up))
            .map(|(owner, _)| *owner)
            .collect();
        let lone = mine
            .map(|(owner, _)| *owner)
            .find(|owner| !served.contains(owner));
        if let Some(owner) = lone {
            self.add(owner);
        } else if faults && dice.one_in(4) {
            // A second sandbox of a pod that has one: its first is believed dead.
            if let Some(owner) = dice.pick(served.iter()).copied() {
                self.add(owner);
            }
        }
    }

    /// The agent dies after any prefix of its effects; every request of its plugins breaks.
    pub(super) fn crash(&mut self) {
        self.effects.clear();
        self.memory = self.disk.clone();
        self.volatile = Volatile::start(kit::uid_of(&self.name), false);
        if self.disk.snapshot.is_none() {
            self.volatile = Volatile::start(kit::uid_of(&self.name), true);
            self.volatile.scanned = true;
        }
        for (_, sandbox) in self.sandboxes.values_mut() {
            if matches!(sandbox, Sandbox::Adding(_) | Sandbox::Deleting(_)) {
                *sandbox = Sandbox::Doomed;
            }
        }
    }
}
