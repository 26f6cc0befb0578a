//! Finalizers and statuses of claims, written by a task of their own.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use landfall_core::{id::Uid, ledger::Millis};
use landfall_crds::{
    claim::{AddressClaim, AddressClaimStatus},
    keys::{self, finalizer},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{ClaimFacts, ClaimKey, ClaimKind, status, watch};
use crate::world::World;

/// The most writes that wait; beyond, a claim is looked at again later.
const QUEUE: usize = 256;
/// Requests under way at once.
const CONCURRENT: usize = 8;
/// How often statuses are brought up to date at most.
const PERIOD: Millis = 1_000;
/// When finalizers are sent again that nothing came of.
const AGAIN: Millis = 10_000;
/// The field manager of statuses.
const MANAGER: &str = "landfall-operator";

/// A write about a claim.
#[derive(Debug)]
struct Writing {
    key: ClaimKey,
    patch: What,
}

#[derive(Debug)]
enum What {
    /// All finalizers, under the object's resourceVersion.
    Finalizers(Value),
    Status(Box<AddressClaimStatus>),
    IpamStatus(Value),
}

/// What keeps claims' objects up to date.
#[derive(Debug)]
pub(crate) struct ClaimUpkeep {
    to: mpsc::Sender<Writing>,
    last: Millis,
    /// The version of each object whose finalizers were sent, and when.
    sent: BTreeMap<Uid, (Option<String>, Millis)>,
}

// === impl ClaimUpkeep ===

impl ClaimUpkeep {
    /// The queue and the task that empties it.
    pub(crate) fn start(client: Client) -> (Self, impl Future<Output = ()>) {
        let (to, from) = mpsc::channel(QUEUE);
        let upkeep = Self {
            to,
            last: 0,
            sent: BTreeMap::new(),
        };
        (upkeep, write_all(client, from))
    }

    /// What was sent may not have been written: this operator did not lead.
    pub(crate) fn begin(&mut self) {
        self.sent.clear();
        self.last = 0;
    }

    /// Sends what is due: finalizers at once, for a new claim gets nothing without; statuses once a
    /// second. Returns when it wants to be called again.
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
        for facts in world.unguarded_claims() {
            let due = match (facts.is_deleting(), facts.has_finalizer()) {
                (false, false) => true,
                (true, true) => !world.is_kept_for(facts.uid()),
                (false, true) | (true, false) => false,
            };
            let version = &facts.meta.resource_version;
            let sent = self.sent.get(&facts.uid());
            let is_sent =
                sent.is_some_and(|(sent, at)| sent == version && now < at.saturating_add(AGAIN));
            if due && !is_sent && self.send(facts, What::Finalizers(finalizers(facts))) {
                self.sent.insert(facts.uid(), (version.clone(), now));
            }
        }
        if self.sent.len() > QUEUE {
            self.sent
                .retain(|_, (_, at)| now < at.saturating_add(AGAIN));
        }
    }

    fn statuses(&mut self, world: &World, now: Millis) {
        if world.claims().next().is_none() {
            return;
        }
        let millis = i64::try_from(now).unwrap_or_default();
        let now = Time(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH));
        let keeps = status::keeps(&world.view);
        for claim in world.claims() {
            let Some(judged) = world.judged_claim(&claim.key) else {
                continue;
            };
            let uid = claim.uid();
            let keeps = keeps.get(&uid).map_or(&[][..], Vec::as_slice);
            let holders = world.claim_holders(keeps);
            let facts = status::Facts {
                claim,
                judged,
                keeps,
                holders: &holders,
                lacks: world.claim_refusals.get(&uid),
            };
            match claim.key.kind {
                ClaimKind::Address => {
                    let status = status::status(facts, &now);
                    if claim.status.as_ref() != Some(&status) {
                        self.send(claim, What::Status(Box::new(status)));
                    }
                }
                ClaimKind::Ipam => {
                    let status = status::ipam_status(facts, &world.view);
                    // Another IPAM may serve it: one of a network that is not ours is not touched.
                    if judged.network.is_some() && is_news(&status, claim.ipam_status.as_ref()) {
                        self.send(claim, What::IpamStatus(status));
                    }
                }
            }
        }
    }

    fn send(&self, facts: &ClaimFacts, patch: What) -> bool {
        let key = facts.key.clone();
        self.to.try_send(Writing { key, patch }).is_ok()
    }
}

/// Whether one of our fields differs: what is absent counts as null.
fn is_news(status: &Value, before: Option<&Value>) -> bool {
    let differs = |key: &str| {
        let old = before.and_then(|before| before.get(key));
        let new = status.get(key).unwrap_or(&Value::Null);
        new != old.unwrap_or(&Value::Null)
    };
    differs("ips") || differs("ownerPod")
}

/// All finalizers as they should be, under the version that was seen.
fn finalizers(facts: &ClaimFacts) -> Value {
    let meta = &facts.meta;
    let mut all = meta.finalizers.clone().unwrap_or_default();
    all.retain(|one| one != finalizer::ADDRESSES);
    if !facts.is_deleting() {
        all.push(finalizer::ADDRESSES.to_owned());
    }
    json!({"metadata": {
        "uid": meta.uid,
        "resourceVersion": meta.resource_version,
        "finalizers": all,
    }})
}

async fn write_all(client: Client, mut from: mpsc::Receiver<Writing>) {
    let queue = futures::stream::poll_fn(move |context| from.poll_recv(context));
    queue
        .for_each_concurrent(CONCURRENT, |writing| async {
            let ClaimKey {
                namespace, name, ..
            } = writing.key.clone();
            match write(&client, writing).await {
                Ok(()) => {}
                // It has changed, or is gone: the watch says so, and it is looked at again.
                Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {}
                Err(error) => {
                    tracing::warn!(namespace, claim = name, %error, "a claim could not be written");
                }
            }
        })
        .await;
}

async fn write(client: &Client, writing: Writing) -> kube::Result<()> {
    let ClaimKey {
        namespace, name, ..
    } = &writing.key;
    let api: Api<AddressClaim> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams::default();
    match writing.patch {
        What::Finalizers(patch) => {
            api.patch(name, &params, &Patch::Merge(patch)).await?;
        }
        What::Status(status) => {
            let patch = json!({
                "apiVersion": format!("{}/{}", keys::GROUP, keys::VERSION),
                "kind": "AddressClaim",
                "status": status,
            });
            let params = PatchParams::apply(MANAGER).force();
            api.patch_status(name, &params, &Patch::Apply(patch))
                .await?;
        }
        What::IpamStatus(status) => {
            let resource = watch::resource();
            let api: Api<DynamicObject> =
                Api::namespaced_with(client.clone(), namespace, &resource);
            let patch = Patch::Merge(json!({"status": status}));
            api.patch_status(name, &params, &patch).await?;
        }
    }
    Ok(())
}
