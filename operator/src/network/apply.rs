//! Finalizers and statuses of networks, written by a task of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::StreamExt as _;
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
};
use landfall_core::network::NetworkKind;
use landfall_core::{
    address::Family,
    id::{Name, Uid},
    ledger::Millis,
};
use landfall_crds::{
    ipvlan::IpvlanNetwork,
    keys::{self, finalizer},
    macvlan::MacvlanNetwork,
    network_spec::NetworkStatus,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{NetworkObject, dereference, dereference::Serving, status};
use crate::{metrics::Metrics, world::World};

/// The most writes that wait; beyond, a network is looked at again later.
const QUEUE: usize = 256;
/// Requests under way at once.
const CONCURRENT: usize = 8;
/// How often statuses are brought up to date at most.
const PERIOD: Millis = 1_000;
/// When finalizers are sent again that nothing came of.
const AGAIN: Millis = 10_000;
/// The field manager of statuses.
const MANAGER: &str = "landfall-operator";

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
    /// The version of each object whose finalizers were sent, and when.
    sent: BTreeMap<Uid, (Option<String>, Millis)>,
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
            sent: BTreeMap::new(),
            measured: BTreeSet::new(),
        };
        (upkeep, write_all(client, from))
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
            let due = match (object.is_deleting(), object.is_guarded()) {
                (false, false) => true,
                (true, true) => !world.is_needed(*uid),
                (false, true) | (true, false) => false,
            };
            let version = &object.meta().resource_version;
            let is_sent = self
                .sent
                .get(uid)
                .is_some_and(|(sent, at)| sent == version && now < at.saturating_add(AGAIN));
            if !due || is_sent {
                continue;
            }
            if self.send(object, What::Finalizers(finalizers(object))) {
                self.sent.insert(*uid, (version.clone(), now));
            }
        }
        let exists = |uid: &Uid| world.verdict(*uid).is_some();
        self.sent.retain(|uid, _| exists(uid));
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
            let Some(verdict) = world.verdict(*uid) else {
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

/// All finalizers as they should be, under the version that was seen.
fn finalizers(object: &NetworkObject) -> Value {
    let meta = object.meta();
    let mut all = meta.finalizers.clone().unwrap_or_default();
    all.retain(|one| one != finalizer::ADDRESSES);
    if !object.is_deleting() {
        all.push(finalizer::ADDRESSES.to_owned());
    }
    json!({"metadata": {
        "uid": meta.uid,
        "resourceVersion": meta.resource_version,
        "finalizers": all,
    }})
}

fn time(now: Millis) -> Time {
    let millis = i64::try_from(now).unwrap_or_default();
    Time(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH))
}

async fn write_all(client: Client, mut from: mpsc::Receiver<Writing>) {
    let queue = futures::stream::poll_fn(move |context| from.poll_recv(context));
    queue
        .for_each_concurrent(CONCURRENT, |writing| async {
            let name = writing.name.clone();
            let result = match writing.kind {
                NetworkKind::Macvlan => write::<MacvlanNetwork>(&client, writing).await,
                NetworkKind::Ipvlan => write::<IpvlanNetwork>(&client, writing).await,
            };
            match result {
                Ok(()) => {}
                // It has changed, or is gone: the watch says so, and it is looked at again.
                Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {}
                Err(error) => {
                    tracing::warn!(network = name, %error, "a network could not be written");
                }
            }
        })
        .await;
}

async fn write<K>(client: &Client, writing: Writing) -> kube::Result<()>
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
            let patch = json!({
                "apiVersion": format!("{}/{}", keys::GROUP, keys::VERSION),
                "kind": K::kind(&()),
                "status": status,
            });
            let params = PatchParams::apply(MANAGER).force();
            api.patch_status(name, &params, &Patch::Apply(patch))
                .await?;
        }
    }
    Ok(())
}
