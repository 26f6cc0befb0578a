//! What tests do on nodes, and how it is undone.

use anyhow::{Context, Result, ensure};

use crate::{cluster::Cluster, pod, wait};

/// Runs a shell script inside a node; `arguments` are `$1`, `$2`, ….
pub fn sh(cluster: &Cluster, node: &str, script: &str, arguments: &[&str]) -> Result<String> {
    let words = [&["sh", "-euc", script, "sh"], arguments].concat();
    cluster.on_node(node, &words)
}

/// A script that is run inside a node when the test ends, also after a failure.
#[must_use = "it is undone at once"]
pub struct Undo<'c> {
    cluster: &'c Cluster,
    node: String,
    script: String,
    done: bool,
}

// === impl Undo ===

impl<'c> Undo<'c> {
    /// Does something on a node by one script and will undo it by another.
    pub fn after(cluster: &'c Cluster, node: &str, script: &str, undo: &str) -> Result<Self> {
        // First of all: a script that fails half-way is undone too.
        let guard = Self {
            cluster,
            node: node.to_owned(),
            script: undo.to_owned(),
            done: false,
        };
        sh(cluster, node, script, &[])?;
        Ok(guard)
    }

    /// Undoes it now.
    pub fn now(mut self) -> Result<()> {
        self.done = true;
        sh(self.cluster, &self.node, &self.script, &[]).map(drop)
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Err(error) = sh(self.cluster, &self.node, &self.script, &[]) {
            eprintln!("{}: not undone: {error:#}", self.node);
        }
    }
}

/// Kills the pause process of a pod, as the kernel does when memory is short, and waits until the pod
/// runs in another sandbox.
pub fn kill_sandbox(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    const KILL: &str = r#"
        uid="labels.\"io.kubernetes.pod.uid\"==$1"
        kind='labels."io.cri-containerd.kind"==sandbox'
        for id in $(ctr -n k8s.io containers ls -q "$uid,$kind"); do
            # An earlier sandbox has no process any more.
            ctr -n k8s.io task kill -s SIGKILL "$id" 2>/dev/null && echo "$id" || :
        done"#;
    let pod = cluster.get(&["pod", "-n", namespace, name])?;
    let before = container(&pod).to_owned();
    let (uid, node) = (
        pod::text(&pod, "/metadata/uid"),
        pod::text(&pod, "/spec/nodeName"),
    );
    let killed = sh(cluster, node, KILL, &[uid])?;
    ensure!(!killed.is_empty(), "{name} has no sandbox on {node}");
    wait::until(&format!("{name} runs in another sandbox"), 90, || {
        let pod = cluster.get(&["pod", "-n", namespace, name])?;
        ensure!(container(&pod) != before, "the container is {before}");
        let ready = pod::condition(&pod, "Ready").context("no condition Ready")?;
        ensure!(ready.0 == "True", "{ready:?}");
        Ok(())
    })
}

fn container(pod: &serde_json::Value) -> &str {
    pod::text(pod, "/status/containerStatuses/0/containerID")
}
