//! Which claim a pod's interface gets its addresses from.

use std::collections::BTreeMap;

use landfall_core::{
    id::{Name, Uid},
    ledger::{claims::Share, view::Refusal},
};
use landfall_crds::keys::event;

use super::{ClaimKey, ClaimKind, Controller, Owner, SetKey, ordinal};
use crate::pods::PodFacts;

/// A claim, as pods look for theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) uid: Uid,
    /// The network that it names, if there is one.
    pub(crate) network: Option<Uid>,
    pub(crate) network_name: String,
    pub(crate) owner: Owner,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
    pub(crate) is_deleting: bool,
    /// Why it has no addresses to give.
    pub(crate) fault: Option<String>,
}

/// All claims, and what stands behind pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Book {
    pub(crate) claims: BTreeMap<ClaimKey, Entry>,
    /// Who controls each ReplicaSet.
    pub(crate) replica_sets: BTreeMap<SetKey, Controller>,
}

/// What an interface asks for.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) pod: &'a PodFacts,
    pub(crate) network: Uid,
    pub(crate) network_name: &'a Name,
}

// === impl Book ===

impl Book {
    /// The claim that an element names with `ipam-claim-reference`: an AddressClaim of the pod's
    /// namespace, else an IPAMClaim.
    pub(crate) fn named(&self, name: &str, asking: Asking<'_>) -> Result<Share, Refusal> {
        let namespace = &asking.pod.key.namespace;
        let of = |kind| ClaimKey {
            namespace: namespace.clone(),
            kind,
            name: name.to_owned(),
        };
        let kinds = [ClaimKind::Address, ClaimKind::Ipam];
        let entry = kinds
            .into_iter()
            .find_map(|kind| self.claims.get(&of(kind)));
        let Some(entry) = entry else {
            return Err(later(format!(
                "there is no AddressClaim or IPAMClaim {name} in namespace {namespace}: the pod \
                 starts by itself when it is made"
            )));
        };
        // One that can't be read: what it is for is not known.
        if let Some(fault) = entry
            .fault
            .as_ref()
            .filter(|_| entry.network_name.is_empty())
        {
            return Err(later(format!("claim {name} is not accepted: {fault}")));
        }
        if entry.network_name != asking.network_name.as_str() {
            return Err(never(format!(
                "claim {name} is for network {}, and the pod asks for {} with it: correct one of the two",
                entry.network_name, asking.network_name
            )));
        }
        let Some(share) = self.share(entry, asking.pod) else {
            return Err(never(format!(
                "claim {name} is not for this pod: only those that its spec.for means may name it, and \
                 any pod of the namespace if that is type None"
            )));
        };
        found(name, entry, share)
    }

    /// The oldest claim on the network that is for the pod, if there is one.
    pub(crate) fn of(&self, asking: Asking<'_>) -> Result<Option<Share>, Refusal> {
        let namespace = &asking.pod.key.namespace;
        let first = ClaimKey {
            namespace: namespace.clone(),
            kind: ClaimKind::Address,
            name: String::new(),
        };
        let own = self.claims.range(first..);
        let own = own
            .take_while(|(key, _)| key.namespace == *namespace && key.kind == ClaimKind::Address);
        let own = own.filter(|(_, entry)| {
            entry.owner != Owner::Named && entry.network == Some(asking.network)
        });
        let own = own.filter_map(|(key, entry)| {
            let share = self.share(entry, asking.pod)?;
            Some((key, entry, share))
        });
        let oldest = own.min_by_key(|(key, entry, _)| (entry.created, *key));
        oldest
            .map(|(key, entry, share)| found(&key.name, entry, share))
            .transpose()
    }

    /// What a pod may have of a claim, if that is for it.
    fn share(&self, entry: &Entry, pod: &PodFacts) -> Option<Share> {
        let share = |ordinal| Share {
            claim: entry.uid,
            ordinal,
        };
        let controller = pod.controller.as_ref();
        match &entry.owner {
            Owner::Named => Some(share(None)),
            Owner::Pod(name) => (pod.key.name == *name).then_some(share(None)),
            Owner::StatefulSet(name) => {
                let controller = controller?;
                let is_its = controller.kind == "StatefulSet" && controller.name == *name;
                let number = ordinal(&pod.key.name, name, pod.pod_index.as_deref());
                number.filter(|_| is_its).map(|number| share(Some(number)))
            }
            Owner::Workload { kind, name } => {
                let controller = controller?;
                let is_it = |c: &Controller| c.kind == *kind && c.name == *name;
                let behind = || {
                    let set = SetKey {
                        namespace: pod.key.namespace.clone(),
                        name: controller.name.clone(),
                    };
                    let behind = self.replica_sets.get(&set);
                    behind
                        .filter(|_| controller.kind == "ReplicaSet")
                        .is_some_and(is_it)
                };
                (is_it(controller) || behind()).then_some(share(None))
            }
        }
    }
}

/// The share, if the claim gives anything now.
fn found(name: &str, entry: &Entry, share: Share) -> Result<Share, Refusal> {
    if entry.is_deleting {
        return Err(later(format!(
            "claim {name} is being deleted: the pod starts when it is gone, or, if it names the claim, \
             when there is another of that name"
        )));
    }
    if let Some(fault) = &entry.fault {
        return Err(later(format!("claim {name} is not accepted: {fault}")));
    }
    Ok(share)
}

/// It may come right without the pod.
fn later(message: String) -> Refusal {
    Refusal {
        reason: event::INVALID_ANNOTATION.to_owned(),
        message,
        is_final: false,
    }
}

fn never(message: String) -> Refusal {
    Refusal {
        is_final: true,
        ..later(message)
    }
}
