//! Nodes with a kernel of their own: User-Mode Linux.
//!
//! ```text
//! start ─> folder: params, disk.img, configuration    read by tests/cluster/uml/init
//!       ─> taps on the bridges, one more to the command service
//!       ─> linux.uml, in a session of its own: outlives this program
//! command ─> our copy, `internal uml-exec NAME -- WORDS…` ─> wire ─> `internal uml-serve` inside
//! stop  ─> kills what has the node's folder on its command line, and its session
//! ```
//!
//! A power cut keeps the node's disk, as a real one does: images, pods' state, plugins and their
//! records. `cargo dev down` removes the folder.

mod client;
mod config;
mod machine;
mod once;
mod serve;
mod wire;

use std::{
    fs::{self, File},
    net::Ipv4Addr,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

pub(crate) use once::{Folder, kernel_has_all, on, run_once};
pub(crate) use serve::serve;

use crate::{
    layout::{self, BRIDGE_CLUSTER, BRIDGE_LAN, NETNS_BRIDGES, Node},
    network, process, progress,
};

/// Longest boot that is waited for: 10 s on an idle machine.
const BOOT: Duration = Duration::from_secs(90);

/// Starts the node's kernel and returns at once, so that several boot beside each other; [`wait`] is
/// for each of them. Bridges, certificates, tokens and images exist by then.
pub(crate) fn start(node: &Node) -> Result<()> {
    stop(node)?;
    config::write(node)?;
    machine::disk(&node.folder())?;
    plug(node)?;
    boot(node)
}

/// Waits until the command service answers and `init` has started all there is to start; an error as
/// soon as the kernel has ended.
pub(crate) fn wait(node: &Node) -> Result<()> {
    let words = ["test", "-e", "/run/rig/booted"].map(str::to_owned);
    let mut last = Ok(());
    progress::wait(BOOT, || {
        last = command(node, &words).and_then(|mut command| process::run(&mut command));
        last.is_ok() || !running(node)
    });
    last.with_context(|| process::tail(&node.log("console"), 20))
        .with_context(|| format!("{} does not boot", node.name))
}

/// A command of the machine that runs `words` inside the node: with its stdin, stdout, stderr and
/// exit code, so that callers run it as they like.
pub(crate) fn command(node: &Node, words: &[String]) -> Result<Command> {
    if !running(node) {
        bail!("{} does not run", node.name);
    }
    let mut command = Command::new(layout::own_copy());
    command
        .args(["internal", "uml-exec", &node.name, "--"])
        .args(words);
    Ok(command)
}

/// What `internal uml-exec NAME -- WORDS…` does: returns the exit code of `words`.
pub(crate) fn exec(name: &str, words: &[String]) -> Result<u8> {
    let node = Node::named(name)?;
    client::run(
        &network::path(NETNS_BRIDGES),
        service(&node, Side::Inside),
        words,
    )
    .with_context(|| node.name)
}

/// Whether the node's kernel runs.
pub(crate) fn running(node: &Node) -> bool {
    !machine::processes(&node.folder()).is_empty()
}

/// Cuts the power and removes the taps. Fine when nothing runs.
pub(crate) fn stop(node: &Node) -> Result<()> {
    machine::kill(&node.folder())?;
    if !network::exists(NETNS_BRIDGES) {
        return Ok(());
    }
    for (tap, _) in taps(node) {
        let line = |verb: &str| process::words(&format!("ip -n {NETNS_BRIDGES} link {verb} {tap}"));
        if process::succeeds(&mut line("show")) {
            process::run(&mut line("del"))?;
        }
    }
    Ok(())
}

/// The two ends of the link to the command service.
#[derive(Clone, Copy)]
enum Side {
    /// The tap in the namespace of the bridges.
    Outside,
    /// The machine.
    Inside,
}

/// Addresses of the link to the node's command service: a network of two for each node.
fn service(node: &Node, side: Side) -> Ipv4Addr {
    let host = match side {
        Side::Outside => 1,
        Side::Inside => 2,
    };
    Ipv4Addr::new(169, 254, node.number, host)
}

/// Names of the taps and the bridges they belong to, in the order of the machine's interfaces.
fn taps(node: &Node) -> [(String, Option<&'static str>); 4] {
    [
        (node.port(0), Some(BRIDGE_CLUSTER)),
        (node.port(1), Some(BRIDGE_LAN)),
        (node.port(2), Some(BRIDGE_LAN)),
        (format!("{}-rig", node.name), None),
    ]
}

fn plug(node: &Node) -> Result<()> {
    let commands = taps(node).map(|(tap, bridge)| {
        let last = match bridge {
            Some(bridge) => format!("link set {tap} master {bridge}"),
            None => format!("address add {}/24 dev {tap}", service(node, Side::Outside)),
        };
        format!("tuntap add {tap} mode tap\nlink set {tap} up\n{last}\n")
    });
    let mut ip = process::words(&format!("ip -n {NETNS_BRIDGES} -batch -"));
    process::feed(&mut ip, &commands.concat())
}

fn boot(node: &Node) -> Result<()> {
    let folder = node.folder();
    fs::create_dir_all(folder.join("log"))?;
    let console = File::create(node.log("console"))?;
    // Its pid file and socket; whatever an earlier boot left there would be "in use".
    let umid = folder.join("umid");
    fs::remove_dir_all(&umid).unwrap_or_default();
    fs::create_dir_all(&umid)?;
    let mut uml = process::words("setsid nsenter");
    uml.arg(format!("--net={}", network::path(NETNS_BRIDGES).display()));
    uml.args(machine::kernel(
        &folder,
        &layout::tree().join("tests/cluster/uml/init"),
    )?);
    uml.arg(format!("umid={}", node.name));
    for (index, (tap, _)) in (0..).zip(taps(node)) {
        let mac = node.mac(index);
        uml.arg(format!(
            "vec{index}:transport=tap,ifname={tap},mac={mac},depth=64"
        ));
    }
    uml.env_clear()
        .env("LD_PRELOAD", machine::xstate(&folder)?)
        .env("HOME", umid)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    uml.current_dir("/")
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console);
    // A group of its own, as setsid(1) forks when it leads one.
    uml.process_group(0).spawn().context("linux.uml")?;
    if !progress::wait(Duration::from_secs(5), || running(node)) {
        bail!(
            "{} does not start; {}",
            node.name,
            process::tail(&node.log("console"), 20)
        );
    }
    Ok(())
}
