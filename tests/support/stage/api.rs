//! A Kubernetes API server of a stage's own: etcd and kube-apiserver in one of its namespaces.

use std::{
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Stage, inside, kube::Kube};
use crate::{netns, parts, process, progress, tree};

/// Port of an API server, in its namespace.
pub const PORT: u16 = 6443;
/// Service addresses; the first is the API server.
pub const SERVICE_SUBNET: &str = "10.96.0.0/16";

/// Who the tool itself is to the API server.
pub const ADMIN: &str = "admin";

/// Where the servers run, and how they are asked. It starts and ends with the stage.
#[derive(Clone, Copy, Debug)]
pub struct Servers {
    /// Whose they are.
    pub stage: Stage,
    /// The network namespace of both.
    pub netns: &'static str,
    /// An address there.
    pub address: &'static str,
}

/// What a program needs to ask a server as a user.
pub fn kubeconfig(server: &str, user: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "stage",
        "clusters": [{"name": "stage", "cluster": {
            "server": server,
            // Its certificate is its own, and nobody else is in this namespace.
            "insecure-skip-tls-verify": true,
        }}],
        "users": [{"name": user, "user": {"token": user}}],
        "contexts": [{"name": "stage", "context": {"cluster": "stage", "user": user}}],
    })
}

// === impl Servers ===

impl Servers {
    /// Writes keys, and a kubeconfig for each user. All users may do everything.
    pub fn prepare(self, users: &[&str]) -> Result<()> {
        let folder = self.stage.folder();
        let users = || users.iter().copied().chain([ADMIN]);
        let tokens: Vec<_> = users()
            .map(|user| format!("{user},{user},{user},system:masters"))
            .collect();
        process::write(&folder.join("tokens.csv"), tokens.join("\n"))?;
        for user in users() {
            let server = format!("https://{}:{PORT}", self.address);
            process::write(
                &self.kubeconfig(user),
                kubeconfig(&server, user).to_string(),
            )?;
        }
        for line in [
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sa.key",
            "openssl pkey -in sa.key -pubout -out sa.pub",
        ] {
            process::run(process::words(line).current_dir(&folder))?;
        }
        Ok(())
    }

    /// The path of a user's kubeconfig.
    pub fn kubeconfig(self, user: &str) -> PathBuf {
        self.stage.folder().join(format!("{user}.kubeconfig"))
    }

    /// Starts etcd with what it keeps in the folder.
    pub fn start_etcd(self, more: &str) -> Result<Child> {
        let mut etcd = inside(self.netns, &parts::etcd()?.join("etcd"));
        etcd.arg("--data-dir").arg(self.stage.folder().join("etcd"));
        etcd.arg("--log-level=warn").args(more.split_whitespace());
        self.stage.start(etcd, "etcd")
    }

    /// Starts the API server.
    pub fn start_server(self, more: &str) -> Result<Child> {
        let folder = self.stage.folder().display().to_string();
        let mut server = inside(self.netns, &parts::kubernetes()?.join("kube-apiserver"));
        let line = format!(
            "--etcd-servers http://127.0.0.1:2379 --bind-address {address} --secure-port {PORT} \
             --advertise-address {address} --endpoint-reconciler-type none --cert-dir {folder}/pki \
             --service-cluster-ip-range {services} --token-auth-file {folder}/tokens.csv \
             --authorization-mode RBAC --service-account-issuer https://{name} \
             --service-account-key-file {folder}/sa.pub --service-account-signing-key-file {folder}/sa.key",
            address = self.address,
            services = SERVICE_SUBNET,
            name = self.stage.name,
        );
        server
            .args(line.split_whitespace())
            .args(more.split_whitespace());
        self.stage.start(server, "kube-apiserver")
    }

    /// Waits until it answers.
    pub fn wait(self) -> Result<()> {
        let ready = format!("https://{}:{PORT}/readyz", self.address);
        if !netns::answers(self.netns, &ready, Duration::from_secs(120)) {
            let log = self.stage.log("kube-apiserver");
            bail!("the API server is not ready; {}", process::tail(&log, 15));
        }
        Ok(())
    }

    /// kubectl as the tool itself.
    pub fn kubectl(self) -> Result<Command> {
        let mut kubectl = inside(self.netns, &parts::kubernetes()?.join("kubectl"));
        kubectl.env("KUBECONFIG", self.kubeconfig(ADMIN));
        // Its cache of what the server offers would be another server's.
        kubectl.env("KUBECACHEDIR", self.stage.folder().join("kube"));
        Ok(kubectl)
    }

    /// Starts a proxy for the tool itself, which outlives the API server.
    pub fn start_proxy(self) -> Result<Kube> {
        let socket = self.stage.folder().join("api.sock");
        let mut proxy = self.kubectl()?;
        proxy.arg("proxy").arg("--unix-socket").arg(&socket);
        self.stage.start(proxy, "kubectl-proxy")?;
        if !progress::wait(Duration::from_secs(30), || socket.exists()) {
            let log = self.stage.log("kubectl-proxy");
            bail!("kubectl proxy does not start; {}", process::tail(&log, 5));
        }
        Ok(Kube { socket })
    }

    /// Applies our kinds and waits until they are served.
    pub fn define_kinds(self) -> Result<()> {
        let crds = tree::tree("crds/yaml");
        process::run(self.kubectl()?.arg("apply").arg("-f").arg(crds))?;
        let established = "wait --for=condition=Established crd --all --timeout=30s";
        process::run(self.kubectl()?.args(established.split(' ')))
    }
}
