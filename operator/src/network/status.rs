//! What the operator says about a network.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use landfall_core::{
    address::Family,
    ledger::restore::Halt,
    network::{IpamType, LinkMatch, Network},
};
use landfall_crds::{
    conditions::{self, Verdict as Says},
    keys::{condition, reason},
    network_spec::{AddressCounts, NetworkAddresses, NetworkNodes, NetworkStatus, NetworkSummary},
    node::ParentStatus,
};

use super::{
    dereference::{Counts, Serving},
    validate::Verdict,
};

/// The most nodes that a message names.
const NAMED: usize = 3;

/// What a status is made from.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) verdict: &'a Verdict,
    pub(crate) generation: Option<i64>,
    /// IPv4 and IPv6.
    pub(crate) counts: [Counts; 2],
    pub(crate) serving: &'a Serving,
    /// Set if nothing is granted after a restore of etcd.
    pub(crate) halt: Option<&'a Halt>,
}

/// One condition.
struct Condition {
    kind: &'static str,
    status: Option<bool>,
    reason: &'static str,
    message: String,
}

/// The status, on top of the one before.
pub(crate) fn status(
    facts: Facts<'_>,
    before: Option<&NetworkStatus>,
    now: &Time,
) -> NetworkStatus {
    let network = facts.verdict.network.as_ref();
    let addresses = network.map(|network| addresses(network, facts.counts));
    let nodes = NetworkNodes {
        ready: facts.serving.ready,
        total: facts.serving.total,
    };
    let mut list = before
        .map(|status| status.conditions.clone())
        .unwrap_or_default();
    let local = network.filter(|network| network.is_node_local());
    let local = local.map(|_| {
        let message = "without spec.parents, pods reach only pods of the same node";
        yes(condition::NODE_LOCAL, "NoParent", message)
    });
    if local.is_none() {
        conditions::remove(&mut list, condition::NODE_LOCAL);
    }
    for condition in conditions(facts, addresses.as_ref())
        .into_iter()
        .chain(local)
    {
        let says = Says {
            kind: condition.kind,
            status: condition.status,
            reason: condition.reason,
            message: &condition.message,
        };
        conditions::set(&mut list, &says, facts.generation, now);
    }
    NetworkStatus {
        observed_generation: facts.generation,
        conditions: list,
        summary: network.map(|network| summary(network, addresses.as_ref(), &nodes)),
        addresses,
        nodes: Some(nodes),
    }
}

fn conditions(facts: Facts<'_>, addresses: Option<&NetworkAddresses>) -> Vec<Condition> {
    let accepted = match &facts.verdict.accepted {
        Ok(()) => yes(
            condition::ACCEPTED,
            reason::ACCEPTED,
            "the network makes sense",
        ),
        Err(fault) => no(condition::ACCEPTED, fault.reason, fault.message.clone()),
    };
    let parents = if facts.verdict.is_wanted() {
        parents_ready(facts.serving)
    } else {
        unknown(
            condition::PARENTS_READY,
            "NotServed",
            "nodes don't serve it",
        )
    };
    let ready = ready(facts.verdict, &accepted, &parents);
    vec![
        accepted,
        parents,
        match facts.halt {
            Some(halt) => halted(halt),
            None => addresses_available(facts.verdict.network.as_ref(), addresses),
        },
        degraded(facts.serving),
        ready,
    ]
}

/// False only if no node can serve; some nodes are a matter of `Degraded`.
fn parents_ready(serving: &Serving) -> Condition {
    let Serving {
        total,
        ready,
        failing,
        silent: _,
    } = serving;
    let kind = condition::PARENTS_READY;
    if *ready > 0 {
        return yes(kind, "ParentsFound", "nodes have a parent for it");
    }
    if *total == 0 {
        let message = "no node with an agent is meant: spec.parents must match some node";
        return no(kind, "NoNodes", message.to_owned());
    }
    match failing.first() {
        Some((node, parent)) if failing.len() == usize::try_from(*total).unwrap_or(usize::MAX) => {
            let message = parent.message.as_deref().unwrap_or("it does not say why");
            let reason = if is_conflict(parent) {
                reason::PARENT_CONFLICT
            } else {
                reason::PARENT_MISSING
            };
            no(
                kind,
                reason,
                format!("no node has a parent for it; {node}: {message}"),
            )
        }
        _ => unknown(kind, "Waiting", "no node has reported on its parent yet"),
    }
}

fn degraded(serving: &Serving) -> Condition {
    let kind = condition::DEGRADED;
    let faults = || serving.failing.iter().chain(&serving.silent);
    if faults().next().is_none() {
        return no(kind, "NoFault", "no node reports a fault".to_owned());
    }
    let named = faults().take(NAMED);
    let named: Vec<String> = named
        .map(|(node, parent)| {
            let message = parent.message.as_deref().or(parent.reason.as_deref());
            format!("{node}: {}", message.unwrap_or("no parent"))
        })
        .collect();
    let more = faults().count().saturating_sub(NAMED);
    let more = if more == 0 {
        String::new()
    } else {
        format!("; and {more} more")
    };
    let reason = if serving.failing.is_empty() {
        reason::PARENT_SILENT
    } else if serving
        .failing
        .iter()
        .all(|(_, parent)| is_conflict(parent))
    {
        reason::PARENT_CONFLICT
    } else {
        "NodesCannotServe"
    };
    yes(kind, reason, &format!("{}{more}", named.join("; ")))
}

/// An older network has the parent, in a way that excludes this one.
fn is_conflict(parent: &ParentStatus) -> bool {
    parent.reason.as_deref() == Some(reason::PARENT_CONFLICT)
}

/// What was free may not be.
fn halted(halt: &Halt) -> Condition {
    let reason = if halt.is_suspected {
        condition::RESTORE_SUSPECTED
    } else {
        reason::RESTORED
    };
    no(condition::ADDRESSES_AVAILABLE, reason, halt.message.clone())
}

fn addresses_available(
    network: Option<&Network>,
    addresses: Option<&NetworkAddresses>,
) -> Condition {
    let kind = condition::ADDRESSES_AVAILABLE;
    let (Some(network), Some(addresses)) = (network, addresses) else {
        let message = "what addresses there are is not known";
        return no(kind, reason::INVALID, message.to_owned());
    };
    if network.ipam.kind != IpamType::Cluster {
        return yes(kind, "NotManaged", "addresses come from elsewhere");
    }
    let families = [("IPv4", &addresses.ipv4), ("IPv6", &addresses.ipv6)];
    let mut families = families.into_iter();
    let full = families.find(|(_, counts)| counts.as_ref().is_some_and(|c| c.free == 0));
    match full {
        None => yes(kind, "Free", "addresses are free"),
        Some((family, _)) => no(
            kind,
            "Exhausted",
            format!("no {family} address is free: widen spec.ipam.subnets, or detach pods"),
        ),
    }
}

fn ready(verdict: &Verdict, accepted: &Condition, parents: &Condition) -> Condition {
    let kind = condition::READY;
    let paused = verdict.network.as_ref().is_some_and(|n| n.paused);
    if accepted.status != Some(true) {
        return no(kind, accepted.reason, accepted.message.clone());
    }
    if verdict.is_deleting {
        return no(
            kind,
            "Deleting",
            "it goes when its last address is released".to_owned(),
        );
    }
    if paused {
        let message = "spec.paused is set: nothing new is granted, what is attached stays";
        return no(kind, reason::PAUSED, message.to_owned());
    }
    Condition {
        kind,
        status: parents.status,
        reason: parents.reason,
        message: parents.message.clone(),
    }
}

fn addresses(network: &Network, counts: [Counts; 2]) -> NetworkAddresses {
    let [ipv4, ipv6] = counts;
    let of = |family: Family, counts: Counts| {
        let is_used = network.families().any(|used| used == family);
        let capacity = network.capacity(family);
        is_used.then(|| AddressCounts {
            capacity: AddressCounts::capped(capacity),
            granted: counts.granted,
            quarantined: counts.quarantined,
            foreign: counts.foreign,
            cooling: counts.cooling,
            claimed: counts.claimed,
            free: AddressCounts::capped(capacity.saturating_sub(u128::from(counts.used))),
        })
    };
    NetworkAddresses {
        ipv4: of(Family::V4, ipv4),
        ipv6: of(Family::V6, ipv6),
    }
}

fn summary(
    network: &Network,
    addresses: Option<&NetworkAddresses>,
    nodes: &NetworkNodes,
) -> NetworkSummary {
    let parents = network.parents.iter().map(|rule| {
        let link = match &rule.parent.link {
            LinkMatch::Interface(name) | LinkMatch::Pci(name) => name.to_string(),
            LinkMatch::Mac(mac) => mac.to_string(),
            LinkMatch::Subnet(subnet) => subnet.to_string(),
            LinkMatch::DefaultRoute => "default route".to_owned(),
        };
        match &rule.parent.vlan {
            None => link,
            Some(vlan) => format!("{link}.{}", vlan.id),
        }
    });
    let subnets = network.ipam.subnets.iter().map(|s| s.cidr.to_string());
    let families = |count: fn(&AddressCounts) -> u64| {
        let families = addresses.map(|a| [a.ipv4.as_ref(), a.ipv6.as_ref()]);
        let families = families.into_iter().flatten().flatten();
        let texts: Vec<String> = families.map(|counts| short(count(counts))).collect();
        texts.join("/")
    };
    NetworkSummary {
        parents: parents.collect::<Vec<_>>().join(","),
        subnets: subnets.collect::<Vec<_>>().join(","),
        granted: families(|counts| counts.granted),
        free: families(|counts| counts.free),
        nodes: format!("{}/{}", nodes.ready, nodes.total),
    }
}

/// A column is no place for the free addresses of an IPv6 subnet.
fn short(count: u64) -> String {
    const MOST: u64 = 999_999;
    if count > MOST {
        format!(">{MOST}")
    } else {
        count.to_string()
    }
}

fn yes(kind: &'static str, reason: &'static str, message: &str) -> Condition {
    Condition {
        kind,
        status: Some(true),
        reason,
        message: message.to_owned(),
    }
}

fn unknown(kind: &'static str, reason: &'static str, message: &str) -> Condition {
    Condition {
        kind,
        status: None,
        reason,
        message: message.to_owned(),
    }
}

fn no(kind: &'static str, reason: &'static str, message: String) -> Condition {
    Condition {
        kind,
        status: Some(false),
        reason,
        message,
    }
}

#[cfg(test)]
mod tests;
