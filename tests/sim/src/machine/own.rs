//! What an agent reads and writes at the API server: its own object.

use std::{collections::BTreeSet, rc::Rc};

use landfall_core::{
    agent::{Event, Identity, Snapshot, Starting, Writer},
    id::Uid,
    ledger::view::NodeStatus,
};

use super::Machine;
use crate::{
    api::{NodeObject, Status},
    dice::Dice,
    fault::Fault,
    server::Kind,
    site::Site,
};

/// The last status that the agent knows to be written, as its shell notes it.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The object that it was written for: one that is made again has no status yet.
    object: Option<Uid>,
    status: Status,
    /// The object after it, as the API server answered.
    answer: Rc<NodeObject>,
}

// === impl Written ===

impl Written {
    /// Whether `later`, which the watch shows, has another status in a later version: one that landed late
    /// then stands in its place.
    fn is_lost_in(&self, later: &NodeObject) -> bool {
        let own = &self.answer;
        own.meta.uid == later.meta.uid
            && own.meta.version < later.meta.version
            && own.status != later.status
    }
}

// === impl Machine ===

impl Machine {
    /// The agent reads its own object: with quorum if it must, else the next version of its watch.
    /// Whether there was something to read.
    pub fn read_own(&mut self, site: &mut Site, dice: &mut Dice, quorum: bool) -> bool {
        if !self.reaches(site) {
            return false;
        }
        let is_new = self.volatile.cold && !self.volatile.read || self.identity.is_none();
        if quorum || self.owes_read || is_new {
            if site.fails(dice).is_some() {
                return true;
            }
            // If there is none, the watch tells when it is made.
            self.owes_read = false;
            let Some(object) = site.api.nodes.get(&self.name).cloned() else {
                return false;
            };
            self.take_own(&object, true, site, dice);
            return true;
        }
        let Some(at) = self.seen else {
            // A list; a server that is behind gives an old one.
            let is_stale = site.faults.happens(Fault::StaleList, dice);
            let nodes = &site.api.nodes;
            let (at, object) = if is_stale {
                let mut listed = nodes.list_at(nodes.oldest()).into_iter();
                let own = listed.find(|object| object.meta.key == self.name);
                (nodes.oldest(), own)
            } else {
                (nodes.latest(), nodes.get(&self.name).cloned())
            };
            self.seen = Some(at);
            if let Some(object) = object {
                self.take_own(&object, false, site, dice);
            }
            return true;
        };
        let mut end = at;
        let found = match site.api.nodes.after(at) {
            Err(_) => {
                self.seen = None;
                return true;
            }
            Ok(events) => {
                let mut found = None;
                for event in events {
                    end = event.object.meta.version;
                    if event.object.meta.key == self.name {
                        found = Some(event.clone());
                        break;
                    }
                }
                found
            }
        };
        self.seen = Some(end);
        match found {
            Some(event) if event.kind != Kind::Deleted => {
                self.take_own(&event.object, false, site, dice);
                true
            }
            Some(_) => true,
            None => false,
        }
    }

    fn take_own(
        &mut self,
        object: &Rc<NodeObject>,
        quorum: bool,
        site: &mut Site,
        dice: &mut Dice,
    ) {
        if !quorum {
            self.shown = Some(Rc::clone(object));
        }
        let identity = object.spec.identity;
        let protocol = &object.spec.protocol;
        let snapshot = Snapshot {
            uid: object.meta.uid,
            generation: object.meta.generation,
            machine: identity.machine,
            epoch: protocol.epoch,
            networks: (*self.served).clone(),
            grants: protocol.grants.clone(),
            recalls: protocol.recalls.clone(),
            refusals: protocol.refusals.clone(),
            not_ours: BTreeSet::new(),
            status_released: object.status.said.released.clone(),
        };
        if identity.machine == self.id {
            self.identify(identity.node, quorum, &object.status);
        }
        self.tell(Event::Spec { snapshot, quorum }, site, dice);
    }

    /// For whom the agent speaks: as the shell asks the shipped rule.
    fn identify(&mut self, present: Uid, quorum: bool, last: &Status) {
        match &mut self.identity {
            Some(identity) => identity.become_node(present),
            None if quorum => {
                let agent = Starting {
                    machine: self.id,
                    boot: Uid(self.boot),
                    complete: self.is_complete,
                };
                let nobody = Uid::default();
                let last = Writer {
                    machine: Some(last.said.machine).filter(|uid| *uid != nobody),
                    boot: Some(last.boot).filter(|uid| *uid != nobody),
                    node: Some(last.said.node_uid).filter(|uid| *uid != nobody),
                    speaks_for: last.said.speaks_for.clone(),
                };
                self.identity = Some(Identity::start(agent, &last, present));
            }
            None => {}
        }
    }

    /// What the status must say: only what is in /run. `None` if the agent may not say anything.
    pub fn status(&self) -> Option<Status> {
        let identity = self.identity.as_ref()?;
        if !self.is_ready() || self.is_cut {
            return None;
        }
        Some(Status {
            said: NodeStatus {
                node_uid: identity.node,
                machine: self.id,
                speaks_for: identity.speaks_for.clone(),
                released: self.disk.released.clone(),
                conflicts: self.volatile.conflicts().clone(),
                in_use: self.disk.in_use(&self.volatile),
                epoch: self.disk.snapshot.as_ref().map_or(0, |own| own.epoch),
                suspects: self.disk.restore_suspected,
            },
            boot: Uid(self.boot),
            attached: self.disk.attached(),
        })
    }

    /// The status that is to be written now: it is another than the last one that was, or the watch shows
    /// that this one stands no more.
    pub fn due_status(&self) -> Option<Status> {
        let status = self.status()?;
        let object = self.known_object();
        let is_written = self.written.as_ref().is_some_and(|written| {
            let mut shown = self.shown.iter();
            written.object == object
                && written.status == status
                && !shown.any(|shown| written.is_lost_in(shown))
        });
        (!is_written).then_some(status)
    }

    /// The API server has taken the status, and answers with the object.
    pub fn has_written(&mut self, status: Status, answer: &Rc<NodeObject>) {
        self.has_been
            .insert((answer.meta.uid, status.said.node_uid));
        self.written = Some(Written {
            object: self.known_object(),
            status,
            answer: Rc::clone(answer),
        });
    }

    fn known_object(&self) -> Option<Uid> {
        self.memory.snapshot.as_ref().map(|own| own.uid)
    }
}
