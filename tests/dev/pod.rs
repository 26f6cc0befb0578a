//! A pod's network namespace, entered with the machine's own programs.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{cluster, layout::Node, node, process};

/// A command that runs in the network namespace of pod `NAMESPACE/NAME`.
pub(crate) fn command(pod: &str, words: &[String]) -> Result<Command> {
    let (namespace, name) = pod
        .split_once('/')
        .context("a pod is written NAMESPACE/NAME")?;
    let mut kubectl = cluster::kubectl();
    kubectl.args(["get", "pod", "-n", namespace, name, "-o", "json"]);
    let pod: Value = serde_json::from_str(&process::output(&mut kubectl)?)?;
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let node = Node::named(text("/spec/nodeName").context("the pod is not bound to a node yet")?)?;
    if pod.pointer("/spec/hostNetwork").and_then(Value::as_bool) == Some(true) {
        return node::command(&node, words);
    }
    // The runtime knows a static pod by the hash that kubelet gave it, not by its mirror's UID.
    let uid = text("/metadata/annotations/kubernetes.io~1config.mirror");
    let uid = uid.or_else(|| text("/metadata/uid"));
    let netns = netns(&node, uid.context("a pod without a UID")?)?;
    let mut all = vec![
        "nsenter".to_owned(),
        format!("--net={netns}"),
        "--".to_owned(),
    ];
    all.extend_from_slice(words);
    node::command(&node, &all)
}

/// Path, on its node, of the network namespace of the newest sandbox of a pod.
fn netns(node: &Node, uid: &str) -> Result<String> {
    let ctr = |line: &str| -> Result<String> {
        let words = format!("ctr -n k8s.io containers {line}");
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        process::output(&mut node::command(node, &words)?)
    };
    let filter = format!(
        "ls -q labels.\"io.kubernetes.pod.uid\"=={uid},\
         labels.\"io.cri-containerd.kind\"==sandbox"
    );
    let mut newest: Option<(String, String)> = None;
    for sandbox in ctr(&filter)?.lines() {
        let info: Value = serde_json::from_str(&ctr(&format!("info {sandbox}"))?)?;
        let created = info
            .get("CreatedAt")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let Some(path) = network_path(&info) else {
            continue;
        };
        if newest.as_ref().is_none_or(|(latest, _)| *latest < created) {
            newest = Some((created, path));
        }
    }
    match newest {
        Some((_, path)) => Ok(path),
        None => bail!("{} has no sandbox of this pod", node.name),
    }
}

/// `ctr info` holds the OCI specification, which names the namespaces.
fn network_path(info: &Value) -> Option<String> {
    let namespaces = info.pointer("/Spec/linux/namespaces")?.as_array()?;
    let network = namespaces
        .iter()
        .find(|one| one.get("type").is_some_and(|kind| kind == "network"))?;
    Some(network.get("path")?.as_str()?.to_owned())
}
