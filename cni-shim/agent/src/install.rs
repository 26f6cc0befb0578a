//! Puts the plugin on the node: binary first, configuration second; on uninstall the reverse.
//!
//! Level-triggered: each turn looks at the folders and makes at most one change, so whatever another
//! program does there is met by the next turn. Never undone when the agent ends: pods outlive agents.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use crate::args::Door;

mod binary;
mod conflist;
mod folder;

pub use binary::Compare;
pub use folder::{FolderError, Primary, chain, primary, unchain};

/// How often the folders are looked at: two readdir and a read.
const TURN: Duration = Duration::from_secs(1);

/// Where things go.
#[derive(Clone, Debug)]
pub struct Places {
    /// The plugin's binary in our image.
    pub source: PathBuf,
    /// Where the runtime looks for plugins.
    pub bin_dir: PathBuf,
    /// Where the runtime looks for configurations.
    pub conf_dir: PathBuf,
    /// Who calls the plugin.
    pub door: Door,
}

/// What is on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// The name of the primary network's configuration.
    pub primary_network: Option<String>,
    /// Runtimes call the plugin: it is in its place, and chained where the door is Chained.
    pub in_place: bool,
    /// The plugin is out of the node's configuration.
    pub unchained: bool,
    /// Another program undoes the chaining: which setting ends that.
    pub blocked: Option<String>,
}

/// Keeps the plugin in its place, or out of it once that is asked for. Does not end.
pub async fn keep(
    places: Places,
    mut uninstall: watch::Receiver<bool>,
    installed: watch::Sender<Installed>,
) {
    let mut complaint = String::new();
    let mut compare = Compare::Content;
    loop {
        let wanted_out = *uninstall.borrow_and_update();
        let places = places.clone();
        let turn = tokio::task::spawn_blocking(move || turn(&places, wanted_out, compare)).await;
        match turn {
            Ok(Ok(state)) => {
                compare = Compare::Length;
                complaint.clear();
                installed.send_if_modified(|current| {
                    let changed = *current != state;
                    *current = state;
                    changed
                });
            }
            Ok(Err(error)) => {
                // Once, not every second.
                let text = format!("{:#}", anyhow::Error::from(error));
                if text != complaint {
                    tracing::warn!("the plugin can't be installed: {text}");
                    complaint = text;
                }
            }
            Err(error) => tracing::error!(%error, "the installation failed"),
        }
        tokio::select! {
            () = sleep(TURN) => {}
            changed = uninstall.changed() => if changed.is_err() { return },
        }
    }
}

/// One turn.
pub fn turn(places: &Places, out: bool, compare: Compare) -> Result<Installed, FolderError> {
    if out {
        leave(places)
    } else {
        enter(places, compare)
    }
}

fn enter(places: &Places, compare: Compare) -> Result<Installed, FolderError> {
    binary::copy(&places.source, &places.bin_dir, compare)?;
    let primary = primary(&places.conf_dir)?;
    let in_place = match &primary {
        Some(primary) if is_chained(places.door, primary) => {
            if chain(&places.conf_dir, primary)? {
                tracing::info!(
                    file = %primary.path.display(), network = %primary.name,
                    "chained the plugin into the primary network's configuration"
                );
            }
            true
        }
        Some(_) => true,
        // The primary network is not there yet: a node that is just being set up.
        None => places.door == Door::Delegate,
    };
    Ok(Installed {
        primary_network: primary.map(|primary| primary.name),
        in_place,
        unchained: false,
        blocked: None,
    })
}

fn is_chained(door: Door, primary: &Primary) -> bool {
    match door {
        Door::Auto => !primary.is_multus,
        Door::Chained => true,
        Door::Delegate => false,
    }
}

/// The binary goes one turn after the configuration: a runtime may just be calling it.
fn leave(places: &Places) -> Result<Installed, FolderError> {
    let changed = unchain(&places.conf_dir)?;
    if changed {
        tracing::info!("took the plugin out of the node's CNI configuration");
    } else {
        binary::remove(&places.bin_dir)?;
    }
    Ok(Installed {
        primary_network: primary(&places.conf_dir)?.map(|primary| primary.name),
        in_place: false,
        unchained: !changed,
        blocked: None,
    })
}

/// Writes beside the place and renames: who reads sees the old file or the new one. Runtimes reload on
/// a rename, and don't look at names that start with a dot.
fn replace(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _};

    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".landfall.{name}.new"));
    // A leftover of a crash would keep its mode.
    fs::remove_file(&new).ok();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)?;
    file.write_all(content)?;
    // Unlike /run this is a disk, and a torn configuration would keep the node from starting pods.
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests;
