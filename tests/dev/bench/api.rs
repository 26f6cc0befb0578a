//! A Kubernetes API server of the bench's own: etcd and kube-apiserver in the node's namespace.
//!
//! Not the cluster's: an operator there would take the bench's node object, with its grants that no
//! ledger knows, for a fault to repair; and the bench wants to stop the server.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use anyhow::Result;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::rig::{ADDRESS, NODE, STAGE, folder};
use crate::{
    process,
    stage::{self, api::Servers},
};

/// Who the agent is to the API server.
pub(super) const AGENT: &str = "agent";

const SERVERS: Servers = Servers {
    stage: STAGE,
    netns: NODE,
    address: ADDRESS,
};

/// Every request is a line.
const AUDIT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
";

/// Running servers.
pub(super) struct Api {
    server: Child,
    /// Its log of requests.
    audit: PathBuf,
}

/// The path of a user's kubeconfig.
pub(super) fn kubeconfig(user: &str) -> PathBuf {
    SERVERS.kubeconfig(user)
}

/// A command in the node's namespace.
pub(super) fn on_node(program: &Path) -> Command {
    stage::inside(NODE, program)
}

// === impl Api ===

impl Api {
    /// Starts it, with our kinds.
    pub(super) fn start() -> Result<Self> {
        process::write(&folder().join("audit.yaml"), AUDIT)?;
        SERVERS.prepare(&[AGENT])?;
        SERVERS.start_etcd("--unsafe-no-fsync")?;
        let folder = folder();
        let audit = folder.join("audit.log");
        let server = SERVERS.start_server(&format!(
            "--audit-policy-file {} --audit-log-path {}",
            folder.join("audit.yaml").display(),
            audit.display()
        ))?;
        SERVERS.wait()?;
        SERVERS.define_kinds()?;
        Ok(Self { server, audit })
    }

    /// Writes an object as a whole.
    #[expect(clippy::unused_self, reason = "it shows that the server runs")]
    pub(super) fn apply(&self, object: &Value) -> Result<()> {
        let mut apply = SERVERS.kubectl()?;
        apply.args("apply --server-side --force-conflicts -f -".split(' '));
        process::feed(&mut apply, &object.to_string())
    }

    /// What the agent has asked so far: requests by verb and path.
    pub(super) fn requests(&self) -> Result<BTreeMap<String, u32>> {
        let mut requests = BTreeMap::new();
        let log = fs::read_to_string(&self.audit)?;
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let text = |pointer| event.pointer(pointer).and_then(Value::as_str);
            if text("/user/username") == Some(AGENT) {
                let verb = text("/verb").unwrap_or_default();
                let part = text("/objectRef/subresource").unwrap_or("object");
                let count: &mut u32 = requests.entry(format!("{verb} {part}")).or_default();
                *count = count.saturating_add(1);
            }
        }
        Ok(requests)
    }

    /// Runs `work` while the server does not answer.
    pub(super) fn stopped<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let pid = Pid::from_raw(i32::try_from(self.server.id())?);
        kill(pid, Signal::SIGSTOP)?;
        let result = work();
        kill(pid, Signal::SIGCONT)?;
        result
    }
}
