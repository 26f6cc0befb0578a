//! The engine: the one place that holds the agent's state, on a thread of its own.
//!
//! ```text
//! server, config, sweep ── Input ──> [ step ─> effects ] ── jobs ──> link threads
//!                                       │   │   │  ^                    │
//!                              /run <───┘   │   │  └── Made, Gone … <───┘
//!                            plugin <── reply   └──> Published (for the status)
//! ```
//!
//! `core`'s step decides; this executes its effects in their order. An effect that can't be executed
//! (`/run` is full) ends the agent: the next start takes everything up from what lies in `/run`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, Sender},
    },
};

use landfall_core::{
    agent::{AddRequest, Durable, Event, Key, Outcome, Snapshot, Token, Volatile, step},
    id::Name,
    link::Link,
};
use landfall_crds::node::LandfallNode;
use landfall_link::{Made, Netns, Parent as HostLink};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    announce::Announcement,
    config::snapshot,
    execute::{Links, VlanJob},
    identity::{Identity, Machine},
    parents::Parents,
    records::{Entry, Facts, Loaded, Mark, Store, StoreError},
};

mod announcing;
mod effects;
mod published;
mod vlans;

pub use published::Published;
use vlans::Vlans;

/// What the engine is told.
pub enum Input {
    /// A version of the own object.
    Object {
        /// The object.
        object: Box<LandfallNode>,
        /// Whether it was read with quorum.
        quorum: bool,
    },
    /// The plugin asks to attach a pod.
    Add {
        /// What core decides on.
        request: AddRequest,
        /// Where.
        sandbox: Sandbox,
        /// For the answer.
        reply: oneshot::Sender<Answer>,
    },
    /// The plugin, or the sweep, asks to detach a sandbox.
    Del {
        /// The request.
        token: Token,
        /// The sandbox.
        container: Name,
        /// The one interface that a delegate call names; `None` is all.
        interface: Option<Name>,
        /// Its namespace, if the caller has it.
        netns: Option<Arc<Netns>>,
        /// For the answer.
        reply: oneshot::Sender<Answer>,
    },
    /// A link was made.
    Made(Key, Box<Made>),
    /// Anything else that core decides on.
    Event(Event),
    /// The node's links, as they are now.
    Links(Vec<Arc<HostLink>>),
    /// A VLAN was made or removed, or was not: why.
    Vlan(VlanJob, Option<String>),
    /// Asks for all records.
    Records(oneshot::Sender<Vec<Entry>>),
}

/// A pod's network namespace, and whose it is.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The namespace.
    pub netns: Arc<Netns>,
    /// Where the runtime bound it.
    pub path: PathBuf,
    /// Its SO_NETNS_COOKIE.
    pub cookie: u64,
    /// The number by which the node's own namespace knows it.
    pub number: Option<i32>,
    /// The pod as `namespace/name`.
    pub pod: String,
}

/// What a request gets.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// After an ADD: the links that were made.
    pub links: Vec<Attached>,
}

/// One link that was made.
#[derive(Clone, Debug)]
pub struct Attached {
    /// As it was wanted.
    pub wanted: Link,
    /// As the kernel shows it; absent where it was not made in this call.
    pub made: Option<Made>,
    /// The network's name.
    pub network: String,
}

/// The way to the engine.
#[derive(Clone, Debug)]
pub struct Handle(Sender<Input>);

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
pub struct Engine<L> {
    machine: Machine,
    store: Store,
    links: L,
    outlets: Outlets,
    volatile: Volatile,
    durable: Durable,
    /// The object of which `durable.snapshot` is a part.
    object: Option<Box<LandfallNode>>,
    identity: Option<Identity>,
    /// Whether `/run` was complete at the start, or has been made so since.
    complete: bool,
    epoch: u64,
    restore_suspected: bool,
    host_links: Vec<Arc<HostLink>>,
    parents: Parents,
    vlans: Vlans,
    facts: BTreeMap<Key, Facts>,
    flights: BTreeMap<Token, Flight>,
    replies: BTreeMap<Token, oneshot::Sender<Answer>>,
    /// Namespaces that a DEL brought along.
    brought: BTreeMap<Name, Arc<Netns>>,
}

/// What an ADD in flight needs beside core's state.
struct Flight {
    container: Name,
    sandbox: Sandbox,
    attached: BTreeMap<Key, Attached>,
    /// The failure will pass without the user's help.
    passing: bool,
}

// === impl Handle ===

impl Handle {
    /// A way, and its other end.
    pub fn new() -> (Self, Receiver<Input>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self(sender), receiver)
    }

    /// Tells the engine. When it has ended the agent is about to, so nobody misses the answer.
    pub fn tell(&self, input: Input) {
        self.0.send(input).ok();
    }
}

// === impl Engine ===

impl<L: Links> Engine<L> {
    /// Takes up what lies in `/run`: warm, if it is complete and of this boot and machine.
    pub fn start(
        store: Store,
        machine: Machine,
        links: L,
        outlets: Outlets,
    ) -> Result<Self, StoreError> {
        let loaded = store.load();
        let ours = |mark: &Mark| mark.boot == machine.boot && mark.machine == machine.id;
        let mark = loaded.mark.filter(ours);
        if mark.is_none() {
            store.clear_mark()?;
        }
        let mut engine = Self {
            machine,
            store,
            links,
            outlets,
            volatile: Volatile::start(machine.id, mark.is_none()),
            durable: Durable::default(),
            object: None,
            identity: None,
            complete: mark.is_some(),
            epoch: mark.map(|mark| mark.epoch).unwrap_or_default(),
            restore_suspected: false,
            host_links: Vec::new(),
            parents: Parents::default(),
            vlans: Vlans::default(),
            facts: BTreeMap::new(),
            flights: BTreeMap::new(),
            replies: BTreeMap::new(),
            brought: BTreeMap::new(),
        };
        engine.take_up(loaded);
        tracing::info!(
            warm = engine.complete,
            records = engine.durable.records.len(),
            released = engine.durable.released.len(),
            "took up what lies in the run folder"
        );
        engine.publish();
        Ok(engine)
    }

    fn take_up(&mut self, loaded: Loaded) {
        for (key, entry) in loaded.entries {
            self.facts
                .extend(entry.facts.map(|facts| (key.clone(), facts)));
            self.durable.records.insert(key, entry.record);
        }
        self.durable.released = loaded.released;
        if let Some(object) = loaded.object {
            self.durable.snapshot = snapshot(&object);
            self.object = Some(Box::new(object));
        }
    }

    /// Serves until every handle is gone, or an effect can't be executed.
    pub fn run(mut self, inputs: &Receiver<Input>) -> Result<(), StoreError> {
        while let Ok(input) = inputs.recv() {
            self.take(input)?;
        }
        Ok(())
    }

    /// Takes one input.
    pub fn take(&mut self, input: Input) -> Result<(), StoreError> {
        match input {
            Input::Object { object, quorum } => self.observe(object, quorum),
            Input::Add {
                request,
                sandbox,
                reply,
            } => {
                let flight = Flight {
                    container: request.container.clone(),
                    sandbox,
                    attached: BTreeMap::new(),
                    passing: false,
                };
                self.flights.insert(request.token, flight);
                self.replies.insert(request.token, reply);
                self.decide(Event::Add(request))
            }
            Input::Del {
                token,
                container,
                interface,
                netns,
                reply,
            } => {
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
            Input::Event(event) => self.decide(event),
            Input::Links(links) => {
                let before = std::mem::replace(&mut self.host_links, links);
                self.announce_returned(&before);
                self.retry_vlans();
                self.resolve_parents();
                self.publish();
                Ok(())
            }
            Input::Vlan(job, failure) => {
                self.vlan_done(&job, failure);
                self.publish();
                Ok(())
            }
            Input::Records(reply) => {
                reply.send(self.entries()).ok();
                Ok(())
            }
        }
    }

    /// Lets core decide, and does what it says. What fails at once (no parent) is decided on next.
    fn decide(&mut self, event: Event) -> Result<(), StoreError> {
        let was_ready = self.volatile.is_ready(&self.durable);
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let effects = step(&mut self.volatile, &mut self.durable, event);
            events.extend(self.execute(effects)?);
        }
        if self.volatile.is_ready(&self.durable) && !was_ready {
            self.become_ready()?;
        }
        Ok(())
    }

    /// From here on a start with this folder is a warm one.
    fn become_ready(&mut self) -> Result<(), StoreError> {
        if self.volatile.cold && !self.complete {
            self.epoch += 1;
            self.complete = true;
        }
        self.store.save_mark(&Mark {
            boot: self.machine.boot,
            machine: self.machine.id,
            epoch: self.epoch,
        })?;
        tracing::info!(epoch = self.epoch, "ready: grants are served");
        self.publish();
        Ok(())
    }

    fn observe(&mut self, object: Box<LandfallNode>, quorum: bool) -> Result<(), StoreError> {
        let Some(seen) = snapshot(&object) else {
            return Ok(());
        };
        if self.is_accepted(&seen, quorum) {
            // Effects (SaveSnapshot, Make) read the object: it must be the one core decides on.
            self.object = Some(object);
            self.retry_vlans();
            self.resolve_parents();
            self.identify(quorum);
        }
        self.decide(Event::Spec {
            snapshot: seen,
            quorum,
        })?;
        self.warn_of_another_machine();
        if self.identity.is_none() || (self.volatile.cold && !self.volatile.read) {
            self.outlets.quorum_read.notify_one();
        }
        self.publish();
        Ok(())
    }

    /// The node's name was given to another machine, or this disk was cloned.
    fn warn_of_another_machine(&self) {
        let spec = self
            .object
            .as_ref()
            .map(|object| object.spec.node.machine_id);
        let own = self.machine.id;
        let published = self.outlets.published.borrow().other_machine;
        if let Some(other) = spec.filter(|other| *other != own && published != Some(*other)) {
            tracing::warn!(
                %own, %other,
                "the LandfallNode is for another machine: nothing is served, acknowledged or written"
            );
        }
    }

    /// Core's rule for versions, foretold; and whether the cluster's state has gone back: a quorum
    /// read can't be late (03, Restart).
    fn is_accepted(&mut self, seen: &Snapshot, quorum: bool) -> bool {
        let Some(known) = &self.durable.snapshot else {
            return true;
        };
        if known.uid != seen.uid {
            return quorum;
        }
        let accepted = seen.generation >= known.generation;
        if quorum {
            self.restore_suspected = !accepted;
        }
        accepted
    }

    /// The first quorum read says for whom this machine may speak; later versions may rename it.
    fn identify(&mut self, quorum: bool) {
        let Some(object) = &self.object else {
            return;
        };
        let present = object.spec.node.uid;
        match &mut self.identity {
            Some(identity) => identity.become_node(present),
            None if quorum => {
                let status = object.status.as_ref();
                self.identity = Some(Identity::start(
                    status,
                    self.machine,
                    self.complete,
                    present,
                ));
                // A lost /run has lost its counter too.
                let published = status.map(|status| status.agent_epoch).unwrap_or_default();
                self.epoch = self.epoch.max(published);
            }
            None => {}
        }
    }

    fn resolve_parents(&mut self) {
        let networks = self.object.as_ref().map(|object| &object.spec.networks);
        let parents = networks.map(|networks| Parents::resolve(networks, &self.host_links));
        self.parents = parents.unwrap_or_default();
        self.explain_vlans();
        self.tend_vlans();
    }

    fn entries(&self) -> Vec<Entry> {
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
