//! `cargo dev demo --standalone`: one host without Kubernetes, the plugin alone.
//!
//! ```text
//! run ─> builds the plugin ─> a host of namespaces, or of a kernel of its own ─> its table on stdout
//!        internal standalone FOLDER, there: LAN, sandboxes, ADD, ping, DEL    (scene)
//! ```
//!
//! Where this machine's kernel lacks ipvlan or 802.1Q, the host is a User-Mode Linux machine that
//! boots for it and ends with it.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::{apt, cluster, install, process, progress, uml};

mod scene;
mod table;

pub(crate) use scene::scene;

/// Shows it. Returns whether all pings were answered.
pub(crate) fn run() -> Result<bool> {
    cluster::need_root()?;
    apt::install()?;
    let folder = Folder::new()?;
    let plugin = progress::step("building the plugin", None, install::plugin)?;
    fs::copy(&plugin, folder.0.join("landfall")).with_context(|| plugin.display().to_string())?;
    let own = std::env::current_exe()?;
    let scene = [
        own.as_os_str(),
        "internal".as_ref(),
        "standalone".as_ref(),
        folder.0.as_os_str(),
    ];
    let status = if kernel_has_all() {
        progress::step("a host of namespaces, three sandboxes", Some(5), || {
            let mut here = process::words("unshare --net --mount");
            process::attached(here.args(scene).stdout(std::io::stderr()))
        })?;
        folder.status()
    } else {
        progress::note("this kernel lacks ipvlan or 802.1Q: the host is a User-Mode Linux machine");
        progress::step(
            "a host with a kernel of its own, three sandboxes",
            Some(30),
            || uml::run_once(&folder.0, &scene),
        )?;
        folder.status()
    };
    let status = status?;
    println!("{}", fs::read_to_string(folder.0.join("table"))?);
    Ok(status)
}

/// Asks the kernel, in a namespace that ends with the question.
fn kernel_has_all() -> bool {
    let script = "ip link add a type veth peer name b && ip link add link a name c type vlan id 5 && \
                  ip link add link b type ipvlan mode l2";
    let mut probe = Command::new("unshare");
    process::succeeds(probe.args(["--net", "sh", "-c", script]))
}

/// What the scene reads and writes; gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("landfall-standalone-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    /// What the scene left: whether all pings were answered, or why it ended before its end.
    fn status(&self) -> Result<bool> {
        match fs::read_to_string(self.0.join("status")).as_deref() {
            Ok("answered") => Ok(true),
            Ok("unanswered") => Ok(false),
            Ok(error) => bail!("{error}"),
            Err(_) => bail!("{}", process::tail(&self.0.join("console"), 20)),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
