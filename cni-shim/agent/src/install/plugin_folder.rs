//! `<confdir>/<network>/90-landfall.conf`: the plugin in a file that nobody else writes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use landfall_link::crash;

use super::{FolderError, conflist::plugin, replace};

const FILE: &str = "90-landfall.conf";

/// Runtimes watch the main folder only, and reload on a rename there.
const NUDGE: &str = ".landfall.reload";
/// Is there from before a plugin folder changes until the runtime reloads.
const DUE: &str = ".landfall.reload.due";

/// Where a network's file is; `None` if its name can't be a folder.
pub(super) fn path(conf_dir: &Path, network: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let is_plain = !network.is_empty() && !network.starts_with('.') && network.chars().all(plain);
    is_plain.then(|| conf_dir.join(network).join(FILE))
}

/// Whether it is there and right.
pub(super) fn is_placed(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text == plugin())
}

/// Puts it there.
pub(super) fn place(path: &Path) -> Result<(), FolderError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| replace(path, plugin().as_bytes(), 0o644))
        .map_err(|source| failed(path, source))
}

/// All files of ours, whatever their network.
pub(super) fn all(conf_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(conf_dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path().join(FILE)).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// Takes one away, and its folder if that is empty then.
pub(super) fn remove(path: &Path) -> Result<(), FolderError> {
    match crash::around("remove", "90-landfall.conf", || fs::remove_file(path)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(failed(path, source));
        }
        _ => {}
    }
    if let Some(folder) = path.parent() {
        // Somebody else's plugins may be in it.
        crash::around("remove", "the plugin folder", || fs::remove_dir(folder)).ok();
    }
    Ok(())
}

/// Notes that the runtime is to reload: an agent that dies before it has come to that finds the note.
pub(super) fn owe_nudge(conf_dir: &Path) -> Result<(), FolderError> {
    let due = conf_dir.join(DUE);
    let written = crash::around("write", "the nudge", || fs::write(&due, b""));
    written.map_err(|source| failed(&due, source))
}

/// Makes the runtime reload, if that is due.
pub(super) fn nudge(conf_dir: &Path) -> Result<(), FolderError> {
    let (due, path) = (conf_dir.join(DUE), conf_dir.join(NUDGE));
    let failed = |source| failed(&path, source);
    if due.exists() {
        crash::around("rename", "the nudge", || fs::rename(&due, &path)).map_err(failed)?;
    }
    if path.exists() {
        crash::around("remove", "the nudge", || fs::remove_file(&path)).map_err(failed)?;
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> FolderError {
    FolderError::Configuration {
        path: path.to_owned(),
        source,
    }
}
