//! The cluster: the `dev` program, its kubectl, and the commands it runs on nodes and in pods.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// The cluster of `cargo dev up`.
#[derive(Clone, Debug)]
pub struct Cluster {
    dev: PathBuf,
}

/// A node, as `cargo dev status` shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// `node1`, `uml1`.
    pub name: String,
    /// How it is made.
    pub kind: NodeKind,
    /// Whether it is switched on.
    pub power: bool,
    /// Whether it is up and Ready.
    pub ready: bool,
}

/// How a node is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// Namespaces of the machine's kernel.
    Namespace,
    /// A kernel of its own: User-Mode Linux.
    Uml,
}

/// `cargo dev status -o json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Whether the chart is installed.
    pub installed: bool,
    /// Every node.
    pub nodes: Vec<Node>,
    /// The host on the LAN.
    pub lan: Lan,
}

/// The host on the LAN.
#[derive(Clone, Debug, Deserialize)]
pub struct Lan {
    /// Its name for `cargo dev node`.
    pub name: String,
    /// What it always answers on, with prefix lengths.
    pub addresses: Vec<String>,
}

// === impl Cluster ===

impl Cluster {
    /// The cluster that this `dev` program looks after.
    pub fn of(dev: impl Into<PathBuf>) -> Self {
        Self { dev: dev.into() }
    }

    /// Runs `cargo dev WORDS…` and returns all it said.
    pub fn dev(&self, words: &[&str]) -> Result<Output> {
        let mut dev = Command::new(&self.dev);
        let output = dev.args(words).stdin(Stdio::null()).output();
        output.with_context(|| self.dev.display().to_string())
    }

    /// Runs `cargo dev WORDS…` to a good end and returns its stdout.
    pub fn output(&self, words: &[&str]) -> Result<String> {
        checked(words, &self.dev(words)?)
    }

    /// Runs kubectl to a good end and returns its stdout.
    pub fn kubectl(&self, words: &[&str]) -> Result<String> {
        self.output(&[&["kubectl"], words].concat())
    }

    /// Runs kubectl with a text on stdin and returns all it said.
    pub fn feed_kubectl(&self, words: &[&str], text: &str) -> Result<Output> {
        let mut dev = Command::new(&self.dev);
        dev.arg("kubectl").args(words);
        dev.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = dev.spawn().context("kubectl")?;
        // Written from a thread of its own: kubectl may answer before it has read all.
        let mut stdin = child.stdin.take().context("no stdin")?;
        let text = text.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output()?;
        let written = writer.join().unwrap_or(Ok(()));
        if output.status.success() {
            written?;
        }
        Ok(output)
    }

    /// Applies objects.
    pub fn apply(&self, objects: &[Value]) -> Result<()> {
        let list = crate::manifest::list(objects).to_string();
        let words = ["apply", "-f", "-"];
        checked(&words, &self.feed_kubectl(&words, &list)?).map(drop)
    }

    /// Reads an object, or a list, by the words after `kubectl get`.
    pub fn get(&self, words: &[&str]) -> Result<Value> {
        let text = self.kubectl(&[&["get"], words, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("kubectl get {}", words.join(" ")))
    }

    /// The items of a list, by the words after `kubectl get`.
    pub fn items(&self, words: &[&str]) -> Result<Vec<Value>> {
        let mut list = self.get(words)?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => bail!("kubectl get {} gave no list", words.join(" ")),
        }
    }

    /// Runs a command inside a node (`lan` is the host on the LAN) and returns its stdout.
    pub fn on_node(&self, node: &str, words: &[&str]) -> Result<String> {
        self.output(&[&["node", node, "--"], words].concat())
    }

    /// `cargo dev WORDS…`, to be started in the background.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut dev = Command::new(&self.dev);
        dev.args(words);
        dev
    }

    /// A command inside a node, to be started in the background.
    pub fn command_on_node(&self, node: &str, words: &[&str]) -> Command {
        let mut dev = Command::new(&self.dev);
        dev.args(["node", node, "--"]).args(words);
        dev
    }

    /// A command in a pod's network namespace, to be started in the background.
    pub fn command_in_pod(&self, namespace: &str, pod: &str, words: &[&str]) -> Command {
        let mut dev = Command::new(&self.dev);
        dev.args(["pod", &format!("{namespace}/{pod}"), "--"])
            .args(words);
        dev
    }

    /// Runs a command of the machine in a pod's network namespace.
    pub fn in_pod(&self, namespace: &str, pod: &str, words: &[&str]) -> Result<Output> {
        let pod = format!("{namespace}/{pod}");
        self.dev(&[&["pod", &pod, "--"], words].concat())
    }

    /// What is up.
    pub fn status(&self) -> Result<Status> {
        let text = self.output(&["status", "-o", "json"])?;
        serde_json::from_str(&text).context("cargo dev status")
    }

    /// Two nodes whose kernel has ipvlan: those of User-Mode Linux; there are none where the
    /// machine's own kernel has it.
    pub fn ipvlan_nodes(&self) -> Result<Vec<String>> {
        let nodes = self.status()?.nodes;
        if nodes.iter().any(|node| node.kind == NodeKind::Uml) {
            self.nodes(NodeKind::Uml, 2)
        } else {
            self.nodes(NodeKind::Namespace, 2)
        }
    }

    /// The names of the nodes of a kind; fails unless there are `least` and all are ready.
    pub fn nodes(&self, kind: NodeKind, least: usize) -> Result<Vec<String>> {
        let mut nodes = self.status()?.nodes;
        nodes.retain(|node| node.kind == kind);
        if let Some(node) = nodes.iter().find(|node| !node.ready) {
            bail!("{} is not ready: cargo dev up", node.name);
        }
        if nodes.len() < least {
            bail!("{least} {kind:?} nodes are needed: cargo dev up");
        }
        Ok(nodes.into_iter().map(|node| node.name).collect())
    }
}

/// The stdout of a command that ended well; else an error with what it said.
pub fn checked(words: &[&str], output: &Output) -> Result<String> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "cargo dev {} ({}): {} {}",
            words.join(" "),
            output.status,
            stderr.trim(),
            stdout.trim()
        );
    }
    Ok(stdout.into_owned())
}
