//! etcd and a Kubernetes API server in a network namespace of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use landfall_tests::{tree, wait};
use serde_json::{Value, json};

use crate::{
    api::Api,
    place::{Folder, Namespace, Program, run},
    programs,
};

/// Where it listens, for its own namespace and for the nodes.
pub(crate) const SERVER: &str = "https://10.77.0.1:6443";
/// The same without the port.
const ADDRESS: &str = "10.77.0.1";
/// The operator's namespace.
pub(crate) const SYSTEM: &str = "landfall-system";

/// A running control plane. The calling thread must be in its namespace while it is used.
pub(crate) struct Control {
    pub(crate) api: Api,
    programs: [Program; 2],
}

// === impl Control ===

impl Control {
    /// Starts it, with our kinds.
    pub(crate) fn start(netns: &Namespace, folder: &Folder) -> Self {
        let [etcd, kubernetes] = programs::control_plane();
        let own = folder.path().display();
        fs::write(
            folder.join("tokens.csv"),
            "test,test,test,system:masters\noperator,operator,operator,system:masters\n\
             agent,agent,agent,system:masters\n",
        )
        .unwrap();
        for line in [
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sa.key",
            "openssl pkey -in sa.key -pubout -out sa.pub",
        ] {
            run(words(line).current_dir(folder.path()));
        }
        netns.batch(&format!("addr add {ADDRESS}/32 dev lo\n"));
        let mut command = netns.command(etcd.join("etcd"));
        let line = format!("--data-dir {own}/etcd --unsafe-no-fsync --log-level=warn");
        command.args(line.split_whitespace());
        let etcd = Program::start(command, &folder.join("etcd.log"));
        let mut command = netns.command(kubernetes.join("kube-apiserver"));
        // Pods need no ServiceAccount, since no controller makes one.
        let line = format!(
            "--etcd-servers http://127.0.0.1:2379 --bind-address {ADDRESS} --secure-port 6443 \
             --advertise-address {ADDRESS} --endpoint-reconciler-type none --cert-dir {own}/pki \
             --service-cluster-ip-range 10.96.0.0/16 --token-auth-file {own}/tokens.csv \
             --authorization-mode RBAC --disable-admission-plugins ServiceAccount \
             --service-account-issuer https://faults --service-account-key-file {own}/sa.pub \
             --service-account-signing-key-file {own}/sa.key"
        );
        command.args(line.split_whitespace());
        let server = Program::start(command, &folder.join("kube-apiserver.log"));
        let control = Self {
            api: Api::new(SERVER, "test"),
            programs: [etcd, server],
        };
        control.settle(&kubernetes.join("kubectl"), folder, netns);
        control
    }

    fn settle(&self, kubectl: &Path, folder: &Folder, netns: &Namespace) {
        let ready = wait::until("the API server is ready", 60, || self.api.text("/readyz"));
        ready.unwrap_or_else(|error| panic!("{error:#}\n{}", self.programs[1].tail()));
        let path = kubeconfig(folder, SERVER, "test");
        let apply = |words: &str| {
            let mut kubectl = netns.command(kubectl);
            kubectl.env("KUBECONFIG", &path);
            kubectl.env("KUBECACHEDIR", folder.join("kube"));
            run(kubectl.args(words.split_whitespace()));
        };
        let crds = tree::tree("crds/yaml");
        apply(&format!("apply -f {}", crds.display()));
        apply("wait --for=condition=Established crd --all --timeout=30s");
        for namespace in [SYSTEM, "default"] {
            let object = json!({"metadata": {"name": namespace}});
            // The API server makes default itself, in its own time.
            drop(self.api.create("/api/v1/namespaces", &object));
        }
    }
}

/// Writes a kubeconfig and returns its path.
pub(crate) fn kubeconfig(folder: &Folder, server: &str, user: &str) -> PathBuf {
    let config: Value = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "faults",
        // The server's certificate is its own, and nobody else is in this namespace.
        "clusters": [{"name": "faults", "cluster": {"server": server, "insecure-skip-tls-verify": true}}],
        "users": [{"name": user, "user": {"token": user}}],
        "contexts": [{"name": "faults", "context": {"cluster": "faults", "user": user}}],
    });
    let path = folder.join(&format!("{}.kubeconfig", crate::place::unique(user)));
    fs::write(&path, config.to_string()).unwrap();
    path
}

fn words(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}
