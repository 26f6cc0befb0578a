//! The cluster as a whole: up and down.

use std::{
    fs::{self, File},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};

use crate::{
    apt, cgroup, control_plane, forward, go, images, launch,
    layout::{self, MAX_NODES, NETNS_BRIDGES, Node},
    network, node, pki, process, progress,
};

/// The cluster's own kubectl.
pub(crate) fn kubectl() -> Command {
    tool(layout::kubernetes(), "kubectl")
}

/// Helm, for this cluster.
pub(crate) fn helm() -> Command {
    tool(layout::helm(), "helm")
}

fn tool(folder: Result<std::path::PathBuf>, name: &str) -> Command {
    // Without a cache folder `up` has failed long before.
    let mut command = Command::new(folder.unwrap_or_default().join(name));
    command.env("KUBECONFIG", layout::kubeconfig());
    command
}

/// Refuses to go on without root.
pub(crate) fn need_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    bail!("namespaces, mounts and cgroups need root: run this as root")
}

/// Refuses to go on without a cluster.
pub(crate) fn need_up() -> Result<()> {
    need_root()?;
    if control_plane::machine().pid().is_some() {
        return Ok(());
    }
    bail!("no cluster is up: cargo dev up")
}

/// For tests: a cluster that is up stays as it is.
pub(crate) fn ensure_up() -> Result<()> {
    if need_up().is_ok() {
        return Ok(());
    }
    up(2, None)
}

/// One `up` or `down` at a time.
fn lock() -> Result<Flock<File>> {
    fs::create_dir_all("/run")?;
    let file = File::create("/run/landfall-dev.lock")?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| anyhow::anyhow!("another `cargo dev up` or `down` is at work"))
}

/// Brings up what is not up yet.
pub(crate) fn up(nodes: u8, uml_nodes: Option<u8>) -> Result<()> {
    need_root()?;
    if nodes > MAX_NODES || uml_nodes > Some(MAX_NODES) {
        bail!("at most {MAX_NODES} nodes of each kind");
    }
    let _lock = lock()?;
    apt::install()?;
    go::sweep()?;
    go::build()?;
    if control_plane::machine().pid().is_none() {
        remove_all()?;
        progress::step("making certificates and tokens", None, prepare)?;
    }
    copy_self()?;
    network::start()?;
    progress::step("starting the control plane", Some(5), control_plane::start)?;
    forward::start()?;
    let uml_nodes = uml_nodes.unwrap_or_else(|| if has_ipvlan() { 0 } else { 2 });
    let mut wanted: Vec<_> = (1..=nodes).map(Node::namespace).collect();
    wanted.extend((1..=uml_nodes).map(Node::uml));
    start_nodes(wanted)
}

/// Nodes that exist beyond the wanted ones stay, and get power too.
fn start_nodes(mut wanted: Vec<Node>) -> Result<()> {
    for extra in node::all() {
        if !wanted.contains(&extra) {
            progress::note(&format!(
                "{} is there from an earlier run and stays",
                extra.name
            ));
            wanted.push(extra);
        }
    }
    let names: Vec<_> = wanted.iter().map(|node| node.name.as_str()).collect();
    let expected = if wanted.iter().any(|node| node.kind == layout::Kind::Uml) {
        40
    } else {
        5
    };
    progress::step(
        &format!("starting {}", names.join(", ")),
        Some(expected),
        || {
            for node in &wanted {
                node::start(node).with_context(|| node.name.clone())?;
            }
            wanted.iter().try_for_each(node::wait_ready)
        },
    )
}

/// What every start begins with: certificates, tokens, images.
fn prepare() -> Result<()> {
    pki::create()?;
    images::base()
}

/// Copies this program for the daemons: cargo may build it anew under them. Those that run keep
/// what they have.
fn copy_self() -> Result<()> {
    let copy = layout::own_copy();
    let half = copy.with_extension("part");
    fs::create_dir_all(layout::state().join("bin"))?;
    // Not the path: a long build of other parts leaves time to replace the file.
    fs::copy("/proc/self/exe", &half).with_context(|| half.display().to_string())?;
    fs::rename(half, &copy).with_context(|| copy.display().to_string())
}

/// Whether the machine's kernel makes ipvlan links, tried where it disturbs nobody.
fn has_ipvlan() -> bool {
    let ip = |line: &str| process::words(&format!("ip -n {NETNS_BRIDGES} link {line}"));
    let made = process::succeeds(&mut ip("add lf-probe link cluster type ipvlan mode l2"));
    if made {
        process::run(&mut ip("del lf-probe")).unwrap_or_default();
    }
    made
}

/// Removes everything that `up` made, except the cache.
pub(crate) fn down() -> Result<()> {
    need_root()?;
    let _lock = lock()?;
    progress::step("removing the cluster", Some(3), remove_all)
}

/// Removes what a run has left, also one that was killed half-way.
fn remove_all() -> Result<()> {
    for node in node::all() {
        node::stop(&node).with_context(|| node.name.clone())?;
    }
    control_plane::machine().kill()?;
    launch::strays().into_iter().for_each(process::kill);
    for netns in network::ours() {
        network::remove(&netns)?;
    }
    for group in cgroup::ours() {
        cgroup::remove(&group)?;
    }
    let state = layout::state();
    node::remove_places(&state.join("places"));
    if !state.exists() {
        return Ok(());
    }
    // The last process of a killed machine may hold a file for a moment more.
    let removed = || fs::remove_dir_all(&state).is_ok();
    if !progress::wait(Duration::from_secs(10), removed) {
        fs::remove_dir_all(&state).with_context(|| state.display().to_string())?;
    }
    Ok(())
}
