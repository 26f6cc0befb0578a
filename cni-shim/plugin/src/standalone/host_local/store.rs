//! The files of a network.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use landfall_link::crash;
use nix::fcntl::Flock;

use crate::{
    standalone::{
        lock,
        object::{Malformed, Object},
    },
    wire::Valid,
};

/// Between the container's ID and the interface's name.
const SEPARATOR: &str = "\r\n";
/// What the files with the last address of each range set are called, before the set's number.
const LAST: &str = "last_reserved_ip.";
/// An address's file that is being written.
const UNFINISHED: &str = ".unfinished";

/// A network's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

/// A network's folder that no other process changes as long as this lives.
#[derive(Debug)]
pub struct Locked {
    folder: PathBuf,
    _lock: Flock<File>,
}

/// Whom an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    /// CNI_CONTAINERID.
    pub container: &'a str,
    /// CNI_IFNAME.
    pub interface: &'a str,
}

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct StoreError {
    path: PathBuf,
    why: io::Error,
}

// === impl Store ===

impl Store {
    /// A folder.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The folder of a network by its configuration, whatever else that says.
    pub fn of(config: &Object<'_>, name: &str) -> Result<Self, Malformed> {
        Ok(Self {
            folder: super::config::folder(config, name)?,
        })
    }

    /// Makes the folder if it is missing, and waits until no other process has its lock.
    pub fn lock(&self) -> Result<Locked, StoreError> {
        // As host-local opens it: the content is of no interest.
        let lock = lock::take(&self.folder, 0o755, "lock", 0o750)
            .map_err(|(path, why)| failed(&path, why))?;
        // What a call left that was killed.
        drop(fs::remove_file(self.folder.join(UNFINISHED)));
        Ok(Locked {
            folder: self.folder.clone(),
            _lock: lock,
        })
    }

    /// As [`Self::lock`], if the folder is there.
    pub fn lock_existing(&self) -> Result<Option<Locked>, StoreError> {
        if self.folder.is_dir() {
            self.lock().map(Some)
        } else {
            Ok(None)
        }
    }
}

// === impl Locked ===

impl Locked {
    /// Writes down that an address is somebody's, and that its range set goes on from there. False: it
    /// is somebody's already.
    pub fn reserve(
        &self,
        address: IpAddr,
        holder: Holder<'_>,
        set: usize,
    ) -> Result<bool, StoreError> {
        let path = self.path(address);
        // Whoever writes here has the lock.
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(failed(&path, why)),
            // A process left it that was killed before it wrote whose it is.
            Ok(found) if found.is_file() && found.len() == 0 => {}
            Ok(_) => return Ok(false),
        }
        // Beside its place first: a file that names nobody would be somebody's for ever.
        let new = self.folder.join(UNFINISHED);
        let text = holder.text();
        let written = crash::around("write", "the holder", || write(&new, &text))
            .and_then(|()| crash::around("rename", "the holder", || fs::rename(&new, &path)))
            .map_err(|why| failed(&path, why))
            .and_then(|()| self.remember(address, set));
        if let Err(error) = written {
            // The first error is the one to tell.
            for path in [&new, &path] {
                drop(fs::remove_file(path));
            }
            return Err(error);
        }
        Ok(true)
    }

    fn remember(&self, address: IpAddr, set: usize) -> Result<(), StoreError> {
        let path = self.folder.join(format!("{LAST}{set}"));
        let text = address.to_string();
        crash::around("write", "the last address", || write(&path, &text))
            .map_err(|why| failed(&path, why))
    }

    /// The address that a range set gave last.
    pub fn last(&self, set: usize) -> Option<IpAddr> {
        let path = self.folder.join(format!("{LAST}{set}"));
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// Every address that is somebody's, with the text that says whose.
    pub fn addresses(&self) -> Result<Vec<(IpAddr, String)>, StoreError> {
        let mut found = self.files()?;
        found.retain(|(_, text)| text.as_deref() != Some(""));
        let text = |text: Option<String>| text.unwrap_or_default();
        Ok(found.into_iter().map(|(ip, own)| (ip, text(own))).collect())
    }

    /// Every address that has a file, with its text: an empty one is nobody's, one that can't be read is
    /// somebody's.
    fn files(&self) -> Result<Vec<(IpAddr, Option<String>)>, StoreError> {
        let entries = fs::read_dir(&self.folder).map_err(|why| failed(&self.folder, why))?;
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|why| failed(&self.folder, why))?;
            let name = entry.file_name();
            let Some(address) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let text = fs::read(entry.path()).ok();
            let text = text.map(|text| String::from_utf8_lossy(&text).trim().to_owned());
            found.push((address, text));
        }
        found.sort();
        Ok(found)
    }

    /// The addresses of somebody.
    pub fn of(&self, holder: Holder<'_>) -> Result<Vec<IpAddr>, StoreError> {
        let mut found = self.addresses()?;
        found.retain(|(_, text)| holder.is(text));
        Ok(found.into_iter().map(|(address, _)| address).collect())
    }

    /// Gives an address back. It may be free already.
    pub fn release(&self, address: IpAddr) -> Result<(), StoreError> {
        let path = self.path(address);
        match crash::around("release", "an address", || fs::remove_file(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|why| failed(&path, why)),
        }
    }

    /// Gives the addresses of somebody back, and those that are nobody's.
    pub fn release_all(&self, holder: Holder<'_>) -> Result<(), StoreError> {
        let is_over = |text: &str| text.is_empty() || holder.is(text);
        let mut own = self.files()?;
        own.retain(|(_, text)| text.as_deref().is_some_and(is_over));
        own.into_iter()
            .map(|(address, _)| self.release(address))
            .fold(Ok(()), Result::and)
    }

    /// Gives every address back that belongs to none of the attachments which are alive.
    pub fn retain(&self, valid: &[Valid]) -> Result<(), StoreError> {
        let is_valid = |text: &str| {
            valid.iter().any(|valid| {
                let holder = Holder {
                    container: &valid.container_id,
                    interface: &valid.interface,
                };
                holder.is(text)
            })
        };
        let mut result = Ok(());
        for (address, text) in self.files()? {
            if !is_valid(&text.unwrap_or_default()) {
                let released = self.release(address);
                result = result.and(released);
            }
        }
        result
    }

    fn path(&self, address: IpAddr) -> PathBuf {
        self.folder.join(address.to_string())
    }
}

// === impl Holder ===

impl Holder<'_> {
    fn text(self) -> String {
        format!("{}{SEPARATOR}{}", self.container.trim(), self.interface)
    }

    /// Whether a file's text names this holder. An old host-local wrote the container alone.
    fn is(self, text: &str) -> bool {
        text == self.text() || text == self.container.trim()
    }
}

/// For root alone.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    file.open(path)?.write_all(text.as_bytes())
}

fn failed(path: &Path, why: io::Error) -> StoreError {
    StoreError {
        path: path.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests;
