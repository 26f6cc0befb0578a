//! Where it is measured: a node and a LAN as network namespaces, and sandboxes.

use std::{
    fs::{self, File},
    path::PathBuf,
    thread,
};

use anyhow::{Result, anyhow};
use nix::sched::{CloneFlags, setns};

use crate::{
    network, process,
    stage::{Held, Stage},
};

/// The bench's own.
pub(super) const STAGE: Stage = Stage {
    name: "bench",
    prefix: "lfb-",
};

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
    _held: Held,
}

/// The folder.
pub(super) fn folder() -> PathBuf {
    STAGE.folder()
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

// === impl Rig ===

impl Rig {
    pub(super) fn build() -> Result<Self> {
        // All at once, where the stage would take one by one.
        remove_sandboxes()?;
        let rig = Self {
            _held: STAGE.take()?,
        };
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
        if let Err(error) = remove_sandboxes() {
            eprintln!("error: the bench leaves sandboxes behind: {error:#}");
        }
    }
}
