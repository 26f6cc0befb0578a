//! `cargo dev demo`: everything at once, from nothing to pods that ping each other, and a table.
//!
//! The objects are those of docs/examples. What was there before stays as it was: a cluster that
//! was up stays up, a chart that was installed stays installed.

use std::fs;

use anyhow::{Context, Result, bail};
use landfall_tests::{
    cluster::{Cluster, checked},
    diagnosis,
    manifest::BUSYBOX,
    pod::condition,
    wait,
};

use crate::{cluster, install, layout, node, progress, status};

mod attach;
mod pods;
pub(crate) mod standalone;
mod table;

/// Namespace of the example pods.
const NAMESPACE: &str = "landfall-demo";
/// Label of the nodes that have pods of the ipvlan network.
const LABEL: &str = "example.com/backup";
/// (kind, name) of the example networks; a DaemonSet of the same name uses each.
const NETWORKS: [(&str, &str); 2] = [("MacvlanNetwork", "storage"), ("IpvlanNetwork", "backup")];

/// Shows it. Returns whether all pings were answered.
pub(crate) fn run(keep: bool) -> Result<bool> {
    cluster::need_root()?;
    let was_up = cluster::need_up().is_ok();
    cluster::ensure_up()?;
    let was_installed = status::installed();
    install::install()?;
    need_names(&this()?)?;
    let shown = show(keep);
    if shown.is_err() {
        diagnosis::print(&this()?, NAMESPACE);
    }
    if keep {
        progress::note("--keep: pods, networks and cluster stay; cargo dev down removes all of it");
    } else {
        progress::step("removing pods and networks", Some(18), remove)?;
        if was_up && !was_installed {
            install::uninstall()?;
        }
        if was_up {
            progress::note("the cluster was up before and stays: cargo dev down removes it");
        } else {
            cluster::down()?;
        }
    }
    shown
}

/// This cluster, as tests see it.
fn this() -> Result<Cluster> {
    Ok(Cluster::of(std::env::current_exe()?))
}

/// Refuses to take over networks that are not an earlier demo's.
fn need_names(cluster: &Cluster) -> Result<()> {
    if cluster.kubectl(&["get", "namespace", NAMESPACE]).is_ok() {
        return Ok(());
    }
    for (kind, name) in NETWORKS {
        if cluster.kubectl(&["get", kind, name]).is_ok() {
            bail!("{kind} {name} exists, and the demo makes one of that name: remove it first");
        }
    }
    Ok(())
}

fn show(keep: bool) -> Result<bool> {
    let cluster = this()?;
    progress::step(
        "applying docs/examples/macvlan.yaml and ipvlan.yaml",
        Some(3),
        || {
            label(&cluster)?;
            apply(&cluster, "macvlan.yaml")?;
            apply(&cluster, "ipvlan.yaml")?;
            for (kind, name) in NETWORKS {
                network_ready(&cluster, kind, name)?;
            }
            Ok(())
        },
    )?;
    let before = attach::times(&cluster)?;
    progress::step(
        "starting the pods of docs/examples/pods.yaml",
        Some(15),
        || {
            apply(&cluster, "pods.yaml")?;
            for (_, name) in NETWORKS {
                let set = format!("daemonset/{name}");
                let rollout = ["rollout", "status", "--timeout=180s", "-n", NAMESPACE, &set];
                cluster.kubectl(&rollout)?;
            }
            Ok(())
        },
    )?;
    let after = attach::times(&cluster)?;
    let mut pods = progress::step("reading what the pods have", None, || pods::read(&cluster))?;
    for pod in &mut pods {
        pod.attach = attach::mean(&before, &after, &pod.node);
    }
    let answered = progress::step("pinging between nodes and to the LAN", None, || {
        pods::ping(&cluster, &mut pods)
    })?;
    println!("{}", table::text(&pods, keep));
    Ok(answered)
}

/// Waits until pods can attach; a network that is not accepted will not be.
fn network_ready(cluster: &Cluster, kind: &str, name: &str) -> Result<()> {
    let network = wait::until(&format!("network {name} is judged"), 60, || {
        let network = cluster.get(&[kind, name])?;
        let status = |of: &str| condition(&network, of).map(|(status, ..)| status.to_owned());
        let judged = status("Ready").as_deref() == Some("True")
            || status("Accepted").as_deref() == Some("False");
        judged
            .then_some(network.clone())
            .with_context(|| format!("{:?}", network.pointer("/status/conditions")))
    })?;
    match condition(&network, "Accepted") {
        Some(("False", _, why)) => bail!("network {name}: {why}"),
        _ => Ok(()),
    }
}

/// Applies one of the examples. The nodes can pull nothing: they have a busybox already.
fn apply(cluster: &Cluster, example: &str) -> Result<()> {
    let path = layout::tree().join("docs/examples").join(example);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let text = text.replace("image: busybox\n", &format!("image: {BUSYBOX}\n"));
    let words = ["apply", "-f", "-"];
    checked(&words, &cluster.feed_kubectl(&words, &text)?).map(drop)
}

/// Labels the nodes whose kernel has ipvlan.
fn label(cluster: &Cluster) -> Result<()> {
    let label = format!("{LABEL}=yes");
    for node in cluster.ipvlan_nodes()? {
        cluster.kubectl(&["label", "node", &node, &label, "--overwrite"])?;
    }
    Ok(())
}

fn remove() -> Result<()> {
    let cluster = this()?;
    let delete = ["delete", "--ignore-not-found", "--timeout=60s"];
    let remove = |words: &[&str]| cluster.kubectl(&[&delete, words].concat()).map(drop);
    remove(&["namespace", NAMESPACE])?;
    for (kind, name) in NETWORKS {
        remove(&[kind, name])?;
    }
    let unlabel = format!("{LABEL}-");
    for node in node::all() {
        cluster.kubectl(&["label", "node", &node.name, &unlabel])?;
    }
    Ok(())
}
