//! The runtime's configuration folder.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use landfall_link::crash;

use super::{conflist::Configuration, replace};

/// Ends the name of a list that we made of a single plugin's file. `-` sorts before `.`, so it comes
/// before the file that it stands for.
const MADE: &str = "-landfall.conflist";

/// The configuration that the runtime uses: the first that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Its file.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Whether it is Multus', which calls other configurations.
    pub is_multus: bool,
}

/// A folder or file that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The configuration folder.
    #[error("cannot list the CNI configurations in {}", .path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A configuration.
    #[error("cannot read or write the CNI configuration {}", .path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The plugin's binary.
    #[error("cannot copy or remove the plugin {}", .path.display())]
    Binary {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The first configuration, as runtimes choose it: by name.
pub fn primary(folder: &Path) -> Result<Option<Primary>, FolderError> {
    for path in files(folder)? {
        if let Some(found) = read(&path)? {
            let is_multus = found
                .types
                .first()
                .is_some_and(|first| first.starts_with("multus"));
            return Ok(Some(Primary {
                path,
                name: found.name,
                is_multus,
            }));
        }
    }
    Ok(None)
}

pub(super) fn is_orphan(path: &Path) -> bool {
    is_made(path) && original(path).is_none()
}

fn is_made(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(MADE)
}

/// The file that a list of ours was made of.
pub(super) fn original(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(MADE)?;
    let candidates = ["conf", "json"].map(|end| path.with_file_name(format!("{stem}.{end}")));
    candidates.into_iter().find(|candidate| candidate.exists())
}

pub(super) fn made_of(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}{MADE}"))
}

pub(super) fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "conflist")
}

/// The files that runtimes look at, in their order.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |source| FolderError::List {
        path: folder.to_owned(),
        source,
    };
    let known = |path: &PathBuf| {
        let end = path.extension().unwrap_or_default();
        ["conf", "conflist", "json"]
            .iter()
            .any(|known| end == *known)
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(known);
    files.sort();
    Ok(files)
}

/// `None` is no configuration: runtimes pass it over, and so do we.
pub(super) fn read(path: &Path) -> Result<Option<Configuration>, FolderError> {
    match fs::read_to_string(path) {
        Ok(text) if is_list(path) => Ok(Configuration::list(&text)),
        Ok(text) => Ok(Configuration::single(&text)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(FolderError::Configuration {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Secrets may be in it: the new file is as readable as the old one.
pub(super) fn write(source: &Path, target: &Path, text: &str) -> Result<(), FolderError> {
    let result = fs::metadata(source).and_then(|metadata| {
        let mode = metadata.permissions().mode() & 0o777;
        replace(target, text.as_bytes(), mode)
    });
    result.map_err(|source| FolderError::Configuration {
        path: target.to_owned(),
        source,
    })
}

pub(super) fn remove(path: &Path) -> Result<(), FolderError> {
    let removed = crash::around("remove", "a configuration", || fs::remove_file(path));
    removed.map_err(|source| FolderError::Configuration {
        path: path.to_owned(),
        source,
    })
}
