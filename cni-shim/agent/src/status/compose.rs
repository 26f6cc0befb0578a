//! The status as a whole.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::Patch;
use landfall_core::id::Seq;
use landfall_crds::keys::condition;
use landfall_crds::node::{AddressSeq, Conflict, LandfallNodeStatus, NodeSummary, ParentStatus};
use serde_json::json;

use crate::{
    engine::{Published, SilentGateway},
    identity::Machine,
    install::Installed,
};

/// The status to write; `None` while this agent may write nothing (invariant 8, and an agent of
/// another machine than the spec's).
pub fn compose(
    published: &Published,
    installed: &Installed,
    machine: Machine,
    before: &[Condition],
    now: &Time,
) -> Option<LandfallNodeStatus> {
    let identity = published.identity.as_ref().filter(|_| published.ready)?;
    Some(LandfallNodeStatus {
        observed_generation: published.generation,
        node_uid: Some(identity.node),
        machine_id: Some(machine.id),
        speaks_for: identity.speaks_for.iter().copied().collect(),
        boot_id: Some(machine.boot),
        agent_epoch: published.epoch,
        ledger_epoch: published.ledger_epoch,
        parents: published.parents.clone(),
        attached: list(&published.attached),
        attached_links: published.attached_links.clone(),
        released: list(&published.released),
        in_use: (!published.in_use.is_empty()).then(|| published.in_use.clone()),
        conflicts: conflicts(published),
        primary_network: installed.primary_network.clone(),
        unchained: installed.unchained,
        summary: Some(summary(published)),
        conditions: conditions(published, installed, before, now),
    })
}

/// The patch that makes the status this one, as long as the object is for this machine: what a machine
/// that has lost its name still has to say must not take the place of what its heir has said.
///
/// # Errors
/// None that a status of ours can bring about.
pub fn patch(
    status: &LandfallNodeStatus,
    machine: Machine,
) -> Result<Patch<()>, serde_json::Error> {
    let steps = json!([
        {"op": "test", "path": "/spec/node/machineID", "value": machine.id},
        {"op": "add", "path": "/status", "value": status},
    ]);
    Ok(Patch::Json(serde_json::from_value(steps)?))
}

fn conflicts(published: &Published) -> Vec<Conflict> {
    let conflicts = published.conflicts.iter();
    conflicts
        .map(|((address, seq), mac)| Conflict {
            address: *address,
            seq: *seq,
            mac: Some(*mac),
        })
        .collect()
}

fn list(set: &BTreeSet<(IpAddr, Seq)>) -> Vec<AddressSeq> {
    set.iter()
        .map(|(address, seq)| AddressSeq {
            address: *address,
            seq: *seq,
        })
        .collect()
}

fn summary(published: &Published) -> NodeSummary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let ready = published
        .parents
        .iter()
        .filter(|parent| parent.ready)
        .count();
    let [_, active, _] = published.phases;
    NodeSummary {
        networks: count(published.parents.len()),
        granted: count(published.granted),
        attached: count(active),
        parents: format!("{ready}/{}", published.parents.len()),
    }
}

fn conditions(
    published: &Published,
    installed: &Installed,
    before: &[Condition],
    now: &Time,
) -> Vec<Condition> {
    let mut conditions = vec![ready(published), parents_ready(&published.parents)];
    conditions.extend(
        installed
            .blocked
            .as_ref()
            .map(|why| Said::new("ChainBlocked", true, "UndoneByAnotherProgram", why)),
    );
    if published.restore_suspected {
        let message = "the LandfallNode is older than one that this agent has seen: the cluster's state \
                       was restored; no new grant is taken until `kubectl landfall restored` was run";
        conditions.push(Said::new(
            "RestoreSuspected",
            true,
            "OlderThanSeen",
            message,
        ));
    }
    conditions.extend(gateway_silent(&published.silent_gateways));
    conditions
        .into_iter()
        .map(|said| said.condition(published.generation, before, now))
        .collect()
}

fn ready(published: &Published) -> Said {
    if published.blocked.is_empty() {
        return Said::new("Ready", true, "Serving", "grants are served");
    }
    let addresses: Vec<_> = published.blocked.iter().map(IpAddr::to_string).collect();
    let message = format!(
        "grants are served, but for {}: interfaces that no record explains have them; they end with \
         their pods",
        addresses.join(", ")
    );
    Said::new("Ready", true, "ServingWithUnknownInterfaces", &message)
}

/// Pods attach all the same: the gateway may come later, and they may not need it.
fn gateway_silent(silent: &[SilentGateway]) -> Option<Said> {
    /// The most that the message names.
    const NAMED: usize = 3;
    let named = silent.iter().take(NAMED).map(|gateway| {
        let SilentGateway {
            network,
            address,
            parent,
        } = gateway;
        format!("network {network}: gateway {address} does not answer on {parent}")
    });
    let mut named: Vec<String> = named.collect();
    let more = silent.len().saturating_sub(NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    let message = named.join("; ");
    (!silent.is_empty()).then(|| Said::new(condition::GATEWAY_SILENT, true, "NoAnswer", &message))
}

fn parents_ready(parents: &[ParentStatus]) -> Said {
    let messages = |ready: bool| {
        let parents = parents.iter().filter(|parent| parent.ready == ready);
        let mut messages: Vec<&str> = parents
            .filter_map(|parent| parent.message.as_deref())
            .collect();
        // Networks may share a parent.
        messages.dedup();
        messages.join("; ")
    };
    let (missing, silent) = (messages(false), messages(true));
    let kind = "ParentsReady";
    match (missing.as_str(), silent.as_str()) {
        ("", "") => Said::new(kind, true, "AllFound", "every network has its parent"),
        ("", silent) => Said::new(kind, true, "SomeWithoutCarrier", silent),
        (missing, _) => Said::new(kind, false, "SomeMissing", missing),
    }
}

/// One condition before it has a time.
struct Said {
    kind: &'static str,
    status: &'static str,
    reason: &'static str,
    message: String,
}

// === impl Said ===

impl Said {
    fn new(kind: &'static str, is_true: bool, reason: &'static str, message: &str) -> Self {
        Self {
            kind,
            status: if is_true { "True" } else { "False" },
            reason,
            message: message.to_owned(),
        }
    }

    /// The time is that of the last change of the status, not of the message.
    fn condition(self, generation: Option<i64>, before: &[Condition], now: &Time) -> Condition {
        let old = before
            .iter()
            .find(|old| old.type_ == self.kind && old.status == self.status);
        Condition {
            type_: self.kind.to_owned(),
            status: self.status.to_owned(),
            reason: self.reason.to_owned(),
            message: self.message,
            observed_generation: generation,
            last_transition_time: old.map_or(now, |old| &old.last_transition_time).clone(),
        }
    }
}
