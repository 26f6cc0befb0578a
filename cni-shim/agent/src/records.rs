//! What lies in `/run/landfall`: a file for each attachment, the released set, the last version of
//! the own object, and a mark that says for which boot all of it is complete.
//!
//! ```text
//! attachments/<container>:<interface>.json   core's Record, and how to find the link again
//! released.json                              (address, seq) that were acknowledged
//! node.json                                  the LandfallNode as last seen
//! restored.json                              there if a restore of etcd is suspected
//! agent.json                                 boot, machine, epoch: written when a start is complete
//! ```
//!
//! `/run` is a tmpfs and ends with the boot, as the sandboxes do: no fsync. Each file is written
//! beside its place and renamed, so a crash leaves the old one or the new one.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    net::IpAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use landfall_core::{
    agent::{Key, Record},
    id::{Seq, Uid},
};
use landfall_crds::node::{AddressSeq, LandfallNode};
use landfall_link::crash;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

mod facts;

pub use facts::Facts;

/// One attachment as it lies in `/run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The attachment.
    #[serde(flatten)]
    pub key: Key,
    /// What core decides on.
    pub record: Record,
    /// How to find the link again; absent only if its plan failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
}

/// Says for whom the folder is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// The kernel's boot ID.
    pub boot: Uid,
    /// The machine's ID.
    pub machine: Uid,
    /// Counts the cold starts.
    pub epoch: u64,
}

/// The content of the folder.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All attachments.
    pub entries: BTreeMap<Key, Entry>,
    /// What was acknowledged.
    pub released: BTreeSet<(IpAddr, Seq)>,
    /// The own object as last seen.
    pub object: Option<LandfallNode>,
    /// Whether a restore of etcd is suspected.
    pub restore_suspected: bool,
    /// Set if all of it is there and readable.
    pub mark: Option<Mark>,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// A file of the folder that can't be written. The agent ends: what is in memory must never be ahead
/// of what a restart will find.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}; is /run full?", .path.display())]
pub struct StoreError {
    /// The file.
    path: PathBuf,
    /// Why.
    #[source]
    source: io::Error,
}

const ATTACHMENTS: &str = "attachments";
const RELEASED: &str = "released.json";
const NODE: &str = "node.json";
const SUSPICION: &str = "restored.json";
const MARK: &str = "agent.json";
/// Of files that are being written.
const TEMPORARY: &str = ".new";
/// Of files that could not be read: kept for people.
const UNREADABLE: &str = ".unreadable";

// === impl Store ===

impl Store {
    /// Makes the folder if need be. Only root may look in: the socket is there too.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let attachments = folder.join(ATTACHMENTS);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&attachments)
            .map_err(|source| StoreError {
                path: attachments,
                source,
            })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Reads everything. What can't be read is set aside and makes the start a cold one.
    pub fn load(&self) -> Loaded {
        self.sweep();
        let mut loaded = Loaded::default();
        let mut unreadable = Vec::new();
        for path in self.attachment_files() {
            match read::<Entry>(&path) {
                Some(entry) => {
                    loaded.entries.insert(entry.key.clone(), entry);
                }
                None => unreadable.push(path),
            }
        }
        // The mark goes first: a start that dies now must not be followed by a warm one.
        if !unreadable.is_empty() && self.clear_mark().is_ok() {
            for path in &unreadable {
                set_aside(path);
            }
        }
        let released = read::<Vec<AddressSeq>>(&self.folder.join(RELEASED));
        loaded.restore_suspected = self.folder.join(SUSPICION).exists();
        loaded.object = read(&self.folder.join(NODE));
        let mark = read::<Mark>(&self.folder.join(MARK));
        let complete = unreadable.is_empty() && released.is_some() && loaded.object.is_some();
        loaded.released = released
            .into_iter()
            .flatten()
            .map(|item| (item.address, item.seq))
            .collect();
        loaded.mark = mark.filter(|_| complete);
        loaded
    }

    /// Takes the mark away: until it is written again a start is a cold one.
    pub fn clear_mark(&self) -> Result<(), StoreError> {
        remove(&self.folder.join(MARK))
    }

    /// Says that all of the folder is there.
    pub fn save_mark(&self, mark: &Mark) -> Result<(), StoreError> {
        Self::write(&self.folder.join(MARK), mark)
    }

    /// Writes one attachment.
    pub fn save_entry(&self, entry: &Entry) -> Result<(), StoreError> {
        Self::write(&self.attachment_file(&entry.key), entry)
    }

    /// Removes one attachment.
    pub fn drop_entry(&self, key: &Key) -> Result<(), StoreError> {
        remove(&self.attachment_file(key))
    }

    /// Writes the released set.
    pub fn save_released(&self, released: &BTreeSet<(IpAddr, Seq)>) -> Result<(), StoreError> {
        let items: Vec<AddressSeq> = released
            .iter()
            .map(|(address, seq)| AddressSeq {
                address: *address,
                seq: *seq,
            })
            .collect();
        Self::write(&self.folder.join(RELEASED), &items)
    }

    /// Writes the own object.
    pub fn save_object(&self, object: &LandfallNode) -> Result<(), StoreError> {
        Self::write(&self.folder.join(NODE), object)
    }

    /// Writes whether a restore of etcd is suspected.
    pub fn save_suspicion(&self, is_suspected: bool) -> Result<(), StoreError> {
        let path = self.folder.join(SUSPICION);
        if is_suspected {
            Self::write(&path, &is_suspected)
        } else {
            remove(&path)
        }
    }

    fn attachment_file(&self, key: &Key) -> PathBuf {
        // An interface's name has no ':' and a container ID neither, so no two keys share a file.
        let name = format!("{}:{}.json", key.container, key.interface);
        self.folder.join(ATTACHMENTS).join(name)
    }

    /// Removes what an agent left that died while it wrote.
    fn sweep(&self) {
        for folder in [self.folder.clone(), self.folder.join(ATTACHMENTS)] {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let paths = entries.map(|entry| entry.path());
            let end = format!("json{TEMPORARY}");
            for path in paths.filter(|path| path.to_string_lossy().ends_with(&end)) {
                // It is nobody's, and counts for nothing if it stays.
                fs::remove_file(path).ok();
            }
        }
    }

    fn attachment_files(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.folder.join(ATTACHMENTS));
        let entries = folder.into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect()
    }

    fn write<T: Serialize>(path: &Path, content: &T) -> Result<(), StoreError> {
        let result = serde_json::to_vec(content)
            .map_err(io::Error::from)
            .and_then(|bytes| {
                let new = with_suffix(path, TEMPORARY);
                crash::around("write", what(path), || fs::write(&new, bytes))?;
                crash::around("rename", what(path), || fs::rename(&new, path))
            });
        result.map_err(|source| StoreError {
            path: path.to_owned(),
            source,
        })
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let result = fs::read(path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
    match result {
        Ok(content) => Some(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "unreadable; this start is a cold one");
            None
        }
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match crash::around("remove", what(path), || fs::remove_file(path)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// The device that an unreadable record described is found by the scan of the cold start.
fn set_aside(path: &Path) {
    let aside = with_suffix(path, UNREADABLE);
    if let Err(error) = crash::around("set", "a record aside", || fs::rename(path, aside)) {
        tracing::warn!(path = %path.display(), %error, "cannot be set aside");
    }
}

/// What a file is, for crash points.
fn what(path: &Path) -> &str {
    let is_record = path
        .parent()
        .is_some_and(|folder| folder.ends_with(ATTACHMENTS));
    if is_record {
        return "a record";
    }
    let name = path.file_name().and_then(OsStr::to_str);
    name.unwrap_or_default()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
pub(crate) mod tests;
