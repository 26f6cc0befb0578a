//! A control plane of the bench's own: etcd, kube-apiserver and the operator in one network namespace.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{super::rig::STAGE, Numbers};
use crate::{
    process, progress,
    stage::{self, Held, api::Servers},
};

/// Its network namespace.
const CONTROL: &str = "lfb-control";
const ADDRESS: &str = "10.97.0.1";
const SERVERS: Servers = Servers {
    stage: STAGE,
    netns: CONTROL,
    address: ADDRESS,
};
/// Who the operator is to the API server.
const OPERATOR: &str = "operator";
/// Who the played nodes, users and controllers are.
const FLEET: &str = "fleet";
/// The operator's namespace.
const SYSTEM: &str = "landfall-system";
const OPERATOR_METRICS: &str = "http://127.0.0.1:9481/metrics";
const ETCD_METRICS: &str = "http://127.0.0.1:2379/metrics";
/// Enough for what is written between two compactions. Its folder is in memory, where a flush is free.
const ETCD: &str = "--quota-backend-bytes=8589934592";
/// Nobody makes service accounts here.
const SERVER: &str = "--disable-admission-plugins ServiceAccount --etcd-compaction-interval 60s";

/// It ends with this.
pub(super) struct Control {
    programs: PathBuf,
    _held: Held,
}

// === impl Control ===

impl Control {
    /// Starts all of it and waits until the operator leads.
    pub(super) fn start(operator: &Path, fleet: &Path) -> Result<Self> {
        let held = STAGE.take()?;
        let programs = STAGE.copy(&[(operator, "landfall-operator"), (fleet, "landfall-fleet")])?;
        for line in [
            format!("ip netns add {CONTROL}"),
            format!("ip -n {CONTROL} link set lo up"),
            format!("ip -n {CONTROL} addr add {ADDRESS}/32 dev lo"),
        ] {
            process::line(&line)?;
        }
        SERVERS.prepare(&[OPERATOR, FLEET])?;
        SERVERS.start_etcd(ETCD)?;
        SERVERS.start_server(SERVER)?;
        SERVERS.wait()?;
        SERVERS.define_kinds()?;
        process::run(SERVERS.kubectl()?.args(["create", "namespace", SYSTEM]))?;
        let mut command = stage::inside(CONTROL, &programs.join("landfall-operator"));
        command
            .args(["--namespace", SYSTEM, "--pod-name", OPERATOR])
            // Twice the default: the API server shares two cores with everything else here.
            .args(["--log-level", "warn", "--lease-seconds", "4"])
            .env("KUBECONFIG", SERVERS.kubeconfig(OPERATOR));
        STAGE.start(command, OPERATOR)?;
        let leads = || {
            metrics(OPERATOR_METRICS)
                .lines()
                .any(|line| line == "landfall_operator_leader 1")
        };
        if !progress::wait(Duration::from_secs(30), leads) {
            bail!("no operator leads; {}", operator_log());
        }
        Ok(Self {
            programs,
            _held: held,
        })
    }

    /// How many bytes etcd has written to its log.
    #[expect(clippy::unused_self, reason = "it shows that the server runs")]
    pub(super) fn logged(&self) -> Result<f64> {
        let metrics = metrics(ETCD_METRICS);
        let mut lines = metrics.lines();
        let bytes = lines.find_map(|line| line.strip_prefix("etcd_disk_wal_write_bytes_total "));
        Ok(bytes.context("etcd does not say what it wrote")?.parse()?)
    }

    /// Plays nodes and a scene, and returns what was measured.
    pub(super) fn play(&self, nodes: &str, scene: &str) -> Result<Numbers> {
        let mut command = stage::inside(CONTROL, &self.programs.join("landfall-fleet"));
        command
            .args(nodes.split(' '))
            .arg("--run-dir")
            .arg(STAGE.folder().join("fleet"))
            .args(scene.split(' '))
            .env("KUBECONFIG", SERVERS.kubeconfig(FLEET))
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let output = command.output().context("landfall-fleet")?;
        if !output.status.success() {
            bail!("{scene} failed ({}); {}", output.status, operator_log());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn operator_log() -> String {
    process::tail(&STAGE.log(OPERATOR), 15)
}

fn metrics(of: &str) -> String {
    let mut curl: Command = stage::inside(CONTROL, Path::new("curl"));
    curl.args(["-s", of]);
    process::output(&mut curl).unwrap_or_default()
}
