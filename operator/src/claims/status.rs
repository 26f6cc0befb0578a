//! What the operator says about a claim.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use landfall_core::{
    address::Family,
    id::Uid,
    ledger::{Entry, View, claims::Kept, view::Refusal},
};
use landfall_crds::{
    claim::{AddressClaimStatus, ClaimHolder},
    conditions::{self, Verdict as Says},
    keys::{condition, reason},
};
use serde_json::{Value, json};

use super::{ClaimFacts, Judged, Owner};

/// An address that a claim keeps.
pub(super) type Keeps<'v> = Vec<(IpAddr, &'v Entry, Kept)>;

/// What a status is made from.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) claim: &'a ClaimFacts,
    pub(super) judged: &'a Judged,
    /// In the order of ordinals.
    pub(super) keeps: &'a [(IpAddr, &'a Entry, Kept)],
    /// The pods that hold them.
    pub(super) holders: &'a [ClaimHolder],
    /// Why it does not have all that it asks for.
    pub(super) lacks: Option<&'a Refusal>,
}

/// What each claim keeps: in the order of ordinals, IPv4 before IPv6.
pub(super) fn keeps(view: &View) -> BTreeMap<Uid, Keeps<'_>> {
    let mut all: BTreeMap<Uid, Keeps<'_>> = BTreeMap::new();
    for (id, seen) in &view.blocks {
        for (address, entry) in &seen.value.entries {
            let is_its = !entry.is_open() && id.covers(*address);
            if let Some(kept) = entry.kept.filter(|_| is_its) {
                let own = all.entry(kept.share.claim).or_default();
                own.push((*address, entry, kept));
            }
        }
    }
    for own in all.values_mut() {
        own.sort_by_key(|(address, _, kept)| (kept.share.ordinal, *address));
    }
    all
}

/// The status of an AddressClaim, on top of the one before.
pub(super) fn status(facts: Facts<'_>, now: &Time) -> AddressClaimStatus {
    let before = facts.claim.status.as_ref();
    let generation = facts.claim.meta.generation;
    let mut list = before.map_or_else(Vec::new, |status| status.conditions.clone());
    let (is_bound, why, bound) = bound(facts);
    let held = facts.holders.len();
    let (accepted, because, accepted_message) = match &facts.judged.accepted {
        Ok(()) => (true, reason::ACCEPTED, "the claim makes sense".to_owned()),
        Err(fault) => (false, fault.reason, fault.message.clone()),
    };
    let held_message = match held {
        0 => "no pod holds an address of it".to_owned(),
        1 => "a pod holds an address of it".to_owned(),
        _ => format!("pods hold {held} addresses of it"),
    };
    let rows = [
        (condition::ACCEPTED, accepted, because, accepted_message),
        (condition::BOUND, is_bound, why.as_str(), bound),
        (
            condition::HELD,
            held > 0,
            if held > 0 { "InUse" } else { "Idle" },
            held_message,
        ),
    ];
    for (kind, status, reason, message) in &rows {
        let says = Says {
            kind,
            status: Some(*status),
            reason,
            message,
        };
        conditions::set(&mut list, &says, generation, now);
    }
    AddressClaimStatus {
        observed_generation: generation,
        addresses: facts.keeps.iter().map(|(a, ..)| a.to_string()).collect(),
        holders: facts.holders.to_vec(),
        conditions: list,
    }
}

fn bound(facts: Facts<'_>) -> (bool, String, String) {
    let says = |is_bound, why: &str, message: &str| (is_bound, why.to_owned(), message.to_owned());
    if facts.claim.is_deleting() {
        return says(
            false,
            "Deleting",
            "it goes when nothing is kept for it any more",
        );
    }
    if let Some(lacks) = facts.lacks {
        return says(false, &lacks.reason, &lacks.message);
    }
    if let Err(fault) = &facts.judged.accepted {
        return says(false, fault.reason, &fault.message);
    }
    if !facts.keeps.is_empty() {
        return says(true, "Kept", "its addresses are kept for it");
    }
    match &facts.claim.owner {
        Owner::Workload { .. } => says(
            true,
            "Kept",
            "it keeps an address for each pod from the first time that there are so many at once",
        ),
        Owner::StatefulSet(name) => {
            let message =
                format!("there is no StatefulSet {name} in the namespace, or it has no pods");
            says(false, "Waiting", &message)
        }
        Owner::Pod(_) | Owner::Named => says(false, "Waiting", "its addresses are being taken"),
    }
}

/// The status of an IPAMClaim: addresses in CIDR notation, and the pod that has them.
pub(super) fn ipam_status(facts: Facts<'_>, view: &View) -> Value {
    let network = facts.judged.network.and_then(|uid| view.networks.get(&uid));
    let ips = facts.keeps.iter().map(|(address, ..)| {
        let subnet = network.and_then(|network| network.network.subnet_of(*address));
        let whole = match Family::of(*address) {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        let length = subnet.map_or(whole, |subnet| subnet.cidr.prefix_len());
        format!("{address}/{length}")
    });
    let ips: Vec<String> = ips.collect();
    let pod = facts.holders.iter().find(|holder| !holder.pod.is_empty());
    json!({"ips": ips, "ownerPod": pod.map(|holder| json!({"name": holder.pod}))})
}
