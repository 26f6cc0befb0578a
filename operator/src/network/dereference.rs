//! What a network hangs on: the addresses that are held, and the nodes that serve it.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{
    address::Family,
    id::{Name, Uid},
    ledger::{State, View},
    network::Network,
};
use landfall_crds::node::{LandfallNode, ParentStatus};

use crate::world::usable;

/// Addresses of one network and family, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) granted: u64,
    pub(crate) quarantined: u64,
    pub(crate) foreign: u64,
    pub(crate) cooling: u64,
    pub(crate) claimed: u64,
    /// Addresses that the network may hand out and that are not free, whoever has them.
    pub(crate) used: u64,
}

/// Counts by network.
pub(crate) type Tally = BTreeMap<(Uid, Family), Counts>;

/// How the nodes serve one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Serving {
    /// Nodes that should.
    pub(crate) total: u32,
    /// Nodes that can.
    pub(crate) ready: u32,
    /// Nodes that say that they can't.
    pub(crate) failing: Vec<(Name, ParentStatus)>,
    /// Nodes that can, and say that nothing gets through.
    pub(crate) silent: Vec<(Name, ParentStatus)>,
}

/// Counts all addresses in one pass over the ledger.
pub(crate) fn tally(view: &View) -> Tally {
    let mut tally = Tally::new();
    for (id, seen) in &view.blocks {
        let sharing: Vec<&Network> = view
            .networks
            .values()
            .map(|network| &network.network)
            .filter(|network| network.segment == id.segment)
            .collect();
        for (address, entry) in &seen.value.entries {
            let family = Family::of(*address);
            count(
                tally.entry((entry.network, family)).or_default(),
                entry.state,
            );
            for network in &sharing {
                if network.subnet_of(*address).is_some() {
                    tally.entry((network.uid, family)).or_default().used += 1;
                }
            }
        }
    }
    // What of a block that can't be read is in use is not known.
    for id in &view.unread.blocks {
        let networks = view.networks.values().map(|network| &network.network);
        for network in networks.filter(|network| network.segment == id.segment) {
            let (family, used) = usable(network, id);
            tally.entry((network.uid, family)).or_default().used += used;
        }
    }
    tally
}

fn count(counts: &mut Counts, state: State) {
    let counter = match state {
        State::Reserved | State::Granted | State::Recalling => &mut counts.granted,
        State::Quarantined | State::Fencing => &mut counts.quarantined,
        State::Foreign => &mut counts.foreign,
        State::Cooling => &mut counts.cooling,
        State::Claimed => &mut counts.claimed,
    };
    *counter += 1;
}

/// How the nodes serve each network.
pub(crate) fn serving<'n>(
    nodes: impl Iterator<Item = (&'n Name, &'n LandfallNode)>,
) -> BTreeMap<Uid, Serving> {
    let mut all: BTreeMap<Uid, Serving> = BTreeMap::new();
    for (name, object) in nodes {
        let status = object.status.as_ref();
        let parents = status.map_or(&[][..], |status| &status.parents);
        for network in &object.spec.networks {
            // A network without a parent for this node is not meant for it.
            if network.parents.is_empty() && !network.node_local {
                continue;
            }
            let serving = all.entry(network.uid).or_default();
            serving.total += 1;
            match parents.iter().find(|parent| parent.network == network.uid) {
                Some(parent) if parent.ready => {
                    serving.ready += 1;
                    if parent.reason.is_some() {
                        serving.silent.push((name.clone(), parent.clone()));
                    }
                }
                Some(parent) => serving.failing.push((name.clone(), parent.clone())),
                None => {}
            }
        }
    }
    all
}

/// Networks that an entry or a node's grant names: they are still needed, wanted or not. A claim keeps its
/// network too.
pub(crate) fn held(view: &View) -> BTreeSet<Uid> {
    let entries = view
        .blocks
        .values()
        .flat_map(|seen| seen.value.entries.values());
    let entries = entries.filter(|entry| entry.holder.is_some() || entry.kept.is_some());
    let grants = view.nodes.values().flat_map(|node| &node.spec.grants);
    entries
        .map(|entry| entry.network)
        .chain(grants.map(|grant| grant.network))
        .collect()
}
