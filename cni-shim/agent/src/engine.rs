//! The engine: the one place that holds the agent's state, behind one lock.
//!
//! ```text
//! server, config, sweep ── Input ──> [ step ─> effects ] ── jobs ──> whoever told, or the pool
//!                                       │   │   │  ^                    │
//!                              /run <───┘   │   │  └── Made, Gone … <───┘
//!                            plugin <── reply   └──> Published (for the status)
//! ```
//!
//! It has no thread: whoever has something to tell it holds the lock for as long as a decision and its
//! records take. A request's own thread then makes the link, without the lock, and tells that: an ADD
//! meets no second thread on its way.
//!
//! `core`'s step decides; this executes its effects in their order. An effect that can't be executed
//! (`/run` is full) ends the agent: the next start takes everything up from what lies in `/run`.

use std::{collections::BTreeMap, sync::Arc};

use landfall_core::{
    agent::{AddRequest, Durable, Event, Identity, Key, Token, Volatile, step},
    id::{Name, Uid},
};
use landfall_crds::node::LandfallNode;
use landfall_link::{Made, Netns, Parent as HostLink};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    announce::Announcement,
    execute::{Job, Wanted},
    identity::Machine,
    parents::Parents,
    records::{Entry, Facts, Store, StoreError},
};

mod again;
mod announcing;
mod effects;
mod handle;
mod input;
mod node_links;
mod observe;
mod probes;
mod published;
mod repairs;
mod sharing;
mod start;

pub use handle::{Ended, Handle};
pub use input::{Answer, Attached, Input, Sandbox};
use node_links::NodeLinks;
use probes::Probes;
pub use probes::{ProbeCounts, SilentGateway};
pub use published::Published;
use repairs::Repairs;

/// What the engine tells others.
#[derive(Debug)]
pub struct Outlets {
    /// For the status and the metrics.
    pub published: watch::Sender<Arc<Published>>,
    /// Rung when the own object must be read with quorum.
    pub quorum_read: Arc<Notify>,
    /// What to announce in the LAN.
    pub announce: mpsc::UnboundedSender<Announcement>,
}

/// See the module.
pub struct Engine {
    machine: Machine,
    store: Store,
    outlets: Outlets,
    volatile: Volatile,
    durable: Durable,
    /// The object of which `durable.snapshot` is a part.
    object: Option<Box<LandfallNode>>,
    /// While a quorum read is under way: whether the watch has told a version since it began.
    overtaken: Option<bool>,
    identity: Option<Identity>,
    /// Whether `/run` was complete at the start, or has been made so since.
    complete: bool,
    epoch: u64,
    host_links: Vec<Arc<HostLink>>,
    parents: Parents,
    node_links: NodeLinks,
    repairs: Repairs,
    probes: Probes,
    facts: BTreeMap<Key, Facts>,
    flights: BTreeMap<Token, Flight>,
    replies: BTreeMap<Token, oneshot::Sender<Answer>>,
    /// Namespaces that a DEL brought along.
    brought: BTreeMap<Name, Arc<Netns>>,
    /// Whether something has changed that is published.
    news: bool,
    /// What the input that is being taken asks of the kernel.
    jobs: Vec<Job>,
}

/// What an ADD in flight needs beside core's state.
struct Flight {
    container: Name,
    sandbox: Sandbox,
    attached: BTreeMap<Key, Attached>,
    owner: Uid,
    /// Until the ADD's time is over, or nobody wants its links.
    wanted: Wanted,
}

// === impl Engine ===

impl Engine {
    /// Takes one input, and says what is to be done with links for it.
    pub fn take(&mut self, input: Input) -> Result<Vec<Job>, StoreError> {
        let waiting = self.volatile.waiting();
        self.serve(input)?;
        if self.volatile.waiting() != waiting {
            self.publish();
        }
        Ok(std::mem::take(&mut self.jobs))
    }

    fn serve(&mut self, input: Input) -> Result<(), StoreError> {
        self.consider(input)?;
        self.repair_what_waited();
        Ok(())
    }

    fn consider(&mut self, input: Input) -> Result<(), StoreError> {
        match input {
            Input::Object { object, quorum } => self.observe(object, quorum),
            Input::ReadBegins => {
                self.overtaken = Some(false);
                Ok(())
            }
            Input::Add {
                request,
                sandbox,
                reply,
            } => {
                self.begin(&request, sandbox, reply);
                self.decide(Event::Add(request))
            }
            Input::Del {
                token,
                container,
                interface,
                netns,
                reply,
            } => {
                self.give_up(|flight| flight.container == container);
                self.replies.insert(token, reply);
                self.brought
                    .extend(netns.map(|netns| (container.clone(), netns)));
                self.decide(Event::Del {
                    token,
                    container,
                    interface,
                })
            }
            Input::Made(key, made) => {
                self.note_made(&key, *made);
                self.decide(Event::Made(key))
            }
            Input::Event(event) => {
                self.end_of_wait(&event);
                self.decide(event)
            }
            Input::Links(links) => self.see_links(links),
            Input::Replaced(indexes) => {
                self.links_replaced(&indexes);
                Ok(())
            }
            Input::Compared => {
                self.begin_repairs();
                Ok(())
            }
            Input::Retry => {
                self.retry_what_failed();
                Ok(())
            }
            Input::Probed(probed) => self.probed(probed),
            Input::Looked(key, looked) => self.looked(&key, looked),
            Input::Remade(key, remade) => self.remade(&key, remade),
            Input::NodeLink(job, failure) => {
                self.node_link_done(&job, failure);
                self.decide_on_parents()
            }
        }
    }

    fn retry_what_failed(&mut self) {
        self.retry_repairs();
        self.retry_gateways();
    }

    /// Nobody waits any more for an ADD that is over.
    fn end_of_wait(&self, event: &Event) {
        if let Event::Timeout(token) | Event::Abort(token) = event
            && let Some(flight) = self.flights.get(token)
        {
            flight.wanted.give_up();
        }
    }

    /// Notes what an ADD needs beside core's state.
    fn begin(&mut self, request: &AddRequest, sandbox: Sandbox, reply: oneshot::Sender<Answer>) {
        self.give_up(|flight| flight.owner == request.owner);
        let flight = Flight {
            container: request.container.clone(),
            owner: request.owner,
            sandbox,
            attached: BTreeMap::new(),
            wanted: Wanted::default(),
        };
        self.flights.insert(request.token, flight);
        self.replies.insert(request.token, reply);
    }

    /// Attaches that are tried again and again for these ADDs end.
    fn give_up(&self, of: impl Fn(&Flight) -> bool) {
        for flight in self.flights.values().filter(|flight| of(flight)) {
            flight.wanted.give_up();
        }
    }

    /// Lets core decide, and does what it says. What fails at once (no parent) is decided on next.
    fn decide(&mut self, event: Event) -> Result<(), StoreError> {
        let was_ready = self.volatile.is_ready(&self.durable);
        let was_whole = self.volatile.may_restart_warm(&self.durable);
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let effects = step(&mut self.volatile, &mut self.durable, event);
            events.extend(self.execute(effects)?);
        }
        self.hand_out_probes();
        if self.volatile.is_ready(&self.durable) && !was_ready {
            self.become_ready();
        }
        if self.volatile.may_restart_warm(&self.durable) && !was_whole {
            self.mark()?;
        }
        Ok(())
    }

    /// All records.
    pub fn entries(&self) -> Vec<Entry> {
        let keys = self.durable.records.keys();
        keys.filter_map(|key| self.entry(key)).collect()
    }

    fn entry(&self, key: &Key) -> Option<Entry> {
        Some(Entry {
            key: key.clone(),
            record: self.durable.records.get(key)?.clone(),
            facts: self.facts.get(key).cloned(),
        })
    }

    fn note_made(&mut self, key: &Key, made: Made) {
        if let Some(facts) = self.facts.get_mut(key) {
            facts.index = made.link.index;
        }
        self.repairs.note_mtu(key, made.link.mtu);
        for flight in self.flights.values_mut() {
            if let Some(attached) = flight.attached.get_mut(key) {
                attached.made = Some(made);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
