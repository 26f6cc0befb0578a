//! Push, recall and removal: what a node object must say.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    Block, Entry, Holder, Rules, State, View, Write,
    draft::{self, Drafts, Held},
    fresh::{Cached, Quorum, Seen},
    grant::{self, Slot},
    view::{Grant, NodeSpec, NodeView, Pod, Refusal},
};
use crate::{
    address::Family,
    id::{Name, Seq, Uid},
    mac,
    network::Driver,
};

/// The writes that bring every node object up to date, and the reads that pushes wait for.
pub(super) fn node_writes(
    view: &View,
    rules: Rules,
    held: &Held<'_>,
    drafts: &mut Drafts<'_>,
    refusals: &BTreeMap<Uid, Refusal>,
) -> Vec<Write> {
    let mut specs: BTreeMap<&Name, NodeSpec> = BTreeMap::new();
    for (name, node) in &view.nodes {
        let mut spec = node.spec.clone();
        remove(view, rules, name, &mut spec);
        drop_unaddressed(view, &mut spec);
        spec.refusals.clear();
        specs.insert(name, spec);
    }
    list_recalls(held, &mut specs);
    mark_fenced(held, &mut specs);
    for (owner, refusal) in refusals {
        if let Some(spec) = view
            .pods
            .get(owner)
            .and_then(|pod| specs.get_mut(&pod.node))
        {
            spec.refusals.insert(*owner, refusal.clone());
        }
    }
    let mut reads = BTreeSet::new();
    for (owner, pod) in &view.pods {
        let (Some(node), Some(spec)) = (view.nodes.get(&pod.node), specs.get_mut(&pod.node)) else {
            continue;
        };
        if pod.refusal.is_none() && node.is_served() {
            let pushing = Pushing {
                view,
                rules,
                owner: *owner,
                pod,
                node,
            };
            reads.extend(pushing.push(held, drafts, spec));
        }
    }
    let changed = specs
        .into_iter()
        .filter(|(name, spec)| view.nodes.get(name).is_some_and(|node| node.spec != *spec));
    changed
        .map(|(name, spec)| Write::Node {
            name: name.clone(),
            spec,
        })
        .chain(reads)
        .collect()
}

/// **Removal rule**: (address, seq) leaves a node's spec only if the block shows this address at
/// this seq or a later one, and not held by (node, seq). A block that shows a lower seq, or that
/// was not seen, is behind: do nothing. Any age of the block will do.
fn remove(view: &View, rules: Rules, node: &Name, spec: &mut NodeSpec) {
    let is_done = |network: Option<Uid>, address: IpAddr, seq: Seq| {
        let may = |block: &Seen<Block>| may_remove(block.any_age(), rules, address, node, seq);
        match network.and_then(|network| draft::block_of(view, network, address)) {
            Some(id) => view.blocks.get(&id).is_some_and(may),
            None => all_segments(view, address, may),
        }
    };
    let networks: BTreeMap<(IpAddr, Seq), Uid> = spec
        .grants
        .iter()
        .filter_map(|g| g.address.map(|a| (a, g.network)))
        .collect();
    spec.recalls
        .retain(|key| !is_done(networks.get(key).copied(), key.0, key.1));
    spec.fenced.retain(|grant| {
        grant
            .address
            .is_some_and(|(address, seq)| !is_done(Some(grant.network), address, seq))
    });
    spec.grants.retain(|grant| {
        grant
            .address
            .is_none_or(|(address, seq)| !is_done(Some(grant.network), address, seq))
    });
}

fn may_remove(block: Cached<&Block>, rules: Rules, address: IpAddr, node: &Name, seq: Seq) -> bool {
    if rules.removal_compares_seq {
        block.0.is_done_with(address, node, seq)
    } else {
        block
            .0
            .entries
            .get(&address)
            .is_none_or(|entry| !entry.is_held_by(node, seq))
    }
}

/// Whether every block that may speak of `address` agrees, and there is one. Asked where the network
/// is not known: a recall of what this spec does not grant. Removing one early is harmless, the next
/// decision lists it again.
fn all_segments(view: &View, address: IpAddr, agrees: impl Fn(&Seen<Block>) -> bool) -> bool {
    let blocks = view.blocks.iter();
    let mut blocks = blocks
        .filter(|(id, _)| super::BlockId::of(&id.segment, address) == **id)
        .peekable();
    blocks.peek().is_some() && blocks.all(|(_, block)| agrees(block))
}

/// A grant without an address is in no ledger: it goes with its pod.
fn drop_unaddressed(view: &View, spec: &mut NodeSpec) {
    spec.grants.retain(|grant| {
        grant.address.is_some()
            || view.pods.get(&grant.owner).is_some_and(|pod| {
                pod.wants
                    .iter()
                    .any(|w| w.network == grant.network && w.interface == grant.interface)
            })
    });
}

/// RECALLING entries are listed in their node's recalls; they stay in its grants too.
fn list_recalls(held: &Held<'_>, specs: &mut BTreeMap<&Name, NodeSpec>) {
    for (_, address, entry, holder) in held.values().flatten() {
        if entry.state == State::Recalling
            && let Some(spec) = specs.get_mut(&holder.node)
        {
            spec.recalls.insert((*address, entry.seq));
        }
    }
}

/// The second step of a fence: the node object without the grant, which is kept aside as the mark
/// that this write was made.
fn mark_fenced(held: &Held<'_>, specs: &mut BTreeMap<&Name, NodeSpec>) {
    for (_, address, entry, holder) in held.values().flatten() {
        if entry.state != State::Fencing {
            continue;
        }
        let Some(spec) = specs.get_mut(&holder.node) else {
            continue;
        };
        let key = (*address, entry.seq);
        spec.recalls.remove(&key);
        spec.grants.retain(|grant| grant.address != Some(key));
        if !spec.fenced.iter().any(|grant| grant.address == Some(key)) {
            spec.fenced.push(Grant {
                owner: holder.owner,
                interface: holder.interface.clone(),
                network: entry.network,
                address: Some(key),
                index: holder.index,
                mac: None,
            });
            spec.fenced.sort();
        }
    }
}

/// A pod whose grants go to its node.
struct Pushing<'v> {
    view: &'v View,
    rules: Rules,
    owner: Uid,
    pod: &'v Pod,
    node: &'v NodeView,
}

impl Pushing<'_> {
    /// **Push**: once all addresses of the pod are GRANTED, all its grants enter the spec in one
    /// write, so the agent may take what is there as complete. Returns the reads that must come
    /// first.
    fn push(&self, held: &Held<'_>, drafts: &mut Drafts<'_>, spec: &mut NodeSpec) -> Vec<Write> {
        let mine = held.get(&self.owner).map_or(&[][..], Vec::as_slice);
        let mut grants = self.without_address();
        let mut reads = Vec::new();
        for slot in grant::slots(self.view, self.pod) {
            let found = mine
                .iter()
                .find(|(_, a, entry, h)| slot.is_filled_by(*a, entry, h));
            let Some((id, address, entry, _)) = found else {
                return Vec::new();
            };
            if spec.lists(*address, entry.seq) {
                continue;
            }
            let Some(block) = self.view.blocks.get(id) else {
                return Vec::new();
            };
            let fresh = if self.rules.push_needs_quorum {
                block.quorum_after(self.node.seen_at)
            } else {
                Seen::quorum(&block.value, super::fresh::Tick(1))
                    .quorum_after(super::fresh::Tick(0))
                    .map(|q| q.map(|b| *b))
            };
            let Some(fresh) = fresh else {
                reads.push(Write::ReadBlock((*id).clone()));
                continue;
            };
            let fresh = fresh.map(|block| block.entries.get(address));
            match self.one_grant(&slot, *address, fresh) {
                Some(grant) => grants.push(grant),
                None => return Vec::new(),
            }
            // Two grants for one slot: the node object is the arbiter between two operators whose
            // blocks differ; the one that finds the other's there gives its own back.
            if self.slot_is_taken(spec, &slot) {
                drafts.turn(id, *address, State::Recalling);
                return Vec::new();
            }
        }
        if reads.is_empty() {
            spec.add(self.with_macs(grants));
        }
        reads
    }

    /// A grant from an entry that was read, with quorum, after the node object that it enters.
    fn one_grant(
        &self,
        slot: &Slot<'_>,
        address: IpAddr,
        entry: Quorum<Option<&Entry>>,
    ) -> Option<Grant> {
        let entry: &Entry = (*entry.get())?;
        let holder: &Holder = entry.holder.as_ref()?;
        let granted = entry.state == State::Granted
            || (!self.rules.push_needs_granted && entry.state == State::Reserved);
        // Granted to the machine that this version of the object is for: another machine under the
        // same name must not attach what the one before it may still use (invariant 1).
        let ours = holder.owner == self.owner
            && holder.node == self.pod.node
            && holder.machine == self.node.machine;
        (granted && ours).then(|| Grant {
            owner: self.owner,
            interface: slot.want.interface.clone(),
            network: slot.want.network,
            address: Some((address, entry.seq)),
            index: slot.index,
            mac: None,
        })
    }

    fn slot_is_taken(&self, spec: &NodeSpec, slot: &Slot<'_>) -> bool {
        spec.grants.iter().any(|grant| {
            grant.owner == self.owner
                && grant.interface == slot.want.interface
                && grant.network == slot.want.network
                && grant.index == slot.index
                && grant
                    .address
                    .is_some_and(|(address, _)| Family::of(address) == slot.family)
        })
    }

    /// Networks without IPAM of ours: an interface and a MAC, nothing in the ledger.
    fn without_address(&self) -> Vec<Grant> {
        let wants = self.pod.wants.iter().filter(|want| {
            let network = self.view.networks.get(&want.network);
            want.addresses.is_empty()
                && network.is_some_and(|n| n.closed.is_none() && n.network.ipam.subnets.is_empty())
        });
        wants
            .map(|want| Grant {
                owner: self.owner,
                interface: want.interface.clone(),
                network: want.network,
                address: None,
                index: 0,
                mac: None,
            })
            .collect()
    }

    /// One MAC an interface, from its first address (IPv4 before IPv6), unless one is requested.
    fn with_macs(&self, mut grants: Vec<Grant>) -> Vec<Grant> {
        let first: BTreeMap<Name, Option<IpAddr>> =
            grants
                .iter()
                .rev()
                .fold(BTreeMap::new(), |mut first, grant| {
                    let known = first.entry(grant.interface.clone()).or_insert(None);
                    let address = grant.address.map(|(address, _)| address);
                    if address.is_some_and(|a| known.is_none_or(|k: IpAddr| k.is_ipv6() || a < k)) {
                        *known = address;
                    }
                    first
                });
        for grant in &mut grants {
            let network = self
                .view
                .networks
                .get(&grant.network)
                .map(|n| &n.network.driver);
            let Some(Driver::Macvlan(macvlan)) = network else {
                continue;
            };
            let asked = self
                .pod
                .wants
                .iter()
                .find(|want| want.interface == grant.interface);
            let source = match first.get(&grant.interface).copied().flatten() {
                Some(address) => mac::Source::Address(address),
                None => mac::Source::Attachment {
                    owner: self.owner,
                    network: grant.network,
                    interface: grant.interface.as_str(),
                },
            };
            grant.mac = asked
                .and_then(|want| want.mac)
                .or_else(|| Some(mac::derive(macvlan.prefix, source, 0)));
        }
        grants
    }
}

// === impl NodeSpec ===

impl NodeSpec {
    fn lists(&self, address: IpAddr, seq: Seq) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.address == Some((address, seq)))
    }

    fn add(&mut self, grants: Vec<Grant>) {
        self.grants.extend(grants);
        self.grants.sort();
        self.grants.dedup();
    }
}
