//! A place of a run's own, beside the cluster of `cargo dev up`: network namespaces, a folder in memory and
//! an API server. The benchmarks, the hammer and the tier `faults` work on one each.
//!
//! All names follow from constants, so that a run recognises what a killed one has left.

pub mod api;
pub mod cni;
pub mod kube;
pub mod objects;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, anyhow};
use nix::fcntl::{Flock, FlockArg};

use crate::{netns, process};

/// What everything of one tool is called.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// The tool, as in `cargo dev NAME`, or the tier.
    pub name: &'static str,
    /// Begins the names of all its network namespaces.
    pub prefix: &'static str,
}

/// Keeps the stage: it is cleared when this ends.
pub struct Held {
    stage: Stage,
    _lock: Flock<File>,
}

// === impl Stage ===

impl Stage {
    /// Its folder, in memory.
    pub fn folder(self) -> PathBuf {
        PathBuf::from(format!("/run/landfall-{}", self.name))
    }

    /// Log of a program.
    pub fn log(self, program: &str) -> PathBuf {
        self.folder().join("log").join(format!("{program}.log"))
    }

    /// Starts a program with its output in a log. It ends with the stage.
    pub fn start(self, mut command: Command, name: &str) -> Result<Child> {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log(name))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        command.spawn().with_context(|| name.to_owned())
    }

    /// Gathers programs in the stage's folder: a build in the meantime can't write to a program that runs.
    pub fn copy(self, programs: &[(&Path, &str)]) -> Result<PathBuf> {
        let own = self.folder().join("programs");
        fs::create_dir_all(&own)?;
        for (folder, program) in programs {
            fs::copy(folder.join(program), own.join(program))?;
        }
        Ok(own)
    }

    /// Takes it and makes its folder.
    pub fn take(self) -> Result<Held> {
        let file = File::create(format!("/run/landfall-{}.lock", self.name))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|_| anyhow!("another `{}` is at work", self.name))?;
        self.clear()?;
        let held = Held {
            stage: self,
            _lock: lock,
        };
        let folder = self.folder();
        fs::create_dir_all(&folder)?;
        // As a node's /run: a machine without systemd may have a disk there.
        let line = format!("mount -t tmpfs -o mode=0700 landfall-{}", self.name);
        process::run(process::words(&line).arg(&folder))?;
        // What is bound below it later shows up in an agent's own view of it.
        process::run(process::words("mount --make-rshared").arg(&folder))?;
        fs::create_dir_all(folder.join("log"))?;
        Ok(held)
    }

    /// Ends what runs in its namespaces, and removes them and the folder.
    fn clear(self) -> Result<()> {
        for netns in netns::names(self.prefix) {
            netns::remove(&netns)?;
        }
        let folder = self.folder();
        // What was killed a moment ago may still hold a file.
        while is_mounted(&folder)? {
            process::run(process::words("umount --lazy").arg(&folder))?;
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        Ok(())
    }
}

/// A command in a network namespace.
pub fn inside(netns: &str, program: &Path) -> Command {
    let mut command = process::words(&format!("nsenter --net=/run/netns/{netns} --"));
    command.arg(program);
    command
}

fn is_mounted(folder: &Path) -> Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    Ok(places.any(|place| Path::new(place) == folder))
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Err(error) = self.stage.clear() {
            let name = self.stage.name;
            eprintln!("error: `{name}` leaves something behind: {error:#}");
        }
    }
}
