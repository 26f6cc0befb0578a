//! PID 1 of a machine made of namespaces: mounts, then programs that are started again when they
//! end, as a service manager does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{process, progress};

/// What the machine is; `init.json` in its folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Host name.
    pub hostname: String,
    /// PATH of its programs.
    pub path: String,
    /// Places that get an empty tmpfs: what a power cut loses.
    pub tmpfs: Vec<PathBuf>,
    /// (own file or folder, standard place).
    pub binds: Vec<(PathBuf, PathBuf)>,
    /// Places whose mounts must be seen in containers and the other way round.
    pub shared: Vec<PathBuf>,
    /// Programs, in the order of their start.
    pub services: Vec<Service>,
}

impl Spec {
    fn is_mounted(&self, place: &Path) -> bool {
        self.tmpfs.iter().any(|tmpfs| tmpfs == place)
            || self.binds.iter().any(|(_, bound)| bound == place)
    }
}

/// Inside the machine: while there is a file with a program's name in it, that program is not started
/// again. To keep one down, a test makes the file and kills the program.
const HOLD: &str = "/run/rig/hold";

/// Waits until the file `$0` is gone, then becomes the program.
const WHEN_NOT_HELD: &str = r#"while [ -e "$0" ]; do sleep 0.1; done; exec "$@""#;

/// A program that always runs, unless a test holds it (see [`HOLD`]).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Service {
    /// Words of the command.
    pub words: Vec<String>,
    /// File of its output.
    pub log: PathBuf,
    /// A file (a socket, say) that must exist first.
    pub after: Option<PathBuf>,
}

impl Service {
    fn start(&self, path: &str) -> Result<Pid> {
        if let Some(file) = &self.after {
            progress::wait(Duration::from_secs(20), || file.exists());
        }
        let program = self.words.first().context("a service without a program")?;
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let child = Command::new("sh")
            .args(["-c", WHEN_NOT_HELD])
            .arg(Path::new(HOLD).join(program))
            .args(&self.words)
            .env_clear()
            .env("PATH", path)
            .env("HOME", "/root")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| program.clone())?;
        Ok(Pid::from_raw(i32::try_from(child.id())?))
    }
}

/// `internal init SPEC`: never ends.
pub(crate) fn run(spec: &Path) -> Result<()> {
    let spec: Spec = serde_json::from_slice(&fs::read(spec)?)?;
    mounts(&spec)?;
    fs::create_dir_all(HOLD).context(HOLD)?;
    fs::write("/proc/sys/kernel/hostname", &spec.hostname)?;
    let mut running: Vec<(Pid, &Service)> = Vec::new();
    for service in &spec.services {
        running.push((service.start(&spec.path)?, service));
    }
    loop {
        // All children are waited for, also those adopted: a zombie is waited for by nobody else.
        match waitpid(None, None::<WaitPidFlag>) {
            Ok(status) => {
                if let Some(entry) = running
                    .iter_mut()
                    .find(|(pid, _)| Some(*pid) == status.pid())
                {
                    eprintln!("{:?}: {status:?}; it starts again", entry.1.words.first());
                    sleep(Duration::from_secs(1));
                    entry.0 = entry.1.start(&spec.path)?;
                }
            }
            Err(Errno::ECHILD) => sleep(Duration::from_secs(1)),
            Err(error) => eprintln!("waitpid: {error}"),
        }
    }
}

/// Unmounts what the machine has below `place`. A tmpfs on top would hide it, but it would stay in
/// the list of mounts, under the same path as what the node mounts there later (`/run/netns`), and
/// containerd would judge the wrong one.
fn uncover(place: &Path) -> Result<()> {
    let list = fs::read_to_string("/proc/self/mountinfo")?;
    let points = list
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(Path::new);
    let mut below: Vec<&Path> = points
        .filter(|point| point.starts_with(place) && *point != place)
        .collect();
    below.reverse();
    for point in below {
        // Who removes a file takes away what is mounted on it elsewhere too (vfs_unlink, fs/namei.c): a sandbox
        // of somebody else's may have ended since the list was read.
        match umount2(point, MntFlags::MNT_DETACH) {
            Ok(()) | Err(Errno::ENOENT | Errno::EINVAL) => {}
            Err(error) => return Err(error).with_context(|| point.display().to_string()),
        }
    }
    Ok(())
}

fn mounts(spec: &Spec) -> Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .context("private mounts")?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).context("/proc")?;
    for place in &spec.tmpfs {
        uncover(place)?;
        mount(
            Some("tmpfs"),
            place,
            Some("tmpfs"),
            MsFlags::empty(),
            Some("mode=755"),
        )
        .with_context(|| place.display().to_string())?;
    }
    sysfs()?;
    for (own, place) in &spec.binds {
        mount(Some(own), place, none, MsFlags::MS_BIND, none)
            .with_context(|| format!("{} on {}", own.display(), place.display()))?;
    }
    for place in &spec.shared {
        // Only a mount point can be shared. One that is bound onto itself again hides the shared one
        // below: containerd then sees a private mount and refuses Bidirectional volumes.
        if !spec.is_mounted(place) {
            let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
            mount(Some(place), place, none, flags, none)?;
        }
        mount(
            none,
            place,
            none,
            MsFlags::MS_REC | MsFlags::MS_SHARED,
            none,
        )
        .with_context(|| place.display().to_string())?;
    }
    Ok(())
}

/// A sysfs that shows the interfaces of the own network namespace, with the machine's cgroups.
fn sysfs() -> Result<()> {
    let none = None::<&str>;
    let cgroups = "/sys/fs/cgroup";
    let aside = "/run/cgroup";
    fs::create_dir_all(aside)?;
    mount(
        Some(cgroups),
        aside,
        none,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        none,
    )
    .context(cgroups)?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).context("/sys")?;
    mount(Some(aside), cgroups, none, MsFlags::MS_MOVE, none).context(cgroups)?;
    fs::remove_dir(aside).context(aside)
}

/// Folders on the machine that must exist as mount points; the new ones are returned.
pub(crate) fn places(spec: &Spec) -> Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    for (own, place) in &spec.binds {
        if !place.exists() {
            if own.is_dir() {
                fs::create_dir_all(place)?;
            } else {
                process::write(place, "")?;
            }
            made.push(place.clone());
        }
    }
    Ok(made)
}
