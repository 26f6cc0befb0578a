//! What a test switches off or takes away. Each is taken back when its guard goes, also after a failure.

use anyhow::{Context, Result, bail, ensure};

use crate::{cluster::Cluster, wait};

/// The machine of etcd and the control plane, for `cargo dev node`.
pub const CONTROL: &str = "control";
/// What an administrator puts on a Node whose machine is off, for its pods to be replaced.
pub const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute";
/// How long etcd and the API server may take to be back; they take 5 s alone.
const API_SECONDS: u64 = 90;

type Undo<'c> = Box<dyn FnOnce() -> Result<()> + 'c>;

/// An outage lasts until it is ended, or goes out of scope.
#[must_use]
pub struct Outage<'c> {
    what: String,
    undo: Option<Undo<'c>>,
}

// === impl Outage ===

impl<'c> Outage<'c> {
    /// One that has begun, and how it is taken back.
    pub fn new(what: impl Into<String>, undo: impl FnOnce() -> Result<()> + 'c) -> Self {
        Self {
            what: what.into(),
            undo: Some(Box::new(undo)),
        }
    }

    /// Takes it back.
    pub fn end(mut self) -> Result<()> {
        let undo = self.undo.take().context("an outage ends once")?;
        undo().with_context(|| format!("{} can't be taken back", self.what))
    }
}

impl Drop for Outage<'_> {
    fn drop(&mut self) {
        if let Some(undo) = self.undo.take()
            && let Err(error) = undo()
        {
            eprintln!("{} can't be taken back: {error:#}", self.what);
        }
    }
}

/// Sends a signal to a program of a node, or of the control plane; fails if it does not run.
pub fn signal(cluster: &Cluster, node: &str, signal: &str, program: &str) -> Result<()> {
    let words = ["pkill", "-x", "--signal", signal, comm(program)];
    let sent = cluster.on_node(node, &words);
    sent.map(drop)
        .with_context(|| format!("{program} on {node}"))
}

/// Kills a program, at once. The node's service manager, or kubelet, starts it again.
pub fn kill(cluster: &Cluster, node: &str, program: &str) -> Result<()> {
    signal(cluster, node, "KILL", program)
}

/// The kernel keeps the first 15 bytes of a program's name.
fn comm(program: &str) -> &str {
    program.get(..15).unwrap_or(program)
}

/// Kills a program of the control plane and keeps it from running.
pub fn hold<'c>(cluster: &'c Cluster, program: &'c str) -> Result<Outage<'c>> {
    let file = format!("/run/rig/hold/{program}");
    cluster
        .on_node(CONTROL, &["touch", &file])
        .context("an older program started the control plane: cargo dev node control reboot")?;
    let held = Outage::new(format!("{program} is held"), move || {
        cluster.on_node(CONTROL, &["rm", &file])?;
        api_answers(cluster)
    });
    kill(cluster, CONTROL, program)?;
    Ok(held)
}

/// Kills etcd and the API server and keeps both from running: one is of no use without the other.
pub fn hold_store(cluster: &Cluster) -> Result<Outage<'_>> {
    const PROGRAMS: [&str; 2] = ["kube-apiserver", "etcd"];
    let files = PROGRAMS.map(|program| format!("/run/rig/hold/{program}"));
    let [server, store] = &files;
    cluster.on_node(CONTROL, &["touch", server, store])?;
    let held = Outage::new("etcd and the API server are held", move || {
        let [server, store] = &files;
        cluster.on_node(CONTROL, &["rm", store, server])?;
        api_answers(cluster)
    });
    for program in PROGRAMS {
        kill(cluster, CONTROL, program)?;
    }
    Ok(held)
}

/// Keeps every node from the API server; the machine's own kubectl still reaches it.
pub fn close(cluster: &Cluster) -> Result<Outage<'_>> {
    let nft = |rules: &str| cluster.on_node(CONTROL, &["nft", rules]).map(drop);
    let closed = Outage::new("the API server is closed", move || {
        nft("delete table inet closed")
    });
    nft("add table inet closed; \
         add chain inet closed in { type filter hook input priority 10; }; \
         add rule inet closed in iifname != lo tcp dport 6443 drop")?;
    Ok(closed)
}

/// Waits until the API server is ready.
pub fn api_answers(cluster: &Cluster) -> Result<()> {
    wait::until("the API server is ready", API_SECONDS, || {
        cluster.kubectl(&["get", "--raw", "/readyz"]).map(drop)
    })
}

/// Drops what a node and the API server send each other: kubelet's, the agent's and that of all pods
/// on the node's own network.
pub fn partition<'c>(cluster: &'c Cluster, node: &'c str) -> Result<Outage<'c>> {
    let path = "jsonpath={.subsets[0].addresses[0].ip}";
    let server = ["get", "endpoints", "kubernetes", "-o", path];
    let server = cluster.kubectl(&server)?;
    ensure!(!server.is_empty(), "the API server has no address");
    // After the translation of the Service's address.
    let rules = format!(
        "add table inet parted; \
         add chain inet parted in {{ type filter hook input priority 10; }}; \
         add chain inet parted out {{ type filter hook output priority 10; }}; \
         add rule inet parted in ip saddr {server} drop; \
         add rule inet parted out ip daddr {server} drop"
    );
    let nft = |rules: &str| cluster.on_node(node, &["nft", rules]).map(drop);
    let parted = Outage::new(format!("the partition of {node}"), move || {
        nft("delete table inet parted")
    });
    nft(&rules)?;
    Ok(parted)
}

/// Cuts a node's power. Taking it back means that the node is Ready again.
pub fn power_off<'c>(cluster: &'c Cluster, node: &'c str) -> Result<Outage<'c>> {
    let switch = |to| cluster.output(&["node", node, to]).map(drop);
    let off = Outage::new(format!("{node} without power"), move || switch("power-on"));
    switch("power-off")?;
    Ok(off)
}

/// Puts a taint, as `KEY=VALUE:EFFECT`, on a Node.
pub fn taint<'c>(cluster: &'c Cluster, node: &'c str, taint: &'c str) -> Result<Outage<'c>> {
    let change = move |taint: &str| cluster.kubectl(&["taint", "node", node, taint]).map(drop);
    let tainted = Outage::new(format!("the taint of {node}"), move || {
        let removed = change(&format!("{taint}-"));
        match removed {
            // A Node that was deleted meanwhile has come back without it.
            Err(error) if format!("{error:#}").contains("not found") => Ok(()),
            removed => removed,
        }
    });
    change(taint)?;
    Ok(tainted)
}

/// The UID of a Node, if there is such a Node.
pub fn node_uid(cluster: &Cluster, node: &str) -> Result<String> {
    let uid = cluster.kubectl(&["get", "node", node, "-o", "jsonpath={.metadata.uid}"])?;
    if uid.is_empty() {
        bail!("{node} has no UID");
    }
    Ok(uid)
}
