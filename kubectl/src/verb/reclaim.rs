//! `reclaim`: a person says that a machine is off, and the operator frees what it held
//! (docs/ipam-protocol.md, "Fence").
//!
//! The word is the annotation `landfall.dev/reclaim` on the node's object. It stands until the operator
//! has closed every entry, and the operator takes it away.

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Node;
use kube::{
    Api, Client, ResourceExt as _,
    api::{Patch, PatchParams},
};
use landfall_core::id::Uid;
use landfall_crds::{keys::annotation, node::LandfallNode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{answer::Answer, args::Reclaim, snapshot::Snapshot, unreadable::Unreadable};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Says it, and waits.
pub(crate) async fn reclaim(client: &Client, words: &Reclaim) -> anyhow::Result<Answer> {
    let name = words.node.as_str();
    let snapshot = Snapshot::read(client).await?;
    let object = snapshot.node(name)?;
    let object = object
        .with_context(|| format!("there is no LandfallNode {name}: nothing can be held there"))?;
    let off = off(object, words);
    let hidden = hidden(&snapshot);
    let held = held(&snapshot, name, object, off);
    let answer =
        |held, outcome, text: &str| answer(name, off, held, outcome, text).without(&hidden);
    if !words.i_confirm_it_is_off {
        return Ok(answer(held, "unconfirmed", &warning(name, held)));
    }
    if held == 0 && hidden.is_empty() {
        let text = format!("{name} holds no address: there is nothing to reclaim\n");
        return Ok(answer(held, "nothing", &text));
    }
    let patience = Duration::from_secs(words.timeout);
    let is_silent = timeout(patience, silence(client, name, off)).await;
    if !is_silent.map_or(Ok(false), |result| result.map(|()| true))? {
        let text = format!(
            "the kubelet of {name} reports: the machine is on, and nothing is reclaimed. Kubernetes \
             notices within a minute that a machine is off: its condition Ready is then Unknown\n"
        );
        return Ok(answer(held, "on", &text));
    }
    say(client, object, off).await?;
    tracing::info!(node = name, held, "the operator frees what the node held");
    let is_over = timeout(patience, over(client, name)).await;
    if !is_over.map_or(Ok(false), |result| result.map(|()| true))? {
        anyhow::bail!("{}", late(words, &hidden));
    }
    let snapshot = Snapshot::read(client).await?;
    let left = match snapshot.node(name)? {
        Some(object) => self::held(&snapshot, name, object, off),
        None => 0,
    };
    let freed = held.saturating_sub(left);
    // Of its own accord the operator takes the word back only when all blocks can be read.
    let is_done = left == 0 && self::hidden(&snapshot).is_empty();
    Ok(if is_done {
        let text = format!(
            "{name}: {freed} addresses are free; each rests for its network's reuseDelay\n"
        );
        answer(left, "reclaimed", &text)
    } else {
        let text = format!(
            "the operator refused it, {left} addresses are still held; it says why in the Events of \
             LandfallNode {name}: kubectl describe lfn {name}\n"
        );
        answer(left, "refused", &text)
    })
}

/// Blocks that can't be read: the node may hold addresses in them, and the operator waits for them.
fn hidden(snapshot: &Snapshot) -> Vec<Unreadable> {
    let blocks = snapshot.unread.iter().filter(|one| one.block().is_some());
    blocks.cloned().collect()
}

/// The operator has not come to an end.
fn late(words: &Reclaim, hidden: &[Unreadable]) -> String {
    let (name, seconds) = (&words.node, words.timeout);
    let why = hidden.first().map_or_else(
        || {
            format!(
                "the operator has not done it within {seconds} s: is it running? What was said stands, \
                 and is served when it does"
            )
        },
        |unread| {
            format!(
                "the operator is not done after {seconds} s, and can't be: {unread}. What was said \
                 stands, and is served to the end then"
            )
        },
    );
    format!(
        "{why}; to take it back: kubectl annotate lfn {name} {}-",
        annotation::RECLAIM
    )
}

/// The UID of the Node whose machine is off.
fn off(object: &LandfallNode, words: &Reclaim) -> Uid {
    let uid = words.uid.as_deref().map(Uid::of);
    uid.unwrap_or(object.spec.node.uid)
}

/// How many addresses it concerns. A machine that was registered again has several Node UIDs.
fn held(snapshot: &Snapshot, name: &str, object: &LandfallNode, off: Uid) -> usize {
    let node = &object.spec.node;
    let blocks = snapshot.blocks.values();
    let entries = blocks.flat_map(|block| block.spec.entries.values());
    let on_node = entries.filter(|e| e.state.is_held() && e.node.as_deref() == Some(name));
    let named = on_node.filter(|entry| {
        entry.node_uid == Some(off)
            || (off == node.uid && entry.machine_id == Some(node.machine_id))
    });
    named.count()
}

fn warning(name: &str, held: usize) -> String {
    format!(
        "{name} holds {held} addresses. To reclaim them gives them to other pods.\n\
         If the machine is still on, only cut off from the API server, its pods go on using them: the \
         same address\nis then live twice, and connections and data of both are lost.\n\
         Be certain that it is off, and that it stays off until this command has ended: cut its power, \
         or have\nits management controller or hypervisor say so. A machine that does not answer is not \
         off. Then:\n\n    kubectl landfall reclaim {name} --i-confirm-it-is-off\n"
    )
}

/// Waits until no kubelet says that the machine is on.
async fn silence(client: &Client, name: &str, off: Uid) -> anyhow::Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let mut is_told = false;
    loop {
        let node = nodes.get_opt(name).await;
        let node = node.with_context(|| format!("Node {name} could not be read"))?;
        if node.is_none_or(|node| is_silent(&node, off)) {
            return Ok(());
        }
        if !is_told {
            tracing::info!(
                node = name,
                "the node's condition Ready is not Unknown yet; waiting"
            );
            is_told = true;
        }
        sleep(PERIOD).await;
    }
}

/// Whether the Node says nothing of that machine, or that it does not report.
fn is_silent(node: &Node, off: Uid) -> bool {
    let is_another = node.metadata.uid.as_deref().map(Uid::of) != Some(off);
    let conditions = node
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    is_another || ready.any(|condition| condition.status == "Unknown")
}

/// Writes the annotation, if the object is still the one that was read.
async fn say(client: &Client, object: &LandfallNode, off: Uid) -> anyhow::Result<()> {
    let nodes: Api<LandfallNode> = Api::all(client.clone());
    let patch: Patch<Value> = Patch::Merge(json!({"metadata": {
        "uid": object.uid(),
        "annotations": {annotation::RECLAIM: off},
    }}));
    let patched = nodes
        .patch(&object.name_any(), &PatchParams::default(), &patch)
        .await;
    patched
        .map(drop)
        .context("annotation landfall.dev/reclaim could not be written")
}

/// Waits until the operator has taken the annotation away.
async fn over(client: &Client, name: &str) -> anyhow::Result<()> {
    let nodes: Api<LandfallNode> = Api::all(client.clone());
    let mut listed = None;
    loop {
        let object = nodes.get_opt(name).await;
        let object = object.with_context(|| format!("LandfallNode {name} could not be read"))?;
        let Some(object) = object else { return Ok(()) };
        if !object.annotations().contains_key(annotation::RECLAIM) {
            return Ok(());
        }
        let now = (object.spec.grants.len(), object.spec.fenced.len());
        if listed.replace(now) != Some(now) {
            let (granted, fencing) = now;
            tracing::info!(node = name, granted, fencing, "not done yet");
        }
        sleep(PERIOD).await;
    }
}

fn answer(name: &str, off: Uid, held: usize, outcome: &str, text: &str) -> Answer {
    Answer {
        text: text.to_owned(),
        is_good: matches!(outcome, "reclaimed" | "nothing"),
        json: json!({"node": name, "uid": off, "held": held, "outcome": outcome}),
    }
}

#[cfg(test)]
mod tests;
