//! A node: a network namespace, folders of its own, and the agent.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{
    daemon::Daemon,
    rig::{self, SERVERS, STAGE},
};
use crate::{
    process,
    stage::{
        self, cni,
        kube::{Kube, NODES},
        objects::{self, SYSTEM},
    },
};

/// Who an agent is to the API server.
pub(super) const AGENT: &str = "agent";

/// A node and what runs on it.
pub(super) struct Node {
    /// Its place among all.
    pub(super) index: usize,
    /// The Node's name.
    pub(super) name: String,
    /// The agent.
    pub(super) agent: Daemon,
    /// Held for reading by whatever happens on the node, for writing while it has no power.
    pub(super) power: RwLock<()>,
    /// How often it was fenced: pods of before are no more.
    pub(super) fences: AtomicU64,
    /// How often the agent has lost records of sandboxes that are there.
    pub(super) losses: AtomicU64,
    boots: AtomicU64,
}

// === impl Node ===

impl Node {
    /// Makes its folders.
    pub(super) fn new(index: usize, programs: &Path) -> Result<Self> {
        let name = format!("node{}", index.saturating_add(1));
        let node = Self {
            index,
            agent: Daemon::new(true, {
                let (name, programs) = (name.clone(), programs.to_owned());
                Box::new(move || STAGE.start(command(&name, &programs), &format!("agent-{name}")))
            }),
            power: RwLock::new(()),
            fences: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            boots: AtomicU64::new(0),
            name,
        };
        let folder = folder(&node.name);
        for part in ["cni/bin", "netns", "results"] {
            fs::create_dir_all(folder.join(part))?;
        }
        process::write(&folder.join("machine-id"), node.machine())?;
        let list = folder.join("cni/net.d/10-cluster.conflist");
        process::write(&list, cni::primary().to_string())?;
        node.boot()?;
        Ok(node)
    }

    /// The machine's identity.
    pub(super) fn machine(&self) -> String {
        format!("{:032x}", self.index.saturating_add(0xbe2c_0001))
    }

    /// Where sandboxes are bound.
    pub(super) fn netns_dir(&self) -> PathBuf {
        folder(&self.name).join("netns")
    }

    /// The agent's folder, which ends with a boot.
    pub(super) fn run_dir(&self) -> PathBuf {
        run_dir(&self.name)
    }

    /// Where the agent puts the plugin.
    pub(super) fn plugins(&self) -> PathBuf {
        folder(&self.name).join("cni/bin")
    }

    /// Another boot ID from now on.
    pub(super) fn boot(&self) -> Result<()> {
        let boot = self.boots.fetch_add(1, Ordering::Relaxed);
        let index = self.index;
        let id = format!("00000000-0000-4000-8000-{index:04x}{boot:08x}\n");
        process::write(&folder(&self.name).join("boot-id"), id)
    }

    /// Forgets what the agent knew.
    pub(super) fn lose_run(&self) -> Result<()> {
        self.losses.fetch_add(1, Ordering::SeqCst);
        let folder = self.run_dir();
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())
    }

    /// Makes one of the agent's records unreadable, if there is one. An agent that was killed before it had
    /// begun has no folder yet.
    pub(super) fn spoil_record(&self) -> Result<bool> {
        let Ok(records) = fs::read_dir(self.run_dir().join("attachments")) else {
            return Ok(false);
        };
        let mut all = records.flatten();
        let Some(record) = all.find(|entry| entry.path().extension().is_some()) else {
            return Ok(false);
        };
        self.losses.fetch_add(1, Ordering::SeqCst);
        process::write(&record.path(), "{")?;
        Ok(true)
    }

    /// Kills the agent and starts the next one; between them, whatever `meanwhile` does.
    pub(super) fn restart_agent(
        &self,
        signal: Signal,
        meanwhile: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.agent.end(signal)?;
        meanwhile()?;
        self.agent.start()
    }

    /// Kubelet registers the Node.
    pub(super) fn register(&self, kube: &Kube) -> Result<()> {
        let object = objects::node(&self.name, &self.machine());
        kube.create(NODES, &object).map(drop)
    }

    /// Kubelet says whether the agent's pod is Ready.
    pub(super) fn tell(&self, kube: &Kube, is_ready: bool) -> Result<()> {
        let path = format!(
            "/api/v1/namespaces/{SYSTEM}/pods/agent-{}/status",
            self.name
        );
        kube.patch(&path, &objects::readiness(is_ready))
    }
}

fn folder(node: &str) -> PathBuf {
    STAGE.folder().join(node)
}

fn run_dir(node: &str) -> PathBuf {
    folder(node).join("run")
}

/// Processes and a boot of its own: it must look at all it sees, and nodes share no boot ID.
fn command(node: &str, programs: &Path) -> std::process::Command {
    const BOOT: &str = r#"mount --bind "$1" /proc/sys/kernel/random/boot_id; shift; exec "$@""#;
    let folder = folder(node);
    let mut command = stage::inside(&rig::netns(node), Path::new("unshare"));
    command
        .args("--pid --fork --kill-child --mount-proc --propagation slave -- sh -ec".split(' '))
        .args([BOOT, "sh"])
        .arg(folder.join("boot-id"))
        .arg(programs.join("landfall-agent"))
        .args(["--node-name", node, "--door", "Chained", "--log", "warn"])
        .args(["--proc-sys", "/proc/sys"]);
    for (flag, path) in [
        ("--run-dir", run_dir(node)),
        ("--plugin-source", programs.join("landfall")),
        ("--cni-bin-dir", folder.join("cni/bin")),
        ("--cni-conf-dir", folder.join("cni/net.d")),
        ("--cni-results-dir", folder.join("results")),
        ("--machine-id-file", folder.join("machine-id")),
        ("--netns-dir", folder.join("netns")),
    ] {
        command.arg(flag).arg(path);
    }
    command.env("KUBECONFIG", SERVERS.kubeconfig(AGENT));
    command
}
