//! Which network namespaces are alive on this node: those that a runtime has bound, and those that a
//! process is in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::IpAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use landfall_core::link::Observed;
use landfall_link::{NetlinkError, Netns, NetnsError, ObserveError, devices};
use nix::{errno::Errno, libc::ESRCH};

use crate::records::Entry;

/// Where namespaces are looked for.
#[derive(Clone, Debug)]
pub struct Roots {
    /// Where runtimes bind them.
    pub netns_dir: PathBuf,
    /// The processes of the node.
    pub proc: PathBuf,
}

/// A scan that missed something: nothing may be concluded from what it did not find.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A folder can't be read.
    #[error("cannot list {}", .path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A namespace can't be looked at.
    #[error("cannot look at {}; CAP_SYS_PTRACE and hostPID are needed", .path.display())]
    Look {
        /// The namespace.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The node's own links can't be asked for.
    #[error("cannot open netlink in the node's network namespace")]
    Socket(#[source] NetlinkError),
    /// A namespace can't be entered.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// Its links can't be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
}

/// The namespaces of a node, by cookie.
#[derive(Debug, Default)]
pub struct Scan(BTreeMap<u64, Netns>);

/// The macvlan and ipvlan devices of a node, by their namespace's cookie.
#[derive(Debug, Default)]
pub struct Devices(Vec<(u64, Observed)>);

// === impl Scan ===

impl Scan {
    /// Looks at everything below the runtimes' folder and at every process.
    pub fn all(roots: &Roots) -> Result<Self, ScanError> {
        let mut paths = list(&roots.netns_dir)?;
        paths.extend(processes(&roots.proc)?);
        let mut seen = BTreeSet::new();
        let mut scan = Self::default();
        for path in paths {
            // An inode number is the next namespace's at once, but two that are alive have two.
            match fs::metadata(&path) {
                Ok(metadata) if seen.insert((metadata.dev(), metadata.ino())) => {}
                Ok(_) => continue,
                Err(error) if has_gone(&error) || has_ended(&path, &error) => continue,
                Err(source) => return Err(ScanError::Look { path, source }),
            }
            if let Some((cookie, netns)) = open(&path)? {
                scan.0.insert(cookie, netns);
            }
        }
        Ok(scan)
    }

    /// Whether a namespace is alive.
    pub fn has(&self, cookie: u64) -> bool {
        self.0.contains_key(&cookie)
    }

    /// The macvlan and ipvlan devices of one namespace; `None` if it is not here.
    pub fn devices_of(&self, cookie: u64) -> Option<Result<Vec<Observed>, ObserveError>> {
        self.0.get(&cookie).map(devices)
    }

    /// A namespace.
    pub fn take(mut self, cookie: u64) -> Option<Netns> {
        self.0.remove(&cookie)
    }

    /// All macvlan and ipvlan devices.
    pub fn devices(&self) -> Result<Devices, ScanError> {
        let mut all = Vec::new();
        for (cookie, netns) in &self.0 {
            all.extend(devices(netns)?.into_iter().map(|found| (*cookie, found)));
        }
        Ok(Devices(all))
    }
}

// === impl Devices ===

impl Devices {
    /// Addresses of those that no record explains.
    pub fn strangers(&self, records: &[Entry]) -> BTreeSet<IpAddr> {
        let explained = |(cookie, found): &&(u64, Observed)| {
            let mut facts = records.iter().filter_map(|entry| entry.facts.as_ref());
            facts.any(|facts| facts.cookie == *cookie && facts.device().is(found))
        };
        let strangers = self.0.iter().filter(|device| !explained(device));
        let addresses = strangers.flat_map(|(_, found)| &found.addresses);
        addresses.map(|own| own.address.addr()).collect()
    }

    /// One that hangs from the node's link of that index. It may be another namespace's of the same
    /// index: this errs on the side of what lives.
    pub fn on(&self, index: u32) -> Option<&Observed> {
        let mut all = self.0.iter().map(|(_, found)| found);
        all.find(|found| found.parent == Some(index))
    }
}

fn open(path: &Path) -> Result<Option<(u64, Netns)>, ScanError> {
    let netns = match Netns::open(path) {
        Ok(netns) => netns,
        Err(NetnsError::Open { source, .. }) if has_gone(&source) || has_ended(path, &source) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    match netns.cookie() {
        Ok(cookie) => Ok(Some((cookie.0, netns))),
        // A file that nothing is bound on (any more) is no namespace.
        Err(NetnsError::Enter {
            source: Errno::EINVAL,
            ..
        }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, ScanError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if has_gone(&error) => Ok(Vec::new()),
        Err(source) => Err(ScanError::List {
            path: folder.to_owned(),
            source,
        }),
    }
}

fn processes(proc: &Path) -> Result<impl Iterator<Item = PathBuf>, ScanError> {
    let number = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.bytes().all(|byte| byte.is_ascii_digit())
    };
    let all = list(proc)?;
    Ok(all
        .into_iter()
        .filter(number)
        .map(|path| path.join("ns/net")))
}

/// Of a process that ends while we look the kernel says EACCES, too.
fn has_ended(path: &Path, error: &io::Error) -> bool {
    let process = path.parent().and_then(Path::parent);
    error.kind() == io::ErrorKind::PermissionDenied && process.is_some_and(|p| !p.exists())
}

/// Processes end and sandboxes go while we look.
fn has_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}
