//! What one object can't show about itself: taken names, overlaps, what is not implemented.
//!
//! The younger object loses and touches nothing. What it had granted before stays granted.

use std::collections::BTreeMap;

use landfall_core::{
    id::{Name, Uid},
    ledger::view::Refusal,
    network::{Network, NetworkKind, Subnet},
};
use landfall_crds::keys::{event, reason};

/// A network object, as it is judged.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) uid: Uid,
    pub(crate) kind: NetworkKind,
    pub(crate) name: Name,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
    pub(crate) is_deleting: bool,
    /// Whether our finalizer is in place: only then may addresses be granted.
    pub(crate) is_guarded: bool,
    /// What the object shows, or what is wrong with it.
    pub(crate) network: Result<Network, String>,
    /// A field that is set and that nothing serves yet.
    pub(crate) not_implemented: Option<&'static str>,
    /// What it showed when it last was right.
    pub(crate) last_valid: Option<Network>,
    /// The segment that its addresses are held in, if some are.
    pub(crate) held_segment: Option<Name>,
}

/// Why a network is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The condition's reason.
    pub(crate) reason: &'static str,
    /// A sentence that says what to do.
    pub(crate) message: String,
}

/// What was found about a network object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: NetworkKind,
    pub(crate) name: Name,
    /// Whether it is accepted.
    pub(crate) accepted: Result<(), Fault>,
    /// The network to serve what is granted; `None` if it never was right.
    pub(crate) network: Option<Network>,
    /// Why it grants nothing new.
    pub(crate) closed: Option<Refusal>,
    pub(crate) is_deleting: bool,
}

// === impl Fault ===

impl Fault {
    /// Whether the object has not even its name.
    pub(crate) fn is_name_taken(&self) -> bool {
        self.reason == reason::NAME_TAKEN
    }
}

// === impl Verdict ===

impl Verdict {
    /// Whether nodes should know it even if nobody holds an address of it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.accepted.is_ok() && !self.is_deleting
    }
}

/// Judges all networks, the oldest first.
pub(crate) fn validate(mut candidates: Vec<Candidate>) -> BTreeMap<Uid, Verdict> {
    candidates.sort_by_key(|candidate| (candidate.created, candidate.uid));
    let mut names: BTreeMap<Name, NetworkKind> = BTreeMap::new();
    let mut accepted: Vec<Network> = Vec::new();
    let mut verdicts = BTreeMap::new();
    for candidate in candidates {
        let result = judge(&candidate, &names, &accepted);
        names
            .entry(candidate.name.clone())
            .or_insert(candidate.kind);
        if let Ok(network) = &result {
            accepted.push(network.clone());
        }
        verdicts.insert(candidate.uid, verdict(candidate, result.map(|_| ())));
    }
    verdicts
}

fn judge(
    candidate: &Candidate,
    names: &BTreeMap<Name, NetworkKind>,
    older: &[Network],
) -> Result<Network, Fault> {
    if let Some(kind) = names.get(&candidate.name) {
        let message = format!(
            "{kind}Network {} is older and has the name, which is one over both kinds: delete this \
             object and choose another name",
            candidate.name
        );
        return Err(fault(reason::NAME_TAKEN, message));
    }
    let network = candidate
        .network
        .clone()
        .map_err(|message| fault(reason::INVALID, message))?;
    if let Some(held) = &candidate.held_segment
        && *held != network.segment
    {
        let message = format!(
            "spec.segment can't change while addresses are held: set it back to {held}, or detach \
             all pods first"
        );
        return Err(fault(reason::INVALID, message));
    }
    if let Some(field) = candidate.not_implemented {
        let message = format!("{field} is not implemented in this version: leave it out");
        return Err(fault(reason::NOT_IMPLEMENTED, message));
    }
    let overlap = older.iter().find_map(|other| overlap(&network, other));
    overlap.map_or(Ok(network), Err)
}

fn verdict(candidate: Candidate, accepted: Result<(), Fault>) -> Verdict {
    let mut network = candidate.network.ok().or(candidate.last_valid);
    if let (Some(network), Some(held)) = (&mut network, candidate.held_segment) {
        network.segment = held;
    }
    let name = &candidate.name;
    let close = |reason: &str, message: String| Refusal {
        reason: reason.to_owned(),
        message,
        is_final: false,
    };
    let closed = match &accepted {
        Err(fault) => {
            let message = format!("network {name} is not accepted: {}", fault.message);
            Some(close(event::UNKNOWN_NETWORK, message))
        }
        Ok(()) if candidate.is_deleting => {
            let message = format!("network {name} is being deleted: choose another");
            Some(close(event::UNKNOWN_NETWORK, message))
        }
        Ok(()) if network.as_ref().is_some_and(|network| network.paused) => {
            let message = format!(
                "network {name} is paused: the pod starts by itself when spec.paused is false"
            );
            Some(close("NetworkPaused", message))
        }
        Ok(()) if !candidate.is_guarded => Some(close(
            event::UNKNOWN_NETWORK,
            format!("network {name} is being set up"),
        )),
        Ok(()) => None,
    };
    Verdict {
        kind: candidate.kind,
        name: candidate.name,
        accepted,
        network,
        closed,
        is_deleting: candidate.is_deleting,
    }
}

/// Addresses are unique in a segment, so subnets of two networks there must not overlap, unless one
/// subnet is shared and what is handed out of it is not.
fn overlap(network: &Network, other: &Network) -> Option<Fault> {
    if network.segment != other.segment {
        return None;
    }
    let pairs = network.ipam.subnets.iter().flat_map(|subnet| {
        let others = other.ipam.subnets.iter();
        others.map(move |other| (subnet, other))
    });
    let mut pairs = pairs.filter_map(|(subnet, theirs)| clash(subnet, theirs));
    let what = pairs.next()?;
    let kind = other.driver.kind();
    let message = format!(
        "{what} of {kind}Network {}, which is older and on the same segment {}: choose other \
         addresses, or another spec.segment if it is another L2",
        other.name, network.segment
    );
    Some(fault(reason::OVERLAP, message))
}

fn clash(subnet: &Subnet, theirs: &Subnet) -> Option<String> {
    if subnet.cidr == theirs.cidr {
        let common = subnet.usable.common(&theirs.usable)?;
        return Some(format!("{common} of subnet {} is also", subnet.cidr));
    }
    let overlaps = subnet.cidr.contains(&theirs.cidr) || theirs.cidr.contains(&subnet.cidr);
    overlaps.then(|| format!("subnet {} overlaps subnet {}", subnet.cidr, theirs.cidr))
}

fn fault(reason: &'static str, message: String) -> Fault {
    Fault { reason, message }
}

#[cfg(test)]
mod tests;
