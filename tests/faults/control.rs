//! etcd and a Kubernetes API server in a network namespace of their own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use landfall_tests::stage::{
    Stage,
    api::{Servers, kubeconfig},
    kube::Kube,
    objects,
};

use crate::place::{Namespace, unique};

/// The tier's own.
pub(crate) const STAGE: Stage = Stage {
    name: "faults",
    prefix: "lft-",
};
/// Where the servers run.
const SERVERS: Servers = Servers {
    stage: STAGE,
    netns: "lft-control",
    address: "10.77.0.1",
};
/// Where the API server listens, for its own namespace and for the nodes.
pub(crate) const SERVER: &str = "https://10.77.0.1:6443";
/// Who our programs are to it.
const USERS: [&str; 2] = ["operator", "agent"];

/// Starts it, with our kinds.
pub(crate) fn start() -> Result<(Namespace, Kube)> {
    let netns = Namespace::named(SERVERS.netns.to_owned());
    netns.batch(&format!("addr add {}/32 dev lo\n", SERVERS.address));
    SERVERS.prepare(&USERS)?;
    SERVERS.start_etcd("--unsafe-no-fsync")?;
    // Pods need no ServiceAccount, since no controller makes one.
    SERVERS.start_server("--disable-admission-plugins ServiceAccount")?;
    SERVERS.wait()?;
    SERVERS.define_kinds()?;
    let kube = SERVERS.start_proxy()?;
    kube.create("/api/v1/namespaces", &objects::system())?;
    Ok((netns, kube))
}

/// Writes a kubeconfig for a server, the real one or one that stands before it, and returns its path.
pub(crate) fn access(folder: &Path, server: &str, user: &str) -> PathBuf {
    let path = folder.join(format!("{}.kubeconfig", unique(user)));
    fs::write(&path, kubeconfig(server, user).to_string()).unwrap();
    path
}
