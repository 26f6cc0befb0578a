//! Parts of the cluster that are built from the Go modules in tests/cluster.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    layout::{self, version},
    process, progress,
};

/// One program: folder in tests/cluster with the go.mod, name, package, and the seconds its build
/// takes on two idle cores, in this order and with an empty cache.
struct Part(&'static str, &'static str, &'static str, u64);

/// All programs, the long ones of a module first: the rest then builds from Go's own cache.
const PARTS: [Part; 23] = [
    Part("kubernetes", "kube-apiserver", "cmd/kube-apiserver", 222),
    Part("kubernetes", "kubelet", "cmd/kubelet", 60),
    Part(
        "kubernetes",
        "kube-controller-manager",
        "cmd/kube-controller-manager",
        26,
    ),
    Part("kubernetes", "kube-scheduler", "cmd/kube-scheduler", 5),
    Part("kubernetes", "kubectl", "cmd/kubectl", 19),
    Part("kubernetes", "kube-proxy", "cmd/kube-proxy", 7),
    Part("etcd", "etcd", "server/v3", 24),
    Part("etcd", "etcdctl", "etcdctl/v3", 5),
    Part("etcd", "etcdutl", "etcdutl/v3", 2),
    Part("containerd", "containerd", "cmd/containerd", 61),
    Part(
        "containerd",
        "containerd-shim-runc-v2",
        "cmd/containerd-shim-runc-v2",
        1,
    ),
    Part("containerd", "ctr", "cmd/ctr", 4),
    Part("plugins", "bridge", "plugins/main/bridge", 4),
    Part("plugins", "host-local", "plugins/ipam/host-local", 1),
    Part("plugins", "static", "plugins/ipam/static", 1),
    Part("plugins", "dhcp", "plugins/ipam/dhcp", 4),
    Part("plugins", "loopback", "plugins/main/loopback", 1),
    Part("plugins", "macvlan", "plugins/main/macvlan", 1),
    Part("plugins", "ipvlan", "plugins/main/ipvlan", 1),
    Part("plugins", "portmap", "plugins/meta/portmap", 1),
    Part("plugins", "tuning", "plugins/meta/tuning", 1),
    Part("cnitool", "cnitool", "cnitool", 2),
    Part("helm", "helm", "cmd/helm", 108),
];

/// What the programs of one Go module share.
struct Module {
    /// Cache folder.
    folder: Result<PathBuf>,
    version: &'static str,
    /// Begin of the packages' paths.
    root: &'static str,
    /// Variables that the linker sets, so that a program tells its version.
    stamp: String,
}

impl Part {
    fn module(&self) -> Module {
        let (folder, version, root) = match self.0 {
            "kubernetes" => (
                layout::kubernetes(),
                version::KUBERNETES,
                "k8s.io/kubernetes",
            ),
            "etcd" => (layout::etcd(), version::ETCD, "go.etcd.io/etcd"),
            "containerd" => (
                layout::containerd(),
                version::CONTAINERD,
                "github.com/containerd/containerd/v2",
            ),
            "plugins" => (
                layout::plugins(),
                version::PLUGINS,
                "github.com/containernetworking/plugins",
            ),
            "cnitool" => (
                layout::cnitool(),
                version::CNITOOL,
                "github.com/containernetworking/cni",
            ),
            _ => (layout::helm(), version::HELM, "helm.sh/helm/v3"),
        };
        let stamp = match self.0 {
            "kubernetes" => {
                let minor = version.split('.').nth(1).unwrap_or_default();
                [
                    "gitMajor=1",
                    &format!("gitMinor={minor}"),
                    &format!("gitVersion={version}"),
                ]
                .map(|stamp| format!("-X k8s.io/component-base/version.{stamp}"))
                .join(" ")
            }
            "containerd" => format!("-X {root}/version.Version={version}"),
            "plugins" => format!("-X {root}/pkg/utils/buildversion.BuildVersion={version}"),
            "helm" => format!("-X {root}/internal/version.version={version}"),
            _ => String::new(),
        };
        Module {
            folder,
            version,
            root,
            stamp,
        }
    }

    fn path(&self) -> Result<PathBuf> {
        Ok(self.module().folder?.join(self.1))
    }

    /// Builds to a name of its own first: a killed build leaves nothing that looks whole.
    fn build(&self) -> Result<()> {
        let path = self.path()?;
        let folder = path.parent().context("a part without a folder")?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let half = folder.join(format!(".{}.{}", self.1, std::process::id()));
        let mut go = Command::new("go");
        let Module { stamp, root, .. } = self.module();
        go.args([
            "build",
            "-trimpath",
            "-ldflags",
            &format!("-s -w {stamp}"),
            "-o",
        ])
        .arg(&half)
        .arg(format!("{root}/{}", self.2))
        .env("CGO_ENABLED", "0")
        .current_dir(layout::tree().join("tests/cluster").join(self.0));
        let built = process::visible(&mut go).and_then(|()| Ok(fs::rename(&half, &path)?));
        if built.is_err() {
            // Absent unless the linker was interrupted.
            fs::remove_file(&half).unwrap_or_default();
        }
        built
    }
}

/// Builds what the cache lacks.
pub(crate) fn build() -> Result<()> {
    build_some(|_| true)
}

/// Builds what the cache lacks of the reference plugins, and of what executes plugins: cnitool, containerd.
pub(crate) fn build_plugins() -> Result<()> {
    build_some(|part| matches!(part.0, "plugins" | "cnitool" | "containerd"))
}

/// Builds what the cache lacks of a control plane without controllers, and kubectl.
pub(crate) fn build_control_plane() -> Result<()> {
    build_some(|part| matches!(part.1, "etcd" | "kube-apiserver" | "kubectl"))
}

fn build_some(is_needed: impl Fn(&Part) -> bool) -> Result<()> {
    let mut missing = Vec::new();
    for part in PARTS.into_iter().filter(is_needed) {
        if !part.path()?.exists() {
            missing.push(part);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    if !process::succeeds(&mut process::words("go version")) {
        bail!(
            "Go is missing: {} programs are built with it (1.26 or newer)",
            missing.len()
        );
    }
    let total: u64 = missing.iter().map(|part| part.3).sum();
    let what = format!(
        "building {} programs into {}",
        missing.len(),
        layout::cache()?.display()
    );
    progress::step(&what, Some(total), || {
        for part in &missing {
            let what = format!("building {} {}", part.1, part.module().version);
            progress::step(&what, Some(part.3), || part.build())?;
        }
        Ok(())
    })
}

/// Removes what a killed build left: files that begin with a dot.
pub(crate) fn sweep() -> Result<()> {
    let bin = layout::cache()?.join("bin");
    for folder in list(&bin) {
        for file in list(&folder) {
            if file
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'))
            {
                fs::remove_file(&file).unwrap_or_default();
            }
        }
    }
    Ok(())
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}
