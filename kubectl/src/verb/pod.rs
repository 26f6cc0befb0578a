//! `pod`: what a pod was granted, and why it was not.

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use landfall_core::id::{Name, Uid};
use landfall_crds::{keys::annotation, node::Refusal};
use serde_json::json;

use crate::{answer::Answer, holding::Holding, snapshot::Snapshot};

/// Which pod, as far as the ledger is concerned.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// As it was asked for.
    name: String,
    owner: Uid,
    node: Option<String>,
    /// Whether an annotation asks for networks.
    asks: bool,
}

/// Reads the pod.
pub(crate) async fn read(client: &Client, name: &str) -> anyhow::Result<Asked> {
    let (namespace, pod) = name.split_once('/').unwrap_or(("default", name));
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let object = api.get(pod).await;
    let object = object.with_context(|| format!("pod {namespace}/{pod} could not be read"))?;
    Ok(asked(&format!("{namespace}/{pod}"), &object))
}

/// A mirror pod is known by the UID of its static pod.
pub(crate) fn asked(name: &str, pod: &Pod) -> Asked {
    let meta = &pod.metadata;
    let annotation = |key: &str| meta.annotations.as_ref()?.get(key);
    let uid = annotation(annotation::MIRROR).or(meta.uid.as_ref());
    let keys = [annotation::NETWORKS, annotation::LANDFALL_NETWORKS];
    let mut texts = keys.into_iter().filter_map(annotation);
    Asked {
        name: name.to_owned(),
        owner: Uid::of(uid.map(String::as_str).unwrap_or_default()),
        node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        asks: texts.any(|text| !text.trim().is_empty()),
    }
}

/// What the pod has, and what it was refused.
pub(crate) fn pod(snapshot: &Snapshot, asked: &Asked) -> Answer {
    let mut holdings = Holding::all(snapshot);
    holdings.retain(|holding| holding.owner == Some(asked.owner));
    let node = asked.node.as_deref();
    let node = node.and_then(|node| snapshot.nodes.get(&Name::from(node)));
    let refusals = node.iter().flat_map(|node| &node.spec.refusals);
    let refusals: Vec<&Refusal> = refusals.filter(|r| r.owner == asked.owner).collect();
    let name = &asked.name;
    let mut text = if !holdings.is_empty() {
        Holding::table(&holdings)
    } else if asked.asks {
        format!("pod {name} has no attachment\n")
    } else {
        format!("pod {name} asks for no network\n")
    };
    for refusal in &refusals {
        text = format!("{text}{}: {}\n", refusal.reason, refusal.message);
    }
    let answer = Answer {
        text,
        is_good: refusals.is_empty() && !(asked.asks && holdings.is_empty()),
        json: json!({
            "pod": name,
            "uid": asked.owner,
            "node": asked.node,
            "holdings": holdings,
            "refusals": refusals,
        }),
    };
    answer.without(&snapshot.unread)
}

#[cfg(test)]
mod tests;
