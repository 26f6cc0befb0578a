//! Finalizers and statuses of claims, written by a task of their own.

use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use landfall_core::ledger::Millis;
use landfall_crds::claim::{AddressClaim, AddressClaimStatus};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{ClaimFacts, ClaimKey, ClaimKind, status, watch};
use crate::{
    upkeep::{PERIOD, QUEUE, Sent, failure, status_patch, time, write_all},
    world::World,
};

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
    sent: Sent,
}

// === impl ClaimUpkeep ===

impl ClaimUpkeep {
    /// The queue and the task that empties it.
    pub(crate) fn start(client: Client) -> (Self, impl Future<Output = ()>) {
        let (to, from) = mpsc::channel(QUEUE);
        let upkeep = Self {
            to,
            last: 0,
            sent: Sent::default(),
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
            let (uid, meta) = (facts.uid(), &facts.meta);
            let due = self.sent.due(uid, meta, || world.is_kept_for(uid), now);
            if let Some(patch) = due
                && self.send(facts, What::Finalizers(patch))
            {
                self.sent.note(uid, meta, now);
            }
        }
    }

    fn statuses(&mut self, world: &World, now: Millis) {
        if world.claims().next().is_none() {
            return;
        }
        let now = time(now);
        let keeps = status::keeps(&world.view);
        for claim in world.claims() {
            // The answer to a write could not be read either, and would be written again and again.
            let judged = world.judged_claim(&claim.key);
            let Some(judged) = judged.filter(|_| claim.fault.is_none()) else {
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

async fn write(client: Client, writing: Writing) {
    let ClaimKey {
        namespace, name, ..
    } = &writing.key;
    if let Some(error) = failure(patch(&client, &writing.key, writing.patch).await) {
        tracing::warn!(namespace, claim = name, %error, "a claim could not be written");
    }
}

async fn patch(client: &Client, key: &ClaimKey, what: What) -> kube::Result<()> {
    let ClaimKey {
        namespace, name, ..
    } = key;
    let api: Api<AddressClaim> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams::default();
    match what {
        What::Finalizers(patch) => {
            api.patch(name, &params, &Patch::Merge(patch)).await?;
        }
        What::Status(status) => {
            let (params, patch) = status_patch("AddressClaim", &status);
            api.patch_status(name, &params, &patch).await?;
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
