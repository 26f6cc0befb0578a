//! Which address a slot gets: the lowest that never was used, else the one that rested longest.

use alloc::{format, string::String};
use core::net::IpAddr;

use super::{
    Block, BlockId, Entry, Millis, State, View, claims,
    draft::Drafts,
    view::{NetworkView, Refusal},
};
use crate::{
    address::{Family, successor},
    id::Name,
    mac::Mac,
    network::{FOREIGN_MS, Labels, Network},
};

mod refusal;

/// What `choose` found.
pub(super) enum Choice {
    /// Free, in a block that exists.
    Take(BlockId, IpAddr),
    /// Free, in a block that must be made first.
    Missing(BlockId, IpAddr),
    /// None free now; one has rested enough at that time.
    Resting(Millis),
    /// None free, and time alone frees none.
    Full,
    /// A requested address that the network never grants.
    Invalid(String),
    /// Not to be had, for another reason.
    Refused(Refusal),
}

/// An address of `family`: per family the first subnet that matches the node and has room.
pub(super) fn choose(
    view: &View,
    drafts: &Drafts<'_>,
    network: &NetworkView,
    labels: &Labels,
    family: Family,
    taken: &[IpAddr],
) -> Choice {
    let network = &network.network;
    let mut resting = Oldest::default();
    let mut prevented = None;
    for subnet in network.subnets_for(family, labels) {
        for range in subnet.usable.ranges() {
            let mut cursor = Some(range.first());
            while let Some(from) = cursor {
                let id = BlockId::of(&network.segment, from);
                let last = id.last().min(range.last());
                let next = || successor(last).filter(|_| last < range.last());
                if view.unread.blocks.contains(&id) {
                    cursor = next();
                    continue;
                }
                let Some(block) = drafts.block(&id) else {
                    // Nor can those behind it be made. What rests is better than nothing.
                    if let Some(refusal) = view.unread.prevents(&id) {
                        prevented = Some(refusal);
                        break;
                    }
                    // A pod may take more than one address of a block that is still to be made.
                    return match first_not_in(from, last, taken) {
                        Some(address) => Choice::Missing(id, address),
                        None => Choice::Full,
                    };
                };
                if let Some(address) = first_free(block, from, last, taken) {
                    return Choice::Take(id, address);
                }
                resting.look(block, from, last, taken);
                cursor = next();
            }
        }
    }
    let choice = resting.choice(view, network);
    if matches!(choice, Choice::Full)
        && let Some(refusal) = view.unread.refusal_of(network)
    {
        return Choice::Refused(refusal);
    }
    match (choice, prevented) {
        (Choice::Full | Choice::Resting(_), Some(refusal)) => Choice::Refused(refusal),
        (choice, _) => choice,
    }
}

/// A requested address, if the network may grant it and nobody has it, or a claim of the asking pod's
/// namespace keeps it.
pub(super) fn requested(
    view: &View,
    drafts: &Drafts<'_>,
    network: &NetworkView,
    address: IpAddr,
    taken: &[IpAddr],
    namespace: Option<&Name>,
) -> Choice {
    let network = &network.network;
    if network.subnet_of(address).is_none() {
        let name = &network.name;
        return Choice::Invalid(format!(
            "address {address} is not one that network {name} grants: choose one inside its \
             ranges, outside its excludes, and not a gateway"
        ));
    }
    let id = BlockId::of(&network.segment, address);
    if let Some(refusal) = view.unread.refusal(&id) {
        return Choice::Refused(refusal);
    }
    let Some(block) = drafts.block(&id) else {
        let prevented = view.unread.prevents(&id);
        return prevented.map_or(Choice::Missing(id, address), Choice::Refused);
    };
    if first_free(block, address, address, taken).is_some() {
        return Choice::Take(id, address);
    }
    let entry = block.entries.get(&address);
    if let Some(entry) = entry.filter(|entry| entry.state == State::Foreign) {
        return Choice::Refused(foreign(&network.name, address, entry.foreign));
    }
    if let Some(entry) = entry.filter(|_| !taken.contains(&address)) {
        let kept = entry.kept.filter(|_| entry.state == State::Claimed);
        match (kept, namespace) {
            (Some(kept), Some(namespace)) if view.claims.is_of(kept.share.claim, namespace) => {
                return Choice::Take(id, address);
            }
            (Some(_), Some(_)) => return Choice::Refused(kept_by_others(address)),
            (_, Some(_)) => {
                let holder = entry.holder.as_ref();
                if let Some(holder) = holder.filter(|h| claims::is_out_of_reach(view, entry, h)) {
                    let what = format!("address {address}");
                    return Choice::Refused(claims::out_of_reach(&what, holder));
                }
            }
            (_, None) => {}
        }
    }
    let mut resting = Oldest::default();
    resting.look(block, address, address, taken);
    resting.choice(view, network)
}

fn kept_by_others(address: IpAddr) -> Refusal {
    let message = format!(
        "address {address} is kept by a claim of another namespace, or by one that is being deleted: \
         ask for another, or delete the claim (kubectl get addressclaims -A)"
    );
    Refusal {
        reason: String::from("AddressPoolExhausted"),
        message,
        is_final: false,
    }
}

/// Of a requested address: the pod can have no other.
fn foreign(network: &Name, address: IpAddr, mac: Option<Mac>) -> Refusal {
    let who = mac.map_or_else(String::new, |mac| format!(" with hardware address {mac}"));
    let message = format!(
        "address {address} of network {network} is used by a host of the LAN{who}: it is asked for again \
         ten minutes after it was found, and the pod starts by itself if nobody answers then; request \
         another address, or none"
    );
    Refusal {
        reason: String::from("AddressConflict"),
        message,
        is_final: false,
    }
}

/// The COOLING address that was released first.
#[derive(Default)]
struct Oldest(Option<(Millis, BlockId, IpAddr)>);

impl Oldest {
    fn look(&mut self, block: &Block, from: IpAddr, last: IpAddr, taken: &[IpAddr]) {
        for (address, entry) in block.entries.range(from..=last) {
            let older = self
                .0
                .as_ref()
                .is_none_or(|(since, _, _)| entry.since < *since);
            if entry.state == State::Cooling && older && !taken.contains(address) {
                self.0 = Some((entry.since, block.id.clone(), *address));
            }
        }
    }

    /// The pool is short, or the walk had not come here: past `minimum` the oldest is used.
    fn choice(self, view: &View, network: &Network) -> Choice {
        match self.0 {
            None => Choice::Full,
            Some((since, id, address)) => {
                let until = since.saturating_add(network.ipam.reuse_minimum_ms);
                if until <= view.now {
                    Choice::Take(id, address)
                } else {
                    Choice::Resting(until)
                }
            }
        }
    }
}

/// The first address that has no entry.
fn first_free(block: &Block, from: IpAddr, last: IpAddr, taken: &[IpAddr]) -> Option<IpAddr> {
    let mut next = from;
    for (address, _) in block.entries.range(from..=last) {
        if let Some(free) = gap(next, *address, taken) {
            return Some(free);
        }
        next = successor(*address)?;
    }
    if next > last {
        return None;
    }
    first_not_in(next, last, taken)
}

/// An address in `from..until` that is not taken.
fn gap(from: IpAddr, until: IpAddr, taken: &[IpAddr]) -> Option<IpAddr> {
    let mut next = from;
    while next < until {
        if !taken.contains(&next) {
            return Some(next);
        }
        next = successor(next)?;
    }
    None
}

fn first_not_in(from: IpAddr, last: IpAddr, taken: &[IpAddr]) -> Option<IpAddr> {
    gap(from, last, taken).or_else(|| (!taken.contains(&last)).then_some(last))
}

/// Whether an entry may be forgotten: it rested as long as is preferred, or was left to another host for
/// its time.
pub(super) fn has_rested(view: &View, id: &BlockId, address: IpAddr, entry: &Entry) -> bool {
    let rest = match entry.state {
        State::Cooling => rest_of(view, entry).unwrap_or_default(),
        State::Foreign => foreign_rest(view, id, address, entry),
        State::Reserved
        | State::Granted
        | State::Recalling
        | State::Quarantined
        | State::Fencing
        | State::Claimed => return false,
    };
    entry.since.saturating_add(rest) <= view.now
}

/// How long an address rests; `None` if its network is gone.
fn rest_of(view: &View, entry: &Entry) -> Option<Millis> {
    let network = view.networks.get(&entry.network)?;
    Some(network.network.ipam.reuse_preferred_ms)
}

/// How long an address is left to another host. With its network it goes, or its block would outlast both,
/// unless another network of the segment may hand it out: the host is on that LAN too.
fn foreign_rest(view: &View, id: &BlockId, address: IpAddr, entry: &Entry) -> Millis {
    if let Some(network) = view.networks.get(&entry.network) {
        return network.network.ipam.foreign_ms;
    }
    let mut networks = view.networks.values().map(|network| &network.network);
    let is_anothers =
        |network: &Network| network.segment == id.segment && network.subnet_of(address).is_some();
    if networks.any(is_anothers) {
        FOREIGN_MS
    } else {
        0
    }
}

// === impl BlockId ===

impl BlockId {
    /// The last address of the block.
    pub fn last(&self) -> IpAddr {
        match self.first {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() | 0xff).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() | 0xff).into()),
        }
    }
}
