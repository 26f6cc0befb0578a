//! The plugin's binary in the runtime's plugin folder.

use std::{fs, io, path::Path};

use landfall_link::crash;

use super::{FolderError, replace};

/// The plugin's type, which is its binary's name.
const NAME: &str = "landfall";
/// Everybody may execute it, as other plugins.
const MODE: u32 = 0o755;

/// How much is compared before the binary is taken for ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// All of it: when the agent starts, which is when there may be a new release.
    Content,
    /// Its length: on every turn.
    Length,
}

/// Copies the binary, unless it is there.
pub(super) fn copy(source: &Path, folder: &Path, compare: Compare) -> Result<(), FolderError> {
    let target = folder.join(NAME);
    if is_same(source, &target, compare).map_err(|error| failed(source, error))? {
        return Ok(());
    }
    let content = fs::read(source).map_err(|error| failed(source, error))?;
    fs::create_dir_all(folder)
        .and_then(|()| replace(&target, &content, MODE))
        .map_err(|error| failed(&target, error))?;
    tracing::info!(path = %target.display(), "copied the plugin");
    Ok(())
}

fn is_same(source: &Path, target: &Path, compare: Compare) -> io::Result<bool> {
    let wanted = fs::metadata(source)?.len();
    let same_length = fs::metadata(target).is_ok_and(|found| found.len() == wanted);
    Ok(match compare {
        Compare::Length => same_length,
        Compare::Content => {
            same_length
                && fs::read(target)
                    .is_ok_and(|found| fs::read(source).is_ok_and(|own| own == found))
        }
    })
}

fn failed(path: &Path, source: io::Error) -> FolderError {
    FolderError::Binary {
        path: path.to_owned(),
        source,
    }
}

/// Removes the binary.
pub(super) fn remove(folder: &Path) -> Result<(), FolderError> {
    let path = folder.join(NAME);
    match crash::around("remove", "the plugin", || fs::remove_file(&path)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FolderError::Binary { path, source })
        }
        _ => Ok(()),
    }
}
