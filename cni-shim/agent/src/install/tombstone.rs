//! What stays of the plugin after an uninstall, as long as something may call it: its binary, and a mark
//! that tells it to let pods pass (ADD) and to succeed (DEL).

use std::{fs, io, path::Path};

use k8s_openapi::ByteString;
use landfall_link::crash;
use landfall_plugin::wire;
use serde::Deserialize;

use super::{FolderError, conflist::Configuration, folder};

/// The plugin's type.
const TYPE: &str = "landfall";

/// What libcni remembers of an attachment, as far as it matters here.
#[derive(Deserialize)]
struct Cached {
    /// The list with which it was attached, and with which some runtimes detach.
    config: ByteString,
}

/// Whether a cached result, or a configuration that is not ours to change, names the plugin.
pub(super) fn is_needed(results: &Path, conf_dir: &Path) -> Result<bool, FolderError> {
    let names_us = |found: &Configuration| found.types.iter().any(|kind| kind == TYPE);
    for path in folder::files(conf_dir)? {
        if folder::read(&path)?.as_ref().is_some_and(names_us) {
            return Ok(true);
        }
    }
    let files = match fs::read_dir(results) {
        Ok(files) => files,
        // Nobody can say: a binary too many does no harm.
        Err(error) => {
            tracing::debug!(path = %results.display(), %error, "cached results can't be read");
            return Ok(true);
        }
    };
    Ok(files.flatten().any(|file| is_ours(&file.path(), names_us)))
}

fn is_ours(path: &Path, names_us: impl Fn(&Configuration) -> bool) -> bool {
    let text = fs::read(path).ok();
    let cached = text.and_then(|text| serde_json::from_slice::<Cached>(&text).ok());
    let config = cached.and_then(|cached| String::from_utf8(cached.config.0).ok());
    config.is_some_and(|text| {
        let found = Configuration::list(&text).or_else(|| Configuration::single(&text));
        found.as_ref().is_some_and(names_us)
    })
}

/// Tells the plugin that it is uninstalled.
pub(super) fn mark(run_dir: &Path) -> Result<(), FolderError> {
    let path = run_dir.join(wire::TOMBSTONE);
    if path.exists() {
        return Ok(());
    }
    let written = crash::around("write", "the tombstone", || fs::write(&path, b""));
    written.map_err(|source| FolderError::Binary { path, source })
}

/// Tells it that it is not.
pub(super) fn unmark(run_dir: &Path) -> Result<(), FolderError> {
    let path = run_dir.join(wire::TOMBSTONE);
    match crash::around("remove", "the tombstone", || fs::remove_file(&path)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FolderError::Binary { path, source })
        }
        _ => Ok(()),
    }
}
