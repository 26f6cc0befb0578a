//! `landfall-operator uninstall`: takes the plugin out of every node's CNI configuration, before the
//! agents go that could do it. The chart runs it as a Job before it removes anything.
//!
//! Operators have no part in it: agents answer by themselves, whoever leads, or nobody.
//!
//! `spec.uninstall` stays set when all is removed, so that no agent chains the plugin again
//! meanwhile. An operator that starts to work takes back, once, what it found asked when it started, as soon
//! as it leads: then Landfall is wanted. What is asked later it leaves alone, also if it begins to lead just
//! then: that is an uninstallation that goes on.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Node;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use landfall_crds::{
    guarded::{self, Guarded},
    node::LandfallNode,
};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::leader::Leadership;

/// Between two looks at all nodes.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two tries to take it back.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one look may take. A connection that died without a word must not use up all the time that the
/// nodes have.
const LOOK: Duration = Duration::from_secs(15);
/// Requests under way at once.
const CONCURRENT: usize = 16;

/// What one look at all nodes shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    /// Nodes that have not been asked.
    ask: BTreeSet<String>,
    /// Nodes whose agent has not answered.
    wait: BTreeSet<String>,
    /// Nodes that can't answer: they are down or gone, or never had an agent, or their objects can't be read.
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
    let nodes: Api<Guarded<LandfallNode>> = Api::all(client.clone());
    let mut last = None;
    let mut why = "no answer".to_owned();
    let answers = async {
        loop {
            match timeout(LOOK, look(&client, &nodes)).await {
                Ok(Ok(look)) if look.ask.is_empty() && look.wait.is_empty() => return look,
                Ok(Ok(look)) => last = Some(look),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the nodes can't be read or asked");
                    why = error.to_string();
                }
                Err(_) => {
                    tracing::warn!("no answer from the API server within {} s", LOOK.as_secs());
                }
            }
            sleep(PAUSE).await;
        }
    };
    let seen = timeout(patience, answers).await.ok().or(last);
    let seen = seen.with_context(|| {
        format!(
            "within {} s no node could be asked to take the plugin out of its CNI configuration ({why}): \
             nothing was removed; uninstall again when the API server answers, or leave the plugin there \
             (helm uninstall --no-hooks)",
            patience.as_secs()
        )
    })?;
    for node in &seen.away {
        tracing::warn!(%node, "the node is down, has no agent, or its object can't be read: if the plugin is in its CNI \
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
async fn look(client: &Client, nodes: &Api<Guarded<LandfallNode>>) -> kube::Result<Look> {
    let all = ListParams::default();
    let objects = nodes.list(&all).await?.items;
    let machines: Api<Node> = Api::all(client.clone());
    let ready = machines.list(&all).await?.items;
    let ready = ready.iter().filter(|node| is_ready(node));
    let mut readable = Vec::new();
    let mut unread = BTreeSet::new();
    for object in objects {
        match guarded::read(object) {
            Ok(object) => readable.push(object),
            Err(object) => drop(unread.insert(object.meta.name.unwrap_or_default())),
        }
    }
    let mut look = judge(&readable, &ready.map(ResourceExt::name_any).collect());
    // Its agent can't read the question either.
    look.away.extend(unread);
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

/// Takes back what was asked before this operator started, once it leads.
pub(crate) async fn take_back(client: Client, leadership: Leadership) {
    let nodes: Api<Guarded<LandfallNode>> = Api::all(client);
    let before = loop {
        match told(&nodes).await {
            Ok(told) => break told,
            Err(error) => tracing::warn!(%error, "can't see whether nodes were told to uninstall"),
        }
        sleep(PATIENCE).await;
    };
    if before.is_empty() {
        return;
    }
    while !leadership.holds() {
        sleep(PAUSE).await;
    }
    while let Err(error) = try_take_back(&nodes, &before).await {
        tracing::warn!(%error, "nodes can't be told that Landfall is wanted again");
        sleep(PATIENCE).await;
    }
}

/// The nodes that are told to uninstall: name and UID of their objects.
async fn told(
    nodes: &Api<Guarded<LandfallNode>>,
) -> kube::Result<BTreeSet<(String, Option<String>)>> {
    let objects = nodes.list(&ListParams::default()).await?.items;
    let objects = objects
        .into_iter()
        .filter_map(|object| guarded::read(object).ok());
    let told = objects.filter(|object| object.spec.uninstall);
    Ok(told
        .map(|object| (object.name_any(), object.uid()))
        .collect())
}

async fn try_take_back(
    nodes: &Api<Guarded<LandfallNode>>,
    before: &BTreeSet<(String, Option<String>)>,
) -> kube::Result<()> {
    let still = told(nodes).await?;
    let names = still.intersection(before).map(|(name, _)| name.clone());
    write(nodes, &names.collect(), false).await
}

/// Writes `spec.uninstall` of these nodes; one that has gone meanwhile does not matter.
async fn write(
    nodes: &Api<Guarded<LandfallNode>>,
    names: &BTreeSet<String>,
    to: bool,
) -> kube::Result<()> {
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
