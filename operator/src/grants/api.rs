//! The requests of the ledger's shell.

use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use landfall_core::ledger::view::Restore;
use landfall_crds::{
    block::AddressBlock,
    claim::AddressClaim,
    guarded::Guarded,
    keys::{LEDGER_CONFIG_MAP, annotation, finalizer},
    ledger::restore,
    node::{LandfallNode, LandfallNodeSpec},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::failure::{Failure, within};
use crate::world::NodeWrite;

/// How often a lost touch of the epochs' object is repeated.
const TOUCHES: usize = 8;
/// Requests under way at once.
const CONCURRENT: usize = 16;

/// Reads and writes of node objects and blocks.
#[derive(Clone)]
pub(crate) struct Ledger {
    nodes: Api<LandfallNode>,
    kubernetes_nodes: Api<Node>,
    blocks: Api<AddressBlock>,
    pub(super) claims: Api<Guarded<AddressClaim>>,
    pub(super) client: Client,
    epochs: Api<ConfigMap>,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self {
            nodes: Api::all(client.clone()),
            kubernetes_nodes: Api::all(client.clone()),
            blocks: Api::all(client.clone()),
            claims: Api::all(client.clone()),
            client: client.clone(),
            epochs: Api::namespaced(client, namespace),
        }
    }

    /// A quorum read: no resourceVersion is named.
    pub(super) async fn node(&self, name: &str) -> Result<LandfallNode, Failure> {
        within(self.nodes.get(name)).await
    }

    /// A quorum read of the Node itself.
    pub(super) async fn kubernetes_node(&self, name: &str) -> Result<Node, Failure> {
        within(self.kubernetes_nodes.get(name)).await
    }

    /// A quorum read.
    pub(super) async fn block(&self, name: &str) -> Result<AddressBlock, Failure> {
        within(self.blocks.get(name)).await
    }

    pub(super) async fn write_node(&self, write: NodeWrite) -> Result<LandfallNode, Failure> {
        match write {
            NodeWrite::Create(object) => {
                within(self.nodes.create(&PostParams::default(), &object)).await
            }
            NodeWrite::Spec { before, spec } => {
                let patch = node_patch(&before, &spec)?;
                let name = before.name_any();
                within(self.nodes.patch(&name, &PatchParams::default(), &patch)).await
            }
            NodeWrite::Delete(object) => {
                let params = DeleteParams {
                    preconditions: Some(Preconditions {
                        uid: object.uid(),
                        resource_version: object.resource_version(),
                    }),
                    ..DeleteParams::default()
                };
                let deleted = within(self.nodes.delete(&object.name_any(), &params)).await?;
                deleted.left().ok_or(Failure::Gone)
            }
            NodeWrite::LetGo(object) => {
                let patch = let_go_patch(&object);
                let name = object.name_any();
                within(self.nodes.patch(&name, &PatchParams::default(), &patch)).await
            }
            NodeWrite::EndReclaim { object, .. } => {
                let patch = end_reclaim_patch(&object)?;
                let name = object.name_any();
                within(self.nodes.patch(&name, &PatchParams::default(), &patch)).await
            }
        }
    }

    /// Replaces a block, if it still has the resourceVersion that the object carries.
    pub(super) async fn write_block(&self, object: AddressBlock) -> Result<AddressBlock, Failure> {
        let name = object.name_any();
        within(self.blocks.replace(&name, &PostParams::default(), &object)).await
    }

    /// Deletes a block, if it is still the version that the object carries.
    pub(super) async fn delete_block(
        &self,
        object: &AddressBlock,
    ) -> Result<AddressBlock, Failure> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: object.uid(),
                resource_version: object.resource_version(),
            }),
            ..DeleteParams::default()
        };
        let deleted = within(self.blocks.delete(&object.name_any(), &params)).await?;
        deleted.left().ok_or(Failure::Gone)
    }

    pub(super) async fn create_block(&self, object: AddressBlock) -> Result<AddressBlock, Failure> {
        within(self.blocks.create(&PostParams::default(), &object)).await
    }

    /// All node objects, by a quorum read.
    pub(super) async fn list_nodes(&self) -> Result<Vec<LandfallNode>, Failure> {
        Ok(within(self.nodes.list(&ListParams::default())).await?.items)
    }

    /// Draws an epoch: the resourceVersion of a write that happens only once. It only grows, over a
    /// deletion of the object too, and over an announced restore. What is known of restores comes with it.
    pub(super) async fn draw_epoch(&self) -> Result<(u64, Restore), Failure> {
        let written = self.touch(restore::draw).await?;
        let epoch = restore::drawn(&written);
        let epoch = epoch.ok_or(Failure::Answer("a resourceVersion that is no number"))?;
        Ok((epoch, read_restore(&written)?))
    }

    /// All blocks, by a quorum read.
    pub(super) async fn list_blocks(&self) -> Result<Vec<AddressBlock>, Failure> {
        Ok(within(self.blocks.list(&ListParams::default()))
            .await?
            .items)
    }

    /// What is known of restores of etcd, by a quorum read.
    pub(super) async fn restore(&self) -> Result<Restore, Failure> {
        let object = within(self.epochs.get_opt(LEDGER_CONFIG_MAP)).await?;
        restore::read(object.as_ref()).map_err(|error| {
            tracing::error!("{error}");
            Failure::Answer("a ConfigMap landfall-ledger that was edited by hand")
        })
    }

    /// Notes that the ledger has been rewritten after a restore, unless another was announced since.
    pub(super) async fn note_adopted(&self, epoch: u64) -> Result<Restore, Failure> {
        let adopted = |object: &mut ConfigMap| {
            if restore::read(Some(object)).is_ok_and(|known| known.epoch == epoch) {
                restore::note_adopted(object, epoch);
            }
        };
        read_restore(&self.touch(adopted).await?)
    }

    /// Changes the epochs' object by compare-and-swap.
    async fn touch(&self, change: impl Fn(&mut ConfigMap)) -> Result<ConfigMap, Failure> {
        let mut last = Failure::Gone;
        for _ in 0..TOUCHES {
            match self.try_touch(&change).await {
                Err(failure @ (Failure::Lost(_) | Failure::Gone | Failure::Exists)) => {
                    last = failure;
                }
                result => return result,
            }
        }
        Err(last)
    }

    async fn try_touch(&self, change: &impl Fn(&mut ConfigMap)) -> Result<ConfigMap, Failure> {
        let params = PostParams::default();
        if let Some(mut object) = within(self.epochs.get_opt(LEDGER_CONFIG_MAP)).await? {
            change(&mut object);
            return within(self.epochs.replace(LEDGER_CONFIG_MAP, &params, &object)).await;
        }
        let mut object = restore::empty();
        change(&mut object);
        within(self.epochs.create(&params, &object)).await
    }

    /// Creates blocks side by side.
    pub(super) async fn create_blocks(
        &self,
        objects: Vec<AddressBlock>,
    ) -> Vec<(AddressBlock, Result<AddressBlock, Failure>)> {
        let jobs = objects.into_iter().map(|object| async {
            let result = self.create_block(object.clone()).await;
            (object, result)
        });
        stream::iter(jobs)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await
    }
}

fn read_restore(written: &ConfigMap) -> Result<Restore, Failure> {
    restore::read(Some(written)).map_err(|_| Failure::Answer("a text that is no number"))
}

/// Only the fields that changed, and only if the spec is still the generation that was read: the
/// agent's status writes, which come all the time, don't disturb it.
fn node_patch(before: &LandfallNode, spec: &LandfallNodeSpec) -> Result<Patch<()>, Failure> {
    let meta = &before.metadata;
    let mut steps = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": meta.uid}),
        json!({"op": "test", "path": "/metadata/generation", "value": meta.generation}),
    ];
    let old = &before.spec;
    let mut set = |path: &str, value: Value| {
        steps.push(json!({"op": "add", "path": format!("/spec/{path}"), "value": value}));
    };
    if old.node != spec.node {
        set("node", value(&spec.node)?);
    }
    if old.networks != spec.networks {
        set("networks", value(&spec.networks)?);
    }
    if old.grants != spec.grants {
        set("grants", value(&spec.grants)?);
    }
    if old.recalls != spec.recalls {
        set("recalls", value(&spec.recalls)?);
    }
    if old.refusals != spec.refusals {
        set("refusals", value(&spec.refusals)?);
    }
    if old.not_ours != spec.not_ours {
        set("notOurs", value(&spec.not_ours)?);
    }
    if old.ledger_epoch != spec.ledger_epoch {
        set("ledgerEpoch", value(&spec.ledger_epoch)?);
    }
    if old.fenced != spec.fenced {
        set("fenced", value(&spec.fenced)?);
    }
    let patch = serde_json::from_value(Value::Array(steps));
    Ok(Patch::Json(patch.map_err(kube::Error::SerdeError)?))
}

/// Without the user's word that the machine is off, if it still says what was seen.
fn end_reclaim_patch(object: &LandfallNode) -> Result<Patch<()>, Failure> {
    let key = annotation::RECLAIM.replace('/', "~1");
    let place = format!("/metadata/annotations/{key}");
    let steps = json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": place, "value": object.annotations().get(annotation::RECLAIM)},
        {"op": "remove", "path": place},
    ]);
    let patch = serde_json::from_value(steps);
    Ok(Patch::Json(patch.map_err(kube::Error::SerdeError)?))
}

/// Without our finalizer, if the object is still the version that was seen.
fn let_go_patch(object: &LandfallNode) -> Patch<Value> {
    let mut finalizers = object.metadata.finalizers.clone().unwrap_or_default();
    finalizers.retain(|one| one != finalizer::ADDRESSES);
    Patch::Merge(json!({"metadata": {
        "uid": object.metadata.uid,
        "resourceVersion": object.metadata.resource_version,
        "finalizers": finalizers,
    }}))
}

fn value(value: &impl Serialize) -> Result<Value, Failure> {
    Ok(serde_json::to_value(value).map_err(kube::Error::SerdeError)?)
}

#[cfg(test)]
mod tests;
