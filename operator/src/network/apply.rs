//! Finalizers and statuses of networks, written by a task of their own.

use std::{collections::BTreeSet, sync::Arc};

use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
};
use landfall_core::network::NetworkKind;
use landfall_core::{address::Family, id::Name, ledger::Millis};
use landfall_crds::{ipvlan::IpvlanNetwork, macvlan::MacvlanNetwork, network_spec::NetworkStatus};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{NetworkObject, dereference, dereference::Serving, status};
use crate::{
    metrics::Metrics,
    upkeep::{PERIOD, QUEUE, Sent, failure, status_patch, time, write_all},
    world::World,
};

/// A write about a network.
#[derive(Debug)]
struct Writing {
    kind: NetworkKind,
    name: String,
    patch: What,
}

#[derive(Debug)]
enum What {
    /// All finalizers, under the object's resourceVersion.
    Finalizers(Value),
    Status(Box<NetworkStatus>),
}

/// What keeps networks' objects up to date.
#[derive(Debug)]
pub(crate) struct Upkeep {
    to: mpsc::Sender<Writing>,
    metrics: Arc<Metrics>,
    last: Millis,
    sent: Sent,
    /// Names of networks that metrics speak of.
    measured: BTreeSet<Name>,
}

// === impl Upkeep ===

impl Upkeep {
    /// The queue and the task that empties it.
    pub(crate) fn start(client: Client, metrics: Arc<Metrics>) -> (Self, impl Future<Output = ()>) {
        let (to, from) = mpsc::channel(QUEUE);
        let upkeep = Self {
            to,
            metrics,
            last: 0,
            sent: Sent::default(),
            measured: BTreeSet::new(),
        };
        (
            upkeep,
            write_all(from, move |writing| write(client.clone(), writing)),
        )
    }

    /// What was sent may not have been written: this operator did not lead.
    pub(crate) fn begin(&mut self) {
        self.sent.clear();
        self.last = 0;
    }

    /// Sends what is due. Finalizers at once, for a new network is of no use without; statuses once
    /// a second. Returns when it wants to be called again.
    pub(crate) fn run(&mut self, world: &World, now: Millis) -> Option<Millis> {
        self.finalizers(world, now);
        let next = self.last.saturating_add(PERIOD);
        if now < next {
            return Some(next);
        }
        self.last = now;
        self.statuses(world, now);
        None
    }

    fn finalizers(&mut self, world: &World, now: Millis) {
        for (uid, object) in world.network_objects() {
            let meta = object.meta();
            let due = self.sent.due(*uid, meta, || world.is_needed(*uid), now);
            if let Some(patch) = due
                && self.send(object, What::Finalizers(patch))
            {
                self.sent.note(*uid, meta, now);
            }
        }
    }

    fn statuses(&mut self, world: &World, now: Millis) {
        let tally = dereference::tally(&world.view);
        let serving = dereference::serving(world.node_objects());
        let none = Serving::default();
        let now = time(now);
        let names = world.network_objects().map(|(_, object)| object.name());
        let names: BTreeSet<Name> = names.collect();
        for gone in self.measured.difference(&names) {
            self.metrics.forget_network(gone.as_str());
        }
        self.measured = names;
        for (uid, object) in world.network_objects() {
            // The answer to a write could not be read either, and would be written again and again.
            let Some(verdict) = world.verdict(*uid).filter(|_| object.fault().is_none()) else {
                continue;
            };
            let counts =
                Family::ALL.map(|family| tally.get(&(*uid, family)).copied().unwrap_or_default());
            let facts = status::Facts {
                verdict,
                generation: object.meta().generation,
                counts,
                serving: serving.get(uid).unwrap_or(&none),
                halt: world.halt.as_ref(),
            };
            let status = status::status(facts, object.status(), &now);
            self.measure(object, &status);
            if object.status() != Some(&status) {
                self.send(object, What::Status(Box::new(status)));
            }
        }
    }

    fn measure(&self, object: &NetworkObject, status: &NetworkStatus) {
        let name = object.name();
        let addresses = status.addresses.clone().unwrap_or_default();
        for (family, counts) in [("ipv4", addresses.ipv4), ("ipv6", addresses.ipv6)] {
            let Some(counts) = counts else {
                continue;
            };
            let by_state = [
                ("granted", counts.granted),
                ("quarantined", counts.quarantined),
                ("foreign", counts.foreign),
                ("cooling", counts.cooling),
                ("claimed", counts.claimed),
                ("free", counts.free),
            ];
            for (state, count) in by_state {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.metrics.addresses(name.as_str(), family, state, count);
            }
        }
    }

    fn send(&self, object: &NetworkObject, patch: What) -> bool {
        let writing = Writing {
            kind: object.kind(),
            name: object.name().to_string(),
            patch,
        };
        self.to.try_send(writing).is_ok()
    }
}

async fn write(client: Client, writing: Writing) {
    let name = writing.name.clone();
    let written = match writing.kind {
        NetworkKind::Macvlan => write_as::<MacvlanNetwork>(&client, writing).await,
        NetworkKind::Ipvlan => write_as::<IpvlanNetwork>(&client, writing).await,
    };
    if let Some(error) = failure(written) {
        tracing::warn!(network = name, %error, "a network could not be written");
    }
}

async fn write_as<K>(client: &Client, writing: Writing) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = Api::all(client.clone());
    let name = &writing.name;
    match writing.patch {
        What::Finalizers(patch) => {
            let params = PatchParams::default();
            api.patch(name, &params, &Patch::Merge(patch)).await?;
        }
        What::Status(status) => {
            let (params, patch) = status_patch(&K::kind(&()), &status);
            api.patch_status(name, &params, &patch).await?;
        }
    }
    Ok(())
}
