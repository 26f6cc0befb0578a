//! The invariants, from outside: what the kernels have and what is written, not what programs think.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    rc::Rc,
};

use landfall_core::{
    agent::Key,
    id::{Name, Seq, Uid},
    ledger::{Block, BlockId, Entry, State},
    network::Network,
};

use crate::{
    api::{Api, BlockObject, NodeObject, Request},
    claims::Register,
    fault::{Fault, Faults},
};

mod claims;
mod links;
mod restored;

use links::is_old;

/// Where an address is live.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    machine: Uid,
    key: Key,
    seq: Seq,
}

/// Looks at every write and every link.
#[derive(Debug)]
pub struct Checker {
    networks: BTreeMap<Uid, Network>,
    devices: BTreeMap<(Name, IpAddr), Device>,
    /// All that a machine ever released: true for ever.
    released: BTreeSet<(Uid, IpAddr, Seq)>,
    /// The highest seq of each block, over its end too.
    drawn: BTreeMap<BlockId, Seq>,
    /// All pods and claims that there were.
    pub register: Register,
    /// etcd was restored, and nobody has said so.
    is_unannounced: bool,
    /// That was so once.
    pub(crate) was_unannounced: bool,
    /// Addresses that were live twice, by grants of before such a restore was announced.
    given_twice: BTreeSet<(Name, IpAddr)>,
    broken: Option<String>,
}

/// What a write is about, as it was.
#[derive(Debug)]
pub enum Before {
    /// A block.
    Block(BlockId, Option<Rc<BlockObject>>),
    /// A node object.
    Node(Name, Option<Rc<NodeObject>>),
    /// What no invariant speaks of.
    Other,
}

/// A link that was made or removed.
#[derive(Clone, Debug)]
pub enum LinkChange {
    /// It is there now.
    Made(Key, Uid, BTreeSet<(IpAddr, Seq)>),
    /// It is gone.
    Gone(Key, Uid, BTreeSet<(IpAddr, Seq)>),
}

// === impl Checker ===

impl Checker {
    /// Nothing is attached, nothing was drawn.
    pub fn new(networks: &[Network]) -> Self {
        let networks = networks
            .iter()
            .map(|network| (network.uid, network.clone()));
        Self {
            networks: networks.collect(),
            devices: BTreeMap::new(),
            released: BTreeSet::new(),
            drawn: BTreeMap::new(),
            register: Register::default(),
            is_unannounced: false,
            was_unannounced: false,
            given_twice: BTreeSet::new(),
            broken: None,
        }
    }

    /// The first invariant that was broken.
    pub fn broken(&self) -> Option<&String> {
        self.broken.as_ref()
    }

    /// An invariant is broken.
    pub fn fail(&mut self, text: String) {
        self.broken.get_or_insert(text);
    }

    /// How many addresses are live.
    pub fn live(&self) -> usize {
        self.devices.len()
    }

    /// The segment of a network.
    pub fn segment(&self, network: Uid) -> Name {
        let network = self.networks.get(&network);
        network
            .map(|network| network.segment.clone())
            .unwrap_or_default()
    }

    /// The ledger's entry of an address.
    pub fn entry<'a>(&self, api: &'a Api, network: Uid, address: IpAddr) -> Option<&'a Entry> {
        let id = BlockId::of(&self.segment(network), address);
        api.blocks.get(&id)?.spec.entries.get(&address)
    }

    /// A machine has acknowledged.
    pub fn releases(&mut self, machine: Uid, keys: &BTreeSet<(IpAddr, Seq)>) {
        let keys = keys.iter().map(|(address, seq)| (machine, *address, *seq));
        self.released.extend(keys);
    }

    /// Whether a machine has ever acknowledged this.
    pub fn has_released(&self, machine: Uid, (address, seq): (IpAddr, Seq)) -> bool {
        self.released.contains(&(machine, address, seq))
    }

    /// What a request is about.
    pub fn before(&self, api: &Api, request: &Request) -> Before {
        let block = |id: &BlockId| Before::Block(id.clone(), api.blocks.get(id).cloned());
        let node = |name: &Name| Before::Node(name.clone(), api.nodes.get(name).cloned());
        match request {
            Request::CreateBlock(made) => block(&made.id),
            Request::ReplaceBlock(object) => block(&object.meta.key),
            Request::CreateNode(name, _)
            | Request::PatchNode(name, ..)
            | Request::EndReclaim(name, ..)
            | Request::PatchStatus(name, ..) => node(name),
            Request::DeleteNode(object) | Request::LetGoNode(object) => node(&object.meta.key),
            Request::GuardClaim(_) | Request::PatchClaim(..) | Request::NoteAdopted(_) => {
                Before::Other
            }
        }
    }

    /// What a request has done.
    pub fn after(&mut self, api: &Api, before: Before, faults: &Faults) {
        match before {
            Before::Other => {}
            Before::Block(id, before) => {
                let after = api.blocks.get(&id);
                let same = before.as_ref().map(|b| b.meta.version) == after.map(|b| b.meta.version);
                if !same {
                    let empty = Block::new(id.clone(), 0);
                    let old = before.as_ref().map_or(&empty, |object| &object.spec);
                    let new = after.map_or(&empty, |object| &object.spec);
                    if before.is_some() && after.is_some() && !self.is_lost(api) {
                        self.claims_written(api, old, new);
                    }
                    self.block_written(api, old, new, after.is_some(), faults);
                }
            }
            Before::Node(name, before) => {
                let after = api.nodes.get(&name);
                let same = before.as_ref().map(|b| b.meta.version) == after.map(|b| b.meta.version);
                if let Some(after) = after.filter(|_| !same) {
                    self.node_written(api, &name, before.as_deref(), after);
                }
            }
        }
    }

    /// Invariants 4, 5, 7 and 9 of a block write.
    fn block_written(
        &mut self,
        api: &Api,
        before: &Block,
        after: &Block,
        exists: bool,
        faults: &Faults,
    ) {
        if exists {
            let drawn = self.drawn.entry(after.id.clone()).or_default();
            if after.seq < *drawn {
                let text = format!(
                    "5: block {} goes back: {} {}",
                    after.id.object_name(),
                    drawn,
                    after.seq
                );
                return self.fail(text);
            }
            *drawn = after.seq;
        }
        if self.is_lost(api) {
            return self.rewritten(api, after);
        }
        let all: BTreeSet<&IpAddr> = before.entries.keys().chain(after.entries.keys()).collect();
        for address in all {
            let (old, new) = (before.entries.get(address), after.entries.get(address));
            // A status that landed late took back that it was released: it is entered and asked back, under
            // the seq that its node still lists.
            let is_free = old.is_none_or(|entry| !entry.state.is_held());
            let is_mended = faults.had(Fault::RequestLate)
                && is_free
                && new.is_some_and(|entry| self.is_asked_back(*address, entry));
            if old == new || is_mended {
                continue;
            }
            if let Some(text) = self.entry_written(api, after, before.seq, *address, (old, new)) {
                let name = after.id.object_name();
                let had = if faults.had(Fault::BlockDeleted) {
                    ", a block was deleted by hand"
                } else {
                    ""
                };
                self.fail(format!(
                    "{text} (block {name}, {address}: {old:?} -> {new:?}{had})"
                ));
            }
        }
    }

    /// Whether an entry asks back what its machine has released.
    fn is_asked_back(&self, address: IpAddr, entry: &Entry) -> bool {
        let holder = entry.holder.as_ref();
        entry.state == State::Recalling
            && holder.is_some_and(|h| self.has_released(h.machine, (address, entry.seq)))
    }

    fn entry_written(
        &self,
        api: &Api,
        block: &Block,
        drawn: Seq,
        address: IpAddr,
        (old, new): (Option<&Entry>, Option<&Entry>),
    ) -> Option<String> {
        if let Some(new) = new.filter(|new| new.holder.is_some()) {
            let is_taken = old.is_none_or(|old| old.holder.is_none() || old.seq != new.seq);
            if is_taken && new.seq <= drawn && drawn.counter > 0 {
                return Some(String::from("5: a seq is drawn twice"));
            }
            let network = self.networks.get(&new.network);
            // After a restore an address may be in use of which the node knows nothing else.
            let is_strange = api.restore.epoch > 0 && new.network == Uid::default();
            let is_in_pool = network.is_some_and(|network| network.subnet_of(address).is_some());
            if is_taken && !is_in_pool && !is_strange {
                return Some(String::from(
                    "9: an address that is not in the pool is granted",
                ));
            }
        }
        let old = old.filter(|old| old.state.is_held())?;
        let holder = old.holder.as_ref()?;
        if let Some(new) = new.filter(|new| new.is_held_by(&holder.node, old.seq)) {
            let back = old.state == State::Recalling
                && matches!(new.state, State::Granted | State::Quarantined);
            return back.then(|| String::from("7: RECALLING goes back"));
        }
        let is_released = self.has_released(holder.machine, (address, old.seq));
        if old.state != State::Fencing && !is_released {
            return Some(String::from("7: a held entry is freed without a release"));
        }
        let place = (block.id.segment.clone(), address);
        let device = self
            .devices
            .get(&place)
            .filter(|device| device.seq == old.seq && !self.given_twice.contains(&place));
        if let Some(device) = device {
            return Some(format!("4: what {:?} has live is freed", device.key));
        }
        let node = api.nodes.get(&holder.node);
        let lists = node.is_some_and(|node| {
            let mut grants = node.spec.protocol.grants.iter();
            grants.any(|grant| grant.address == Some((address, old.seq)))
        });
        (lists && !is_released).then(|| String::from("4: what a node may still attach is freed"))
    }

    /// Invariant 3 of a node write: what it gains is held by that node.
    fn node_written(
        &mut self,
        api: &Api,
        name: &Name,
        before: Option<&NodeObject>,
        after: &NodeObject,
    ) {
        let known: &[_] = before.map_or(&[], |object| &object.spec.protocol.grants);
        for grant in &after.spec.protocol.grants {
            let Some((address, seq)) = grant.address.filter(|_| !known.contains(grant)) else {
                continue;
            };
            if self.is_unannounced {
                continue;
            }
            if self.is_lost(api) {
                let text = format!("3: {name} is pushed {address} {seq} before all have adopted");
                return self.fail(text);
            }
            let entry = self.entry(api, grant.network, address);
            if !entry.is_some_and(|entry| entry.is_held_by(name, seq)) {
                let text =
                    format!("3: {name} is pushed {address} {seq}, and the ledger says {entry:?}");
                return self.fail(text);
            }
        }
    }

    /// Invariant 2b: what the ledger holds is not forgotten by the agent that has released it, unless
    /// a fence has taken the grant out: from there it comes back at most as a recall.
    pub fn forgotten(&mut self, api: &Api, node: &Name, machine: Uid, keys: &[(IpAddr, Seq)]) {
        for (address, seq) in keys {
            // Nothing counts any more that was released before a restore.
            if self.is_unannounced || is_old(api, *seq) {
                continue;
            }
            let is_listed = api.nodes.get(node).is_some_and(|object| {
                let mut grants = object.spec.protocol.grants.iter();
                grants.any(|grant| grant.address == Some((*address, *seq)))
            });
            let is_held = api.blocks.all().any(|block| {
                let entry = block.spec.entries.get(address);
                entry.is_some_and(|entry| {
                    let holder = entry.holder.as_ref();
                    let comes_back = matches!(entry.state, State::Recalling | State::Fencing);
                    entry.is_held_by(node, *seq)
                        && holder.is_some_and(|h| h.machine == machine)
                        && (is_listed || !comes_back)
                })
            });
            if is_held {
                self.fail(format!(
                    "2b: {node} has forgotten that it released {address} {seq}, which the ledger holds"
                ));
            }
        }
    }
}
