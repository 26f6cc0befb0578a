//! `cargo dev demo --standalone`: one host without Kubernetes, the plugin alone.
//!
//! ```text
//! run ─> builds the plugin ─> a host of namespaces, or of a kernel of its own ─> its table on stdout
//!        internal standalone FOLDER, there: LAN, sandboxes, ADD, ping, DEL    (scene)
//! ```
//!
//! Where this machine's kernel lacks ipvlan or 802.1Q, the host is a User-Mode Linux machine that
//! boots for it and ends with it.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{apt, cluster, install, process, progress, uml};

mod scene;
mod table;

pub(crate) use scene::scene;

/// Shows it. Returns whether all pings were answered.
pub(crate) fn run() -> Result<bool> {
    cluster::need_root()?;
    apt::install()?;
    let folder = uml::Folder::new("standalone")?;
    let folder = folder.path();
    let plugin = progress::step("building the plugin", None, install::plugin)?;
    fs::copy(&plugin, folder.join("landfall")).with_context(|| plugin.display().to_string())?;
    let own = std::env::current_exe()?;
    let scene = [
        own.as_os_str(),
        "internal".as_ref(),
        "standalone".as_ref(),
        folder.as_os_str(),
    ];
    if uml::kernel_has_all() {
        progress::step("a host of namespaces, three sandboxes", Some(5), || {
            let mut here = process::words("unshare --net --mount");
            process::attached(here.args(scene).stdout(std::io::stderr()))
        })?;
    } else {
        progress::note("this kernel lacks ipvlan or 802.1Q: the host is a User-Mode Linux machine");
        progress::step(
            "a host with a kernel of its own, three sandboxes",
            Some(30),
            || uml::run_once(folder, &scene),
        )?;
    }
    let status = status(folder)?;
    println!("{}", fs::read_to_string(folder.join("table"))?);
    Ok(status)
}

/// What the scene left: whether all pings were answered, or why it ended before its end.
fn status(folder: &Path) -> Result<bool> {
    match fs::read_to_string(folder.join("status")).as_deref() {
        Ok("answered") => Ok(true),
        Ok("unanswered") => Ok(false),
        Ok(error) => bail!("{error}"),
        Err(_) => bail!("{}", process::tail(&folder.join("console"), 20)),
    }
}
