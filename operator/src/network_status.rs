//! The annotation `k8s.v1.cni.cncf.io/network-status`: what a pod got, told on the pod.
//!
//! It is due once the pod's node reports all its grants as attached and the pod has its own
//! addresses, which become the first entry. Written by a task of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use landfall_core::id::Uid;
use landfall_crds::keys::annotation::NETWORK_STATUS;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{args::Door, pods::PodKey, world::World};

mod text;

pub(crate) use text::{attached, text};

/// The most patches that wait. Beyond, a pod is looked at again later.
const QUEUE: usize = 1024;
/// Requests under way at once.
const CONCURRENT: usize = 16;
/// How often a failing patch is repeated.
const ATTEMPTS: u32 = 8;

/// A status to be written.
#[derive(Debug)]
struct Writing {
    key: PodKey,
    uid: String,
    text: String,
}

/// Where statuses go.
#[derive(Debug)]
pub(crate) struct NetworkStatuses {
    to: mpsc::Sender<Writing>,
    /// What was sent for each owner, until its pod shows it.
    sent: BTreeMap<Uid, String>,
    door: Door,
}

// === impl NetworkStatuses ===

impl NetworkStatuses {
    /// The queue and the task that empties it.
    pub(crate) fn start(client: Client, door: Door) -> (Self, impl Future<Output = ()>) {
        let (to, from) = mpsc::channel(QUEUE);
        let statuses = Self {
            to,
            sent: BTreeMap::new(),
            door,
        };
        (statuses, write_all(client, from))
    }

    /// What was sent may not have been written: this operator did not lead.
    pub(crate) fn begin(&mut self) {
        self.sent.clear();
    }

    /// Sends the statuses of pods that changed, or whose node's attachments did.
    pub(crate) fn update(&mut self, world: &mut World, owners: &BTreeSet<Uid>) {
        // Behind Multus, Multus alone writes it.
        if self.door == Door::Delegate {
            return;
        }
        for owner in owners.iter().copied() {
            let Some(pod) = world.pod_of(owner) else {
                self.sent.remove(&owner);
                continue;
            };
            let Some(text) = text(world, owner) else {
                continue;
            };
            if pod.network_status.as_ref() == Some(&text) {
                self.sent.remove(&owner);
                continue;
            }
            if self.sent.get(&owner) == Some(&text) {
                continue;
            }
            let writing = Writing {
                key: pod.key.clone(),
                uid: pod.uid.clone(),
                text: text.clone(),
            };
            if self.to.try_send(writing).is_ok() {
                self.sent.insert(owner, text);
            } else {
                world.retry_owner(owner);
            }
        }
    }
}

async fn write_all(client: Client, mut from: mpsc::Receiver<Writing>) {
    let queue = futures::stream::poll_fn(move |context| from.poll_recv(context));
    queue
        .for_each_concurrent(CONCURRENT, |writing| write(&client, writing))
        .await;
}

/// The pod's UID in the patch is a precondition: a pod of the same name that came later is not
/// touched.
async fn write(client: &Client, writing: Writing) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &writing.key.namespace);
    let patch = Patch::Merge(json!({
        "metadata": {"uid": writing.uid, "annotations": {NETWORK_STATUS: writing.text}},
    }));
    let params = PatchParams::default();
    for attempt in 0..ATTEMPTS {
        match pods.patch_status(&writing.key.name, &params, &patch).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {
                return;
            }
            // No attempt makes it shorter: the annotations of a pod are 256 KiB together at most.
            Err(kube::Error::Api(status)) if status.code == 422 => {
                let pod = &writing.key;
                tracing::warn!(
                    why = status.message,
                    namespace = pod.namespace,
                    pod = pod.name,
                    "the API server refuses a pod's network status: it stays without"
                );
                return;
            }
            Err(error) => {
                let pod = &writing.key;
                tracing::warn!(%error, namespace = pod.namespace, pod = pod.name,
                    "a pod's network status could not be written");
            }
        }
        tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(attempt)).await;
    }
}
