//! Nodes: started, entered, powered off and on, whatever they are made of.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    cgroup, images,
    init::{self, Service, Spec},
    launch::Machine,
    layout::{self, Kind, Node, Runtime},
    network, process, progress, runtime, uml,
};

/// (folder in the node's own, its standard place): what a power cut does not lose.
const DISK: [(&str, &str); 8] = [
    ("containerd", "/var/lib/containerd"),
    ("kubelet", "/var/lib/kubelet"),
    ("cni", "/var/lib/cni"),
    ("landfall", "/var/lib/landfall"),
    ("opt-cni", "/opt/cni"),
    ("etc-cni", "/etc/cni"),
    ("pods", "/var/log/pods"),
    ("containers", "/var/log/containers"),
];

/// Plugins of the primary network and those that ours is compared with.
const PLUGINS: [&str; 8] = [
    "bridge",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "portmap",
    "static",
    "tuning",
];

fn machine(node: &Node) -> Machine {
    Machine {
        folder: node.folder(),
        netns: node.netns(),
    }
}

/// Nodes of this cluster, in order, also those without power.
pub(crate) fn all() -> Vec<Node> {
    let entries = fs::read_dir(layout::state().join("nodes"))
        .into_iter()
        .flatten();
    let mut nodes: Vec<_> = entries
        .filter_map(|entry| Node::named(entry.ok()?.file_name().to_str()?).ok())
        .collect();
    nodes.sort_by_key(|node| node.number);
    nodes
}

/// Whether it has power.
pub(crate) fn running(node: &Node) -> bool {
    match node.kind {
        Kind::Namespace => machine(node).pid().is_some(),
        Kind::Uml => uml::running(node),
    }
}

/// A command that runs inside the node.
pub(crate) fn command(node: &Node, words: &[String]) -> Result<Command> {
    if !running(node) {
        bail!(
            "{} has no power: cargo dev node {} power-on",
            node.name,
            node.name
        );
    }
    match node.kind {
        Kind::Namespace => machine(node).command(words),
        Kind::Uml => uml::command(node, words),
    }
}

/// Switches it on; fine when it is on. [`wait_ready`] waits for the rest.
pub(crate) fn start(node: &Node) -> Result<()> {
    if running(node) {
        return Ok(());
    }
    match node.kind {
        Kind::Namespace => start_namespaces(node),
        Kind::Uml => uml::start(node),
    }
}

fn start_namespaces(node: &Node) -> Result<()> {
    cgroup::remove(&node.cgroup())?;
    cgroup::create(&node.cgroup())?;
    network::plug_node(node)?;
    let folder = node.folder();
    for (own, _) in DISK {
        fs::create_dir_all(folder.join(own)).with_context(|| folder.display().to_string())?;
    }
    install_plugins(node)?;
    runtime::configure(node)?;
    process::write(&folder.join("machine-id"), machine_id(node) + "\n")?;
    let spec = spec(node)?;
    remember(&init::places(&spec)?)?;
    machine(node).start(&spec)
}

/// Every machine has one of its own: agents and kubelets tell machines apart by it.
fn machine_id(node: &Node) -> String {
    format!("1f{:030x}", node.number)
}

fn install_plugins(node: &Node) -> Result<()> {
    let source = match node.runtime {
        Runtime::Debian => PathBuf::from("/usr/lib/cni"),
        Runtime::Containerd2 => layout::plugins()?,
    };
    let bin = node.folder().join("opt-cni/bin");
    fs::create_dir_all(&bin)?;
    for name in PLUGINS {
        if !bin.join(name).exists() {
            fs::copy(source.join(name), bin.join(name)).with_context(|| name.to_owned())?;
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn spec(node: &Node) -> Result<Spec> {
    let folder = node.folder();
    let mut binds: Vec<_> = DISK
        .iter()
        .map(|(own, place)| (folder.join(own), PathBuf::from(place)))
        .collect();
    binds.push((folder.join("machine-id"), "/etc/machine-id".into()));
    let service = |program: &str, arguments: String, after: Option<PathBuf>| Service {
        words: std::iter::once(program)
            .chain(arguments.split_whitespace())
            .map(str::to_owned)
            .collect(),
        log: node.log(program),
        after,
    };
    let config = |name: &str| folder.join(name).display().to_string();
    let socket = Some(PathBuf::from("/run/containerd/containerd.sock"));
    Ok(Spec {
        hostname: node.name.clone(),
        path: path(node)?,
        tmpfs: vec!["/run".into()],
        binds,
        shared: vec!["/run".into(), "/var/lib/kubelet".into()],
        services: vec![
            service(
                "containerd",
                format!("--config {}", config("containerd.toml")),
                None,
            ),
            service(
                "kubelet",
                format!(
                    "--config {} --kubeconfig {} --hostname-override {} --node-ip {}",
                    config("kubelet.json"),
                    config("kubelet.kubeconfig"),
                    node.name,
                    node.address()
                ),
                socket,
            ),
            service(
                "kube-proxy",
                format!(
                    "--kubeconfig {} --hostname-override {} --proxy-mode nftables \
                     --cluster-cidr {} --conntrack-max-per-core 0",
                    config("kube-proxy.kubeconfig"),
                    node.name,
                    layout::POD_SUBNET
                ),
                None,
            ),
        ],
    })
}

/// The node's own containerd, shim and ctr come before the distribution's.
fn path(node: &Node) -> Result<String> {
    let own = match node.runtime {
        Runtime::Debian => String::new(),
        Runtime::Containerd2 => format!("{}:", layout::containerd()?.display()),
    };
    let standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    Ok(format!(
        "{own}{}:{standard}",
        layout::kubernetes()?.display()
    ))
}

/// Notes which mount points `down` has to remove from the machine.
fn remember(places: &[PathBuf]) -> Result<()> {
    let file = layout::state().join("places");
    let mut text = fs::read_to_string(&file).unwrap_or_default();
    for place in places {
        text.push_str(&place.display().to_string());
        text.push('\n');
    }
    process::write(&file, text)
}

/// Waits until its kubelet answers and it has its images and is Ready.
pub(crate) fn wait_ready(node: &Node) -> Result<()> {
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let inside =
        |line: &str| command(node, &words(line)).is_ok_and(|mut run| process::succeeds(&mut run));
    if node.kind == Kind::Uml {
        uml::wait(node)?;
    }
    let limit = Duration::from_secs(if node.kind == Kind::Uml { 120 } else { 60 });
    if !progress::wait(limit, || inside("ctr version")) {
        bail!(
            "containerd does not answer; {}",
            process::tail(&node.log("containerd"), 15)
        );
    }
    images::load_all(node)?;
    let kubelet = "curl -sf -m 5 -o /dev/null http://127.0.0.1:10248/healthz";
    let ready = || inside(kubelet) && ready(node);
    if !progress::wait(limit, ready) {
        bail!(
            "{} is not Ready; {}",
            node.name,
            process::tail(&node.log("kubelet"), 15)
        );
    }
    Ok(())
}

fn ready(node: &Node) -> bool {
    let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    let mut kubectl = crate::cluster::kubectl();
    kubectl.args(["get", "node", &node.name, "-o", path]);
    process::output(&mut kubectl).is_ok_and(|status| status == "True")
}

/// Cuts its power: nothing on it is told.
pub(crate) fn stop(node: &Node) -> Result<()> {
    match node.kind {
        Kind::Namespace => {
            machine(node).kill()?;
            network::unplug_node(node)?;
            cgroup::remove(&node.cgroup())
        }
        Kind::Uml => uml::stop(node),
    }
}

/// Removes the mount points that were made on the machine, if nothing has filled them since.
pub(crate) fn remove_places(list: &Path) {
    for place in fs::read_to_string(list).unwrap_or_default().lines() {
        fs::remove_dir(place)
            .or_else(|_| remove_empty(Path::new(place)))
            .unwrap_or_default();
    }
}

fn remove_empty(file: &Path) -> std::io::Result<()> {
    if fs::metadata(file)?.len() == 0 && file.is_file() {
        fs::remove_file(file)
    } else {
        Ok(())
    }
}
