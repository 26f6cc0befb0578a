//! Sysctls below `net`.
//!
//! `/proc/sys/net` shows the network namespace of the thread that opens the file, so all of this needs
//! a thread inside. The base path is a parameter: in the agent's container `/proc/sys` is read-only and
//! the host's is mounted elsewhere, which works just as well (the thread decides, not the mount).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use landfall_core::link::Setting;

use crate::{crash, netns::Inside};

/// Where sysctls are, unless a container hides them.
pub const PROC_SYS: &str = "/proc/sys";

/// The sysctls of a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Sysctls<'a> {
    base: &'a Path,
}

/// A sysctl that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SysctlError {
    /// The name is no path below `net`.
    #[error("'{0}' names no sysctl of an interface")]
    Name(String),
    /// The value was not taken.
    #[error("cannot set the sysctl net/{path} to {value}{}", hint(.source))]
    Write {
        /// Which.
        path: String,
        /// To what.
        value: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The value can't be read.
    #[error("cannot read the sysctl net/{path}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        " (it is mounted read-only; the host's /proc/sys must be mounted into the container)"
    } else if error.kind() == io::ErrorKind::NotFound {
        " (this kernel has no such setting)"
    } else {
        ""
    }
}

impl<'a> Sysctls<'a> {
    /// The sysctls of the namespace that the thread is in, below `base` (usually [`PROC_SYS`]).
    pub fn of(_here: &'a Inside<'_>, base: &'a Path) -> Self {
        Self { base }
    }

    /// Writes one.
    pub fn write(&self, setting: &Setting) -> Result<(), SysctlError> {
        // One write(): the kernel parses each by itself.
        let path = self.path(&setting.path)?;
        let written = crash::around("write", "a sysctl", || {
            let file = OpenOptions::new().write(true).open(path);
            file.and_then(|mut file| file.write_all(setting.value.as_bytes()))
        });
        match written {
            Err(error) if *setting == off(&setting.path) && self.has_no(&setting.path, &error) => {
                Ok(())
            }
            written => written.map_err(|source| SysctlError::Write {
                path: setting.path.clone(),
                value: setting.value.clone(),
                source,
            }),
        }
    }

    /// Reads one.
    pub fn read(&self, path: &str) -> Result<Setting, SysctlError> {
        match fs::read_to_string(self.path(path)?) {
            Ok(value) => Ok(Setting {
                path: path.to_owned(),
                value: value.trim_end().to_owned(),
            }),
            Err(error) if self.has_no(path, &error) => Ok(off(path)),
            Err(source) => Err(SysctlError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// A kernel that was started with ipv6.disable=1 has nothing to switch off. Only asked after a
    /// failure: the kernel finds a name in here by going through those of all namespaces.
    fn has_no(&self, path: &str, error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::NotFound
            && path.ends_with("/disable_ipv6")
            && !self.base.join("net/ipv6").exists()
    }

    /// An interface may not be called `..`, but a path is built from its name: look again.
    fn path(&self, path: &str) -> Result<PathBuf, SysctlError> {
        let plain = |component| matches!(component, Component::Normal(_));
        if path.is_empty() || !Path::new(path).components().all(plain) {
            return Err(SysctlError::Name(path.to_owned()));
        }
        Ok(self.base.join("net").join(path))
    }
}

fn off(path: &str) -> Setting {
    Setting {
        path: path.to_owned(),
        value: "1".to_owned(),
    }
}
