//! The distribution's packages: what is missing is installed.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{process, progress};

/// A file that shows that the package is there, and the package.
const PACKAGES: [(&str, &str); 20] = [
    ("/usr/bin/containerd", "containerd"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("/usr/bin/buildah", "buildah"),
    ("/usr/bin/podman", "podman"),
    ("/usr/bin/linux.uml", "user-mode-linux"),
    ("/usr/sbin/ip", "iproute2"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/sbin/iptables", "iptables"),
    ("/usr/sbin/conntrack", "conntrack"),
    ("/usr/sbin/arping", "arping"),
    ("/usr/bin/busybox", "busybox-static"),
    ("/usr/bin/curl", "curl"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/bin/ping", "iputils-ping"),
    ("/usr/bin/socat", "socat"),
    ("/usr/bin/tcpdump", "tcpdump"),
    ("/usr/bin/nsenter", "util-linux"),
    ("/usr/sbin/mkfs.ext4", "e2fsprogs"),
    ("/usr/sbin/modprobe", "kmod"),
];

/// Installs what is missing; returns at once when nothing is.
pub(crate) fn install() -> Result<()> {
    let there = |file: &str| {
        Path::new(file).exists()
            || file
                .strip_prefix("/usr")
                .is_some_and(|f| Path::new(f).exists())
    };
    let missing: Vec<_> = PACKAGES
        .iter()
        .filter(|(file, _)| !there(file))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "these packages are missing and there is no apt-get here: {}",
            missing.join(" ")
        );
    }
    let seconds = u64::try_from(missing.len()).unwrap_or(0).saturating_mul(4);
    progress::step(
        &format!("installing {}", missing.join(" ")),
        Some(seconds),
        || {
            let apt = |arguments: &str| {
                let mut command = process::words(&format!("apt-get {arguments}"));
                command.env("DEBIAN_FRONTEND", "noninteractive");
                command
            };
            let packages = missing.join(" ");
            let install = format!("install -y --no-install-recommends {packages}");
            // The lists of a new machine may be absent or old: they are fetched only when needed.
            if process::succeeds(&mut apt(&install)) {
                return Ok(());
            }
            process::run(&mut apt("update"))?;
            process::run(&mut apt(&install)).context("apt-get can't install what the cluster needs")
        },
    )
}
