//! What is built from the Go modules in tests/cluster, and where it is kept.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Versions of what is built from the Go modules in tests/cluster.
pub mod version {
    /// Kubernetes.
    pub const KUBERNETES: &str = "v1.36.3";
    /// etcd, etcdctl and etcdutl.
    pub const ETCD: &str = "v3.6.16";
    /// Helm.
    pub const HELM: &str = "v3.22.0";
    /// containerd, its shim and ctr.
    pub const CONTAINERD: &str = "v2.4.2";
    /// The reference CNI plugins.
    pub const PLUGINS: &str = "v1.9.1";
    /// libcni's own client.
    pub const CNITOOL: &str = "v1.3.0";
}

/// Cache of built parts, outside the tree: `$LANDFALL_CACHE`, else `$XDG_CACHE_HOME/landfall`,
/// else `~/.cache/landfall`.
pub fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("LANDFALL_CACHE") {
        return Ok(folder.into());
    }
    if let Some(folder) = set("XDG_CACHE_HOME") {
        return Ok(Path::new(&folder).join("landfall"));
    }
    let home = set("HOME").context("set LANDFALL_CACHE or HOME: where may the cache be?")?;
    Ok(Path::new(&home).join(".cache/landfall"))
}

/// Folder of one built part, e.g. `…/bin/kubernetes-v1.36.3`.
fn part(name: &str, version: &str) -> Result<PathBuf> {
    Ok(cache()?.join("bin").join(format!("{name}-{version}")))
}

/// Folder with kube-apiserver, kubelet, kubectl, ….
pub fn kubernetes() -> Result<PathBuf> {
    part("kubernetes", version::KUBERNETES)
}

/// Folder with etcd, etcdctl and etcdutl.
pub fn etcd() -> Result<PathBuf> {
    part("etcd", version::ETCD)
}

/// Folder with containerd 2, its shim and ctr.
pub fn containerd() -> Result<PathBuf> {
    part("containerd", version::CONTAINERD)
}

/// Folder with the reference CNI plugins.
pub fn plugins() -> Result<PathBuf> {
    part("cni-plugins", version::PLUGINS)
}

/// Folder with cnitool.
pub fn cnitool() -> Result<PathBuf> {
    part("cnitool", version::CNITOOL)
}

/// Folder with helm.
pub fn helm() -> Result<PathBuf> {
    part("helm", version::HELM)
}
