//! Daemons that outlive the command which started them, and how to find and kill them again.
//!
//! Each runs a copy of this program as PID 1 of namespaces of its own ([`crate::init`]): to kill
//! that process kills all it has started, as a power cut does.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sched::{CloneFlags, setns, unshare},
    unistd::setsid,
};

use crate::{init::Spec, layout, process, progress};

/// A machine made of namespaces: the control plane or a node.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Its folder, with `init.json`, `pid` and `log/`.
    pub folder: PathBuf,
    /// Network namespace it lives in.
    pub netns: String,
}

impl Machine {
    fn spec(&self) -> PathBuf {
        self.folder.join("init.json")
    }

    /// Its PID 1 as the machine sees it, if it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        recorded(&self.folder.join("pid"), &self.spec())
    }

    /// Starts it and waits until its PID 1 is known.
    pub(crate) fn start(&self, spec: &Spec) -> Result<()> {
        process::write(&self.spec(), serde_json::to_vec_pretty(spec)?)?;
        fs::create_dir_all(self.folder.join("log"))?;
        daemon(
            &["internal", "launch"],
            &[&self.folder, &PathBuf::from(&self.netns)],
            &self.log(),
        )?;
        if !progress::wait(Duration::from_secs(5), || self.pid().is_some()) {
            bail!(
                "{} did not start; {}",
                self.folder.display(),
                process::tail(&self.log(), 10)
            );
        }
        Ok(())
    }

    /// Log of its PID 1.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log/init.log")
    }

    /// Cuts the power.
    pub(crate) fn kill(&self) -> Result<()> {
        if let Some(pid) = self.pid() {
            process::kill(pid);
            if !progress::wait(Duration::from_secs(10), || self.pid().is_none()) {
                bail!("process {pid} of {} does not end", self.folder.display());
            }
        }
        Ok(())
    }

    /// A command that runs in all its namespaces.
    pub(crate) fn command(&self, words: &[String]) -> Result<Command> {
        let pid = self
            .pid()
            .with_context(|| format!("{} does not run", self.folder.display()))?;
        let spec: Spec = serde_json::from_slice(&fs::read(self.spec())?)?;
        let mut nsenter = Command::new("nsenter");
        nsenter.arg(format!("--target={pid}"));
        nsenter
            .args([
                "--mount", "--uts", "--ipc", "--net", "--pid", "--wd=/", "--",
            ])
            .args(words);
        nsenter.env("PATH", spec.path);
        Ok(nsenter)
    }
}

/// The process a pid file names, if it lives and was started with `mark` among its arguments:
/// numbers are used again.
fn recorded(file: &Path, mark: &Path) -> Option<i32> {
    let pid: i32 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mark = mark.to_str()?;
    String::from_utf8_lossy(&arguments)
        .split('\0')
        .any(|word| word == mark)
        .then_some(pid)
}

/// Processes of this machine that run our copy: also those whose pid file a killed run never wrote.
pub(crate) fn strays() -> Vec<i32> {
    let copy = layout::own_copy();
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let text = String::from_utf8_lossy(&arguments);
            let mut words = text.split('\0');
            words.next() == copy.to_str() && words.next() == Some("internal")
        })
        .collect()
}

/// Starts our copy with its output in a log, detached from the terminal.
pub(crate) fn daemon(words: &[&str], paths: &[&Path], log: &Path) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let out = File::create(log).with_context(|| log.display().to_string())?;
    Command::new(layout::own_copy())
        .args(words)
        .args(paths)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .current_dir("/")
        .spawn()
        .with_context(|| layout::own_copy().display().to_string())?;
    Ok(())
}

/// `internal launch FOLDER NETNS`: enters the namespaces, leaves PID 1 behind and ends.
pub(crate) fn launch(folder: &Path, netns: &str) -> Result<()> {
    leave_session();
    setns(
        File::open(crate::network::path(netns)).context("network namespace")?,
        CloneFlags::CLONE_NEWNET,
    )?;
    let flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
    unshare(flags | CloneFlags::CLONE_NEWPID).context("unshare")?;
    let child = Command::new(layout::own_copy())
        .args(["internal", "init"])
        .arg(folder.join("init.json"))
        .spawn()?;
    process::write(&folder.join("pid"), child.id().to_string())
}

/// Becomes a session of its own: the terminal's signals are not for a daemon.
pub(crate) fn leave_session() {
    setsid().map(drop).unwrap_or_default();
}
