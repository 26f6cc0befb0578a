//! Puts the plugin on the node: binary first, configuration second; on uninstall the reverse.
//!
//! Level-triggered: each turn looks at the folders and makes at most one change, so whatever another
//! program does there is met by the next turn. Never undone when the agent ends: pods outlive agents.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use landfall_link::crash;
use tokio::{sync::watch, time::sleep};

use crate::args::{Chaining, Door};

mod binary;
mod chain;
mod conflist;
mod feud;
mod folder;
mod plugin_folder;
mod tombstone;
mod way;

pub use binary::Compare;
pub use feud::Feud;
pub use folder::{FolderError, Primary, primary};
pub use way::Way;

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
    /// Where the plugin finds us.
    pub run_dir: PathBuf,
    /// Where the runtime's CNI library remembers what it attached.
    pub results_dir: PathBuf,
    /// Who calls the plugin.
    pub door: Door,
    /// Where a chained plugin is named.
    pub chain: Chaining,
}

/// What the own object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Out of the node's configuration.
    pub out: bool,
    /// The runtime's name and version; `None` until the object was read.
    pub runtime: Option<String>,
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
    mut wanted: watch::Receiver<Wanted>,
    installed: watch::Sender<Installed>,
    clock: fn() -> Instant,
) {
    let mut complaint = String::new();
    let mut compare = Compare::Content;
    let mut feud = Feud::default();
    loop {
        let wish = wanted.borrow_and_update().clone();
        let places = places.clone();
        let turn = tokio::task::spawn_blocking(move || {
            let state = turn(&places, &wish, compare, &mut feud, clock());
            (state, feud)
        });
        let (state, after) = turn.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the installation failed");
            (Ok(Installed::default()), Feud::default())
        });
        feud = after;
        match state {
            Ok(state) => {
                compare = Compare::Length;
                complaint.clear();
                installed.send_if_modified(|current| {
                    let changed = *current != state;
                    *current = state;
                    changed
                });
            }
            Err(error) => {
                // Once, not every second.
                let text = format!("{:#}", anyhow::Error::from(error));
                if text != complaint {
                    tracing::warn!("the plugin can't be installed: {text}");
                    complaint = text;
                }
            }
        }
        tokio::select! {
            () = sleep(TURN) => {}
            changed = wanted.changed() => if changed.is_err() { return },
        }
    }
}

/// One turn.
pub fn turn(
    places: &Places,
    wanted: &Wanted,
    compare: Compare,
    feud: &mut Feud,
    now: Instant,
) -> Result<Installed, FolderError> {
    // What an agent owed that died.
    plugin_folder::nudge(&places.conf_dir)?;
    if wanted.out {
        *feud = Feud::default();
        return leave(places);
    }
    tombstone::unmark(&places.run_dir)?;
    binary::copy(&places.source, &places.bin_dir, compare)?;
    let primary = primary(&places.conf_dir)?;
    let in_place = match &primary {
        Some(primary) if is_chained(places.door, primary) => {
            let way = Way::of(places.chain, wanted.runtime.as_deref());
            enter(places, primary, way, feud, now)?
        }
        Some(_) => true,
        // The primary network is not there yet: a node that is just being set up.
        None => places.door == Door::Delegate,
    };
    Ok(Installed {
        primary_network: primary.map(|primary| primary.name),
        in_place,
        unchained: false,
        blocked: feud.complaint(),
    })
}

/// Chains; returns whether the runtime finds the plugin.
fn enter(
    places: &Places,
    primary: &Primary,
    way: Way,
    feud: &mut Feud,
    now: Instant,
) -> Result<bool, FolderError> {
    let changes = chain::chain(&places.conf_dir, primary, way)?;
    if !changes.is_missing {
        feud.in_place(&primary.path, now);
    } else if changes.is_empty() || !feud.may_write(&primary.path, stamp(&primary.path), now) {
        return Ok(false);
    }
    if !changes.is_empty() {
        changes.apply(&places.conf_dir)?;
        tracing::info!(
            file = %primary.path.display(), network = %primary.name, ?way,
            "chained the plugin to the primary network"
        );
    }
    Ok(true)
}

fn stamp(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|data| data.modified())
        .ok()
}

fn is_chained(door: Door, primary: &Primary) -> bool {
    match door {
        Door::Auto => !primary.is_multus,
        Door::Chained => true,
        Door::Delegate => false,
    }
}

/// The binary goes one turn after the configuration, since a runtime may just be calling it, and not
/// as long as the runtime may call it for a sandbox of before.
fn leave(places: &Places) -> Result<Installed, FolderError> {
    let changes = chain::unchain(&places.conf_dir)?;
    if changes.is_empty() {
        tombstone::mark(&places.run_dir)?;
        if !tombstone::is_needed(&places.results_dir, &places.conf_dir)? {
            binary::remove(&places.bin_dir)?;
        }
    } else {
        changes.apply(&places.conf_dir)?;
        tracing::info!("took the plugin out of the node's CNI configuration");
    }
    Ok(Installed {
        primary_network: primary(&places.conf_dir)?.map(|primary| primary.name),
        in_place: false,
        unchained: changes.is_empty(),
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
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    crash::around("write", &name, || {
        let mut file = options.open(&new)?;
        file.write_all(content)?;
        // Unlike /run this is a disk, and a torn configuration would keep the node from starting pods.
        file.sync_all()
    })?;
    crash::around("rename", &name, || fs::rename(&new, path))
}

#[cfg(test)]
mod tests;
