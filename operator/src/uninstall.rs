//! `landfall-operator uninstall`: takes the plugin out of every node's CNI configuration, before the
//! agents go that could do it. The chart runs it as a Job before it removes anything.
//!
//! `spec.uninstall` stays set when all is removed, so that no agent chains the plugin again
//! meanwhile. An operator that starts to work takes it back once, when it first leads: then Landfall is
//! wanted.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Node;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use landfall_crds::node::LandfallNode;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::leader::Leadership;

/// Between two looks at all nodes.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two tries to take it back.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests under way at once.
const CONCURRENT: usize = 16;

/// What one look at all nodes shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    /// Nodes that have not been asked.
    ask: BTreeSet<String>,
    /// Nodes whose agent has not answered.
    wait: BTreeSet<String>,
    /// Nodes that can't answer: they are down or gone, or never had an agent.
    away: BTreeSet<String>,
}

// === impl Look ===

impl Look {
    /// Nodes that should have answered, after the last look.
    fn late(&self) -> impl Iterator<Item = &String> {
        let asked = self.ask.union(&self.wait);
        asked.filter(|node| !self.away.contains(*node))
    }
}

/// Asks every node, and waits until all that can answer have done so.
pub(crate) async fn uninstall(client: Client, patience: Duration) -> anyhow::Result<()> {
    let nodes: Api<LandfallNode> = Api::all(client.clone());
    let mut last = None;
    let answers = async {
        loop {
            match look(&client, &nodes).await {
                Ok(look) if look.ask.is_empty() && look.wait.is_empty() => return look,
                Ok(look) => last = Some(look),
                Err(error) => tracing::warn!(%error, "the nodes can't be read or asked"),
            }
            sleep(PAUSE).await;
        }
    };
    let seen = timeout(patience, answers).await.ok().or(last);
    let seen = seen.context("the API server did not answer")?;
    for node in &seen.away {
        tracing::warn!(%node, "the node is down or has no agent: if the plugin is in its CNI \
            configuration, it stays there, and does no harm to pods without networks");
    }
    let late: Vec<_> = seen.late().map(String::as_str).collect();
    if late.is_empty() {
        tracing::info!("the plugin is out of the CNI configuration of every node that is up");
        return Ok(());
    }
    anyhow::bail!(
        "after {} s the plugin is still in the CNI configuration of {}: see what the agents there \
         log, then uninstall again; or leave it there (helm uninstall --no-hooks)",
        patience.as_secs(),
        late.join(", ")
    )
}

/// Looks at all nodes, and asks those that have not been asked.
async fn look(client: &Client, nodes: &Api<LandfallNode>) -> kube::Result<Look> {
    let all = ListParams::default();
    let objects = nodes.list(&all).await?.items;
    let machines: Api<Node> = Api::all(client.clone());
    let ready = machines.list(&all).await?.items;
    let ready = ready.iter().filter(|node| is_ready(node));
    let look = judge(&objects, &ready.map(ResourceExt::name_any).collect());
    write(nodes, &look.ask, true).await?;
    Ok(look)
}

fn is_ready(node: &Node) -> bool {
    let conditions = node
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    ready.any(|condition| condition.status == "True")
}

fn judge(objects: &[LandfallNode], ready: &BTreeSet<String>) -> Look {
    let mut look = Look::default();
    for object in objects {
        let name = object.name_any();
        if !object.spec.uninstall {
            look.ask.insert(name.clone());
        }
        if !ready.contains(&name) || object.status.is_none() {
            look.away.insert(name);
        } else if object.spec.uninstall && !has_answered(object) {
            look.wait.insert(name);
        }
    }
    look
}

/// An answer to an earlier question does not count.
fn has_answered(object: &LandfallNode) -> bool {
    let status = object.status.as_ref();
    status.is_some_and(|s| s.unchained && s.observed_generation >= object.metadata.generation)
}

/// Takes the question back, once this operator leads and the API server can be reached.
pub(crate) async fn take_back(client: Client, leadership: Leadership) {
    let nodes: Api<LandfallNode> = Api::all(client);
    while !leadership.holds() {
        sleep(PAUSE).await;
    }
    while let Err(error) = try_take_back(&nodes).await {
        tracing::warn!(%error, "can't see whether nodes were told to uninstall");
        sleep(PATIENCE).await;
    }
}

async fn try_take_back(nodes: &Api<LandfallNode>) -> kube::Result<()> {
    let objects = nodes.list(&ListParams::default()).await?.items;
    let told = objects.iter().filter(|object| object.spec.uninstall);
    write(nodes, &told.map(ResourceExt::name_any).collect(), false).await
}

/// Writes `spec.uninstall` of these nodes; one that has gone meanwhile does not matter.
async fn write(nodes: &Api<LandfallNode>, names: &BTreeSet<String>, to: bool) -> kube::Result<()> {
    let patch = &Patch::Merge(json!({"spec": {"uninstall": to}}));
    let params = &PatchParams::default();
    let writes = names.iter().cloned().map(|name| async move {
        match nodes.patch(&name, params, patch).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            written => written.map(drop),
        }
    });
    let writes = stream::iter(writes).buffer_unordered(CONCURRENT);
    writes.try_collect().await
}

#[cfg(test)]
mod tests;
