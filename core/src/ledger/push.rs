//! Push: what a node object gains.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    Entry, Holder, Rules, State, View, Write,
    draft::{Drafts, Held},
    fresh::{Quorum, Seen, Tick},
    grant::{self, Slot},
    macs::Macs,
    specs::Specs,
    view::{Grant, NodeSpec, NodeView, Pod},
    word::{Word, word_on},
};
use crate::id::{Name, Seq, Uid};

/// Adds to every node object what its pods were granted. Returns the reads that pushes wait for.
pub(super) fn push<'v>(
    view: &'v View,
    rules: Rules,
    held: &Held<'_>,
    drafts: &mut Drafts<'_>,
    specs: &mut Specs<'v>,
    macs: &mut Macs<'v>,
) -> BTreeSet<Write> {
    let mut reads = BTreeSet::new();
    for (owner, pod) in &view.pods {
        let Some(node) = view.nodes.get(&pod.node) else {
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
            reads.extend(pushing.push(held, drafts, specs, macs));
        }
    }
    reads
}

/// A pod whose grants go to its node.
struct Pushing<'v> {
    view: &'v View,
    rules: Rules,
    owner: Uid,
    pod: &'v Pod,
    node: &'v NodeView,
}

// === impl Pushing ===

impl<'v> Pushing<'v> {
    /// **Push**: once all addresses of the pod are GRANTED, all its grants enter the spec in one
    /// write, so the agent may take what is there as complete. Returns the reads that must come
    /// first.
    fn push(
        &self,
        held: &Held<'_>,
        drafts: &mut Drafts<'_>,
        specs: &mut Specs<'v>,
        macs: &mut Macs<'v>,
    ) -> Vec<Write> {
        let Some(spec) = specs.get(&self.pod.node) else {
            return Vec::new();
        };
        let mine = held.get(&self.owner).map_or(&[][..], Vec::as_slice);
        let mut grants = self.without_address(spec);
        let mut reads = Vec::new();
        for slot in grant::slots(self.view, self.pod) {
            let found = mine
                .iter()
                .find(|(_, a, entry, h)| slot.is_filled_by(*a, entry, h));
            let Some((id, address, entry, _)) = found else {
                match self.early_grant(&slot, drafts) {
                    Some(grant) => grants.push(grant),
                    None => return Vec::new(),
                }
                continue;
            };
            if spec.lists((*address, entry.seq)) {
                continue;
            }
            let Some(block) = self.view.blocks.get(id) else {
                return Vec::new();
            };
            let fresh = if self.rules.push_needs_quorum {
                block.quorum_after(self.node.seen_at)
            } else {
                Seen::quorum(&block.value, Tick(1))
                    .quorum_after(Tick(0))
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
            // blocks differ; the one that finds the other's there gives its own back. So does one
            // whose address another node lists.
            let is_contested = drafts.is_barred(&id.segment, *address);
            let takers = || slot.takers(self.owner, spec);
            if is_contested == Some(true) || takers().any(|other| !self.is_closed(other)) {
                drafts.turn(id, *address, State::Recalling);
                return Vec::new();
            }
            // One that is closed leaves the node object first: after a conflict the pod stays where it is.
            if is_contested.is_some() || takers().next().is_some() {
                return Vec::new();
            }
        }
        if reads.is_empty()
            && !grants.is_empty()
            && let Some(grants) = self.with_macs(grants, spec, macs)
            && let Some(spec) = specs.edit(&self.pod.node)
        {
            spec.add(grants);
        }
        reads
    }

    /// Whether the ledger is done with a grant that the node object still lists: what is closed at a seq
    /// stays closed, so a block of any age will do.
    fn is_closed(&self, grant: &Grant) -> bool {
        let (node, network) = (&self.pod.node, Some(grant.network));
        let word = |key| word_on(self.view, node, network, key);
        grant
            .address
            .is_some_and(|key| matches!(word(key), Word::Done(..)))
    }

    /// A grant that this very decision takes: it waits for the ledger.
    fn early_grant(&self, slot: &Slot<'_>, drafts: &Drafts<'_>) -> Option<Grant> {
        if self.rules.ledger_first_on_grant {
            return None;
        }
        let (address, entry) = drafts.taken(|address, entry, holder| {
            holder.owner == self.owner && slot.is_filled_by(address, entry, holder)
        })?;
        Some(self.grant(slot, address, entry.seq))
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
        (granted && ours).then(|| self.grant(slot, address, entry.seq))
    }

    fn grant(&self, slot: &Slot<'_>, address: IpAddr, seq: Seq) -> Grant {
        Grant {
            owner: self.owner,
            interface: slot.want.interface.clone(),
            network: slot.want.network,
            address: Some((address, seq)),
            index: slot.index,
            mac: None,
        }
    }

    /// Networks without IPAM of ours: an interface and a MAC, nothing in the ledger.
    fn without_address(&self, spec: &NodeSpec) -> Vec<Grant> {
        let is_listed = |network: Uid, interface: &Name| {
            spec.grants.iter().any(|grant| {
                grant.owner == self.owner
                    && grant.network == network
                    && grant.interface == *interface
            })
        };
        let wants = self.pod.wants.iter().filter(|want| {
            let network = self.view.networks.get(&want.network);
            want.addresses.is_empty()
                && network.is_some_and(|n| n.closed.is_none() && n.network.ipam.subnets.is_empty())
                && !is_listed(want.network, &want.interface)
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

    /// One MAC an interface: the one that it has, else the requested one, else derived from its first
    /// address (IPv4 before IPv6). `None` if a requested one is another attachment's.
    fn with_macs(
        &self,
        mut grants: Vec<Grant>,
        spec: &NodeSpec,
        macs: &mut Macs<'v>,
    ) -> Option<Vec<Grant>> {
        let mut first: BTreeMap<(Name, Uid), Option<IpAddr>> = BTreeMap::new();
        for grant in &grants {
            let key = (grant.interface.clone(), grant.network);
            let known = first.entry(key).or_insert(None);
            let address = grant.address.map(|(address, _)| address);
            if address.is_some_and(|a| known.is_none_or(|k| a < k)) {
                *known = address;
            }
        }
        let mut chosen = BTreeMap::new();
        for ((interface, network), address) in first {
            let is_of = |owner: Uid, i: &Name, n: Uid| {
                owner == self.owner && *i == interface && n == network
            };
            let listed = spec.grants.iter();
            let listed = listed
                .filter(|grant| is_of(grant.owner, &grant.interface, grant.network))
                .find_map(|grant| grant.mac);
            let mut wants = self.pod.wants.iter();
            let want = wants.find(|want| is_of(self.owner, &want.interface, want.network));
            let mac = match listed {
                Some(mac) => Some(mac),
                None => macs
                    .choose(
                        self.owner,
                        &interface,
                        network,
                        address,
                        want.and_then(|want| want.mac),
                    )
                    .ok()?,
            };
            chosen.insert((interface, network), mac);
        }
        for grant in &mut grants {
            let key = (grant.interface.clone(), grant.network);
            grant.mac = chosen.get(&key).copied().flatten();
        }
        Some(grants)
    }
}

// === impl NodeSpec ===

impl NodeSpec {
    fn add(&mut self, grants: Vec<Grant>) {
        self.grants.extend(grants);
        self.grants.sort();
        self.grants.dedup();
    }
}
