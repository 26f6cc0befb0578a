//! A Kubernetes API server of the bench's own: etcd and kube-apiserver in the node's namespace.
//!
//! Not the cluster's: an operator there would take the bench's node object, with its grants that no
//! ledger knows, for a fault to repair; and the bench wants to stop the server.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use super::rig::{self, ADDRESS, NODE, folder};
use crate::{
    layout::{self, API_PORT},
    network, process,
};

/// Who the agent is to the API server.
pub(super) const AGENT: &str = "agent";
const ADMIN: &str = "admin";

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
    kubectl: PathBuf,
    /// Its log of requests.
    audit: PathBuf,
}

/// The path of a user's kubeconfig.
pub(super) fn kubeconfig(user: &str) -> PathBuf {
    folder().join(format!("{user}.kubeconfig"))
}

/// A command in the node's namespace.
pub(super) fn on_node(program: &Path) -> Command {
    let mut command = process::words(&format!("nsenter --net=/run/netns/{NODE} --"));
    command.arg(program);
    command
}

/// Starts a program on the node, with its output in a log. It ends with the rig.
pub(super) fn start(mut command: Command, name: &str) -> Result<Child> {
    let log = File::create(rig::log(name))?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.spawn().with_context(|| name.to_owned())
}

// === impl Api ===

impl Api {
    /// Starts it, with our kinds.
    pub(super) fn start() -> Result<Self> {
        process::write(&folder().join("audit.yaml"), AUDIT)?;
        let tokens = [AGENT, ADMIN].map(|user| format!("{user},{user},{user},system:masters"));
        process::write(&folder().join("tokens.csv"), tokens.join("\n"))?;
        for user in [AGENT, ADMIN] {
            process::write(&kubeconfig(user), config(user).to_string())?;
        }
        for line in [
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sa.key",
            "openssl pkey -in sa.key -pubout -out sa.pub",
        ] {
            process::run(process::words(line).current_dir(folder()))?;
        }
        let mut etcd = on_node(&layout::etcd()?.join("etcd"));
        etcd.arg("--data-dir").arg(folder().join("etcd"));
        etcd.args(["--unsafe-no-fsync", "--log-level=warn"]);
        start(etcd, "etcd")?;
        let server = start(server()?, "kube-apiserver")?;
        let ready = format!("https://{ADDRESS}:{API_PORT}/readyz");
        if !network::answers(NODE, &ready, Duration::from_secs(60)) {
            let log = rig::log("kube-apiserver");
            bail!("the API server is not ready; {}", process::tail(&log, 15));
        }
        let api = Self {
            server,
            kubectl: layout::kubernetes()?.join("kubectl"),
            audit: folder().join("audit.log"),
        };
        let crds = layout::tree().join("crds/yaml");
        process::run(api.kubectl().arg("apply").arg("-f").arg(crds))?;
        let established = "wait --for=condition=Established crd --all --timeout=30s";
        process::run(api.kubectl().args(established.split(' ')))?;
        Ok(api)
    }

    fn kubectl(&self) -> Command {
        let mut kubectl = on_node(&self.kubectl);
        kubectl.env("KUBECONFIG", kubeconfig(ADMIN));
        // Its cache of what the server offers would be another server's.
        kubectl.env("KUBECACHEDIR", folder().join("kube"));
        kubectl
    }

    /// Writes an object as a whole.
    pub(super) fn apply(&self, object: &Value) -> Result<()> {
        let mut apply = self.kubectl();
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

fn config(user: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {
            "server": format!("https://{ADDRESS}:{API_PORT}"),
            // Its certificate is its own, and nobody else is in this namespace.
            "insecure-skip-tls-verify": true,
        }}],
        "users": [{"name": user, "user": {"token": user}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": user}}],
    })
}

fn server() -> Result<Command> {
    let folder = folder().display().to_string();
    let mut server = on_node(&layout::kubernetes()?.join("kube-apiserver"));
    let line = format!(
        "--etcd-servers http://127.0.0.1:2379 --bind-address {ADDRESS} --secure-port {API_PORT} \
         --advertise-address {ADDRESS} --endpoint-reconciler-type none --cert-dir {folder}/pki \
         --service-cluster-ip-range {services} --token-auth-file {folder}/tokens.csv \
         --authorization-mode RBAC --audit-policy-file {folder}/audit.yaml \
         --audit-log-path {folder}/audit.log --service-account-issuer https://bench \
         --service-account-key-file {folder}/sa.pub --service-account-signing-key-file {folder}/sa.key",
        services = layout::SERVICE_SUBNET,
    );
    server.args(line.split_whitespace());
    Ok(server)
}
