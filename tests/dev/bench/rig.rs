//! Where it is measured: a node and a LAN as network namespaces, sandboxes, and a folder in memory.
//!
//! All names are constants, so that a run recognises what a killed one has left.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, anyhow};
use nix::{
    fcntl::{Flock, FlockArg},
    sched::{CloneFlags, setns},
};

use crate::{network, process};

/// The node's network namespace; everything that runs for long runs in it.
pub(super) const NODE: &str = "lfb-node";
/// The other end of the node's wire.
const LAN: &str = "lfb-lan";
/// Sandboxes, with a number.
const SANDBOX: &str = "lfb-pod";
/// The node's interface on that wire: parent of all links.
pub(super) const PARENT: &str = "eth1";
/// The node's own address, where the API server listens.
pub(super) const ADDRESS: &str = "10.97.0.1";

/// Exists as long as this does.
pub(super) struct Rig {
    _lock: Flock<File>,
}

/// The folder.
pub(super) fn folder() -> PathBuf {
    PathBuf::from("/run/landfall-bench")
}

/// Log of a program.
pub(super) fn log(program: &str) -> PathBuf {
    folder().join("log").join(format!("{program}.log"))
}

/// Runs `work` on a thread in the node's network namespace; so do the programs that it starts.
pub(super) fn inside<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            setns(File::open(network::path(NODE))?, CloneFlags::CLONE_NEWNET)?;
            work()
        });
        thread.join().unwrap_or_else(|_| Err(anyhow!("a panic")))
    })
}

/// Makes new sandboxes in place of those that are there.
pub(super) fn sandboxes(count: usize) -> Result<Vec<PathBuf>> {
    remove_sandboxes()?;
    let names: Vec<_> = (0..count).map(|n| format!("{SANDBOX}{n}")).collect();
    batch(names.iter().map(|name| format!("netns add {name}")))?;
    Ok(names.iter().map(|name| network::path(name)).collect())
}

fn remove_sandboxes() -> Result<()> {
    let entries = fs::read_dir("/run/netns").into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let ours = names.filter(|name| name.starts_with(SANDBOX));
    batch(ours.map(|name| format!("netns del {name}")))
}

fn batch(lines: impl Iterator<Item = String>) -> Result<()> {
    let lines: String = lines.map(|line| line + "\n").collect();
    process::feed(&mut process::words("ip -batch -"), &lines)
}

fn clean() -> Result<()> {
    for netns in [NODE, LAN] {
        if network::path(netns).exists() {
            network::remove(netns)?;
        }
    }
    remove_sandboxes()?;
    let folder = folder();
    // What was killed a moment ago may still hold a file.
    while is_mounted(&folder)? {
        process::run(process::words("umount --lazy").arg(&folder))?;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

fn is_mounted(folder: &Path) -> Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    Ok(places.any(|place| Path::new(place) == folder))
}

// === impl Rig ===

impl Rig {
    pub(super) fn build() -> Result<Self> {
        let file = File::create("/run/landfall-bench.lock")?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|_| anyhow!("another `cargo dev bench` is at work"))?;
        clean()?;
        let rig = Self { _lock: lock };
        fs::create_dir_all(folder())?;
        // As a node's /run: a machine without systemd may have a disk there.
        process::run(process::words("mount -t tmpfs -o mode=0700 landfall-bench").arg(folder()))?;
        fs::create_dir_all(folder().join("log"))?;
        wire()?;
        Ok(rig)
    }
}

fn wire() -> Result<()> {
    for netns in [NODE, LAN] {
        process::line(&format!("ip netns add {netns}"))?;
        process::line(&format!("ip -n {netns} link set lo up"))?;
    }
    process::line(&format!(
        "ip -n {LAN} link add lan0 type veth peer name {PARENT} netns {NODE}"
    ))?;
    process::line(&format!("ip -n {LAN} link set lan0 up"))?;
    process::line(&format!("ip -n {NODE} link set {PARENT} up"))?;
    process::line(&format!("ip -n {NODE} addr add {ADDRESS}/24 dev {PARENT}"))
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Err(error) = clean() {
            eprintln!("error: the bench leaves something behind: {error:#}");
        }
    }
}
