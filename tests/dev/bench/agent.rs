//! The release agent on the bench's node, and a hand that plays the operator.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
    time::Duration,
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    api::{self, AGENT, Api},
    rig::{NODE, PARENT, STAGE, folder},
};
use crate::{network, process, progress, stage};

/// The network that every pod asks for.
pub(super) const NETWORK: &str = "bench";
/// Its subnet, and that of the peers.
pub(super) const SUBNET: &str = "10.98.0.0/16";
const NODE_NAME: &str = "bench";
const NETWORK_UID: &str = "00000000-0000-4000-8000-0000000000aa";
const MACHINE: &str = "0000000000000000000000000000be2c";
const METRICS: &str = "http://127.0.0.1:9480";

/// A running agent. It ends with the rig.
pub(super) struct Agent {
    child: Child,
}

/// A pod that has a grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pod(pub(super) usize);

/// The agent's folder: LANDFALL_RUN_DIR of the plugin.
pub(super) fn run_dir() -> PathBuf {
    folder().join("run")
}

/// Where the agent puts the plugin.
pub(super) fn plugin() -> PathBuf {
    folder().join("cni/bin/landfall")
}

// === impl Pod ===

impl Pod {
    pub(super) fn uid(self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.0)
    }

    pub(super) fn name(self) -> String {
        format!("pod-{}", self.0)
    }

    fn grant(self) -> Value {
        let (high, low) = (
            self.0.div_euclid(250),
            self.0.rem_euclid(250).saturating_add(2),
        );
        json!({
            "address": format!("10.98.{high}.{low}"), "prefixLength": 16,
            "seq": format!("1.{}", self.0.saturating_add(1)),
            "network": NETWORK_UID, "networkName": NETWORK, "owner": self.uid(),
            "pod": {"namespace": "default", "name": self.name()}, "interface": "net1",
            "mac": format!("0a:58:0a:62:{high:02x}:{low:02x}"),
        })
    }
}

// === impl Agent ===

impl Agent {
    /// Starts it from `programs` and waits until it serves grants of so many pods.
    pub(super) fn start(programs: &Path, api: &Api, pods: usize) -> Result<Self> {
        let ours = ["landfall", "landfall-agent"].map(|program| (programs, program));
        let own = STAGE.copy(&ours)?;
        process::write(&folder().join("machine-id"), MACHINE)?;
        let list = stage::cni::primary();
        let conf_dir = folder().join("cni/net.d");
        process::write(&conf_dir.join("10-cluster.conflist"), list.to_string())?;
        // Processes of its own: it must look at all it sees, and where containers are nested that is
        // refused for the machine's. What is bound below /run/netns later still shows up.
        let mut command = api::on_node(Path::new("unshare"));
        command
            .args("--pid --fork --kill-child --mount-proc --propagation slave --".split(' '))
            .arg(own.join("landfall-agent"))
            .args([
                "--node-name",
                NODE_NAME,
                "--door",
                "Chained",
                "--log",
                "warn",
            ])
            .args(["--proc-sys", "/proc/sys"])
            .arg("--run-dir")
            .arg(run_dir())
            .arg("--plugin-source")
            .arg(own.join("landfall"))
            .arg("--cni-bin-dir")
            .arg(folder().join("cni/bin"))
            .arg("--cni-conf-dir")
            .arg(conf_dir)
            .arg("--machine-id-file")
            .arg(folder().join("machine-id"))
            .env("KUBECONFIG", api::kubeconfig(AGENT));
        fs::create_dir_all(folder().join("cni/bin"))?;
        let child = STAGE.start(command, "agent")?;
        let agent = Self { child };
        grant(api, pods)?;
        Ok(agent)
    }

    /// Its memory, in MiB.
    pub(super) fn memory(&self) -> Result<f64> {
        // The child of `unshare`.
        let outer = self.child.id();
        let pid = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children"))?;
        let status = fs::read_to_string(format!("/proc/{}/status", pid.trim()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: u32 = kilobytes.unwrap_or_default().parse()?;
        Ok(f64::from(kilobytes) / 1024.0)
    }
}

/// Grants an address to each of so many pods, and waits until the agent knows.
pub(super) fn grant(api: &Api, pods: usize) -> Result<()> {
    api.apply(&object(pods))?;
    let wanted = format!("landfall_agent_grants {pods}");
    let serves = || metrics().lines().any(|line| line == wanted);
    let ready = progress::wait(Duration::from_secs(20), serves)
        && network::answers(NODE, &format!("{METRICS}/readyz"), Duration::from_secs(20));
    if !ready {
        let log = process::tail(&STAGE.log("agent"), 15);
        bail!("the agent does not serve its grants; {log}");
    }
    Ok(())
}

fn metrics() -> String {
    let mut curl = api::on_node(Path::new("curl"));
    curl.args(["-s", &format!("{METRICS}/metrics")]);
    process::output(&mut curl).unwrap_or_default()
}

/// As the operator writes it for a node with so many pods.
fn object(pods: usize) -> Value {
    let grants: Vec<_> = (0..pods).map(|index| Pod(index).grant()).collect();
    json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
        "metadata": {"name": NODE_NAME},
        "spec": {
            "node": {"uid": "00000000-0000-4000-8000-0000000000bb", "machineID": MACHINE},
            "networks": [{
                "uid": NETWORK_UID, "name": NETWORK, "kind": "Macvlan", "segment": "default",
                "mode": "bridge", "ipam": "Cluster", "defaultRoute": "Never",
                "parents": [{"interface": PARENT}], "subnets": [{"cidr": SUBNET}],
            }],
            "grants": grants,
        },
    })
}
