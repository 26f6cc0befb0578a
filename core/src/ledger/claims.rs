//! Claims: addresses that are kept across pods.
//!
//! A claim takes its addresses as CLAIMED, and a pod that it is for is granted one from there, under a
//! new seq like any other. What is released comes back to the claim. An entry leaves CLAIMED for good
//! only when its claim was *seen* with a deletionTimestamp, or is known to be gone, which are stable
//! facts: a UID never comes back. That a claim is missing in a cache says nothing.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use super::{BlockId, Entry, View};
use crate::{
    address::Family,
    id::{Name, Uid},
};

mod draw;
mod keep;

#[cfg(test)]
mod tests;

pub(super) use draw::{Draw, draw, is_out_of_reach, out_of_reach};
pub(super) use keep::keep;

/// What of a claim a pod may have: all of it or, of a StatefulSet's, the part of one ordinal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    /// The claim's UID.
    pub claim: Uid,
    /// The ordinal of the StatefulSet's pod.
    pub ordinal: Option<u32>,
}

/// The mark of a claim on an entry, in whatever state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept {
    /// For whom.
    pub share: Share,
    /// The generation of the claim that was the last to ask for it: an older one that does not ask for
    /// it says nothing.
    pub generation: u64,
}

/// All claims, as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// By UID.
    pub known: BTreeMap<Uid, Claim>,
    /// Claims that are gone for ever. They may be forgotten when no entry names them.
    pub gone: BTreeSet<Uid>,
}

/// A claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its namespace.
    pub namespace: Name,
    /// Its name there.
    pub name: Name,
    /// `metadata.generation`.
    pub generation: u64,
    /// The network, if the claim may have addresses of it.
    pub network: Option<Uid>,
    /// It was seen with a deletionTimestamp.
    pub is_ending: bool,
    /// The addresses that it asks for; empty: of the operator's choice.
    pub addresses: Vec<IpAddr>,
    /// How its addresses are divided among pods.
    pub shares: Shares,
}

/// How a claim's addresses are divided among pods. Each pod gets one of each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// Any pod that the claim is for may have any; of the operator's choice: one of each family.
    Whole,
    /// Each ordinal of a StatefulSet has its own. Of those that the claim asks for, the n-th of each
    /// family is that of ordinal n.
    Ordinals {
        /// The first ordinal that the StatefulSet has.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Any pod that the claim is for may have any; of the operator's choice: as many as there ever were
    /// pods at once.
    Drawn,
}

/// Where each claim's entries are.
pub(super) type ByClaim<'v> = BTreeMap<Uid, Vec<(&'v BlockId, IpAddr, &'v Entry, Kept)>>;

/// All entries that a claim keeps, by claim. One outside its block is none of the ledger's.
pub(super) fn by_claim(view: &View) -> ByClaim<'_> {
    let mut all = ByClaim::new();
    for (id, seen) in &view.blocks {
        for (address, entry) in seen.value.entries.iter().filter(|(a, _)| id.covers(**a)) {
            if let Some(kept) = entry.kept {
                let mine = all.entry(kept.share.claim).or_default();
                mine.push((id, *address, entry, kept));
            }
        }
    }
    all
}

/// Whether a claim that the view does not know keeps addresses of a network. A pod of which nothing is
/// known but that it asks for the network may be that claim's, and must not be given another address.
pub(super) fn is_hidden(kept: &ByClaim<'_>, unknown: &BTreeSet<Uid>, network: Uid) -> bool {
    let mut own = unknown.iter().filter_map(|claim| kept.get(claim)).flatten();
    own.any(|(_, _, entry, _)| entry.network == network)
}

// === impl Claims ===

impl Claims {
    /// A claim that is not on its way out.
    pub fn standing(&self, claim: Uid) -> Option<&Claim> {
        let known = self.known.get(&claim)?;
        (!known.is_ending && !self.gone.contains(&claim)).then_some(known)
    }

    /// Whether a claim has addresses of a family for its pods. One that lists some has those; the other
    /// family's come from the pool, since a pod gets all families of its network or nothing.
    pub(super) fn has(&self, share: Share, family: Family) -> bool {
        let listed = self.known.get(&share.claim).map(|claim| &claim.addresses);
        listed.is_none_or(|listed| {
            let mut families = listed.iter().copied().map(Family::of);
            listed.is_empty() || families.any(|listed| listed == family)
        })
    }

    /// Whether pods of a namespace may ask for an address that this claim keeps.
    pub(super) fn is_of(&self, claim: Uid, namespace: &Name) -> bool {
        self.standing(claim)
            .is_some_and(|claim| claim.namespace == *namespace)
    }
}

// === impl Claim ===

impl Claim {
    /// The ordinal that a listed address is for, if the claim is for ordinals.
    pub(super) fn ordinal_of(&self, address: IpAddr) -> Option<u32> {
        if !matches!(self.shares, Shares::Ordinals { .. }) {
            return None;
        }
        let family = Family::of(address);
        let own = self.addresses.iter().filter(|a| Family::of(**a) == family);
        let mut places = (0_u32..).zip(own);
        let place = places.find(|(_, listed)| **listed == address);
        place.map(|(position, _)| position)
    }

    /// Whether the claim still wants an address that was taken for it at a generation. An address that
    /// the operator chose is wanted until the claim names others.
    pub(super) fn wants(&self, address: IpAddr, taken_at: u64) -> bool {
        taken_at >= self.generation
            || self.addresses.is_empty()
            || self.addresses.contains(&address)
    }
}
