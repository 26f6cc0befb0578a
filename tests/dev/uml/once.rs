//! A machine that is there for one program and ends with it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::machine;
use crate::{layout, process, progress};

/// Boot and program: half a minute where nothing else runs.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a program on a kernel of its own. It and its files are the host's; what it leaves in `folder` stays,
/// and what it says is in `folder`/console.
pub(crate) fn run_once(folder: &Path, words: &[&OsStr]) -> Result<()> {
    let quoted = |word: &&OsStr| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let command: Vec<_> = words.iter().map(quoted).collect();
    process::write(&folder.join("command"), command.join(" "))?;
    let console = File::create(folder.join("console"))?;
    let umid = folder.join("umid");
    fs::create_dir_all(&umid)?;
    let words = machine::kernel(folder, &layout::tree().join("tests/cluster/uml/once"))?;
    let (program, words) = words.split_first().context("no kernel")?;
    let mut uml = Command::new(program)
        .args(words)
        .arg("umid=once")
        .env_clear()
        .env("LD_PRELOAD", machine::xstate(folder)?)
        .env("HOME", umid)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console)
        .spawn()
        .context("linux.uml")?;
    let ended = progress::wait(LIMIT, || !matches!(uml.try_wait(), Ok(None)));
    machine::kill(folder)?;
    // Reaped, whoever ended it.
    uml.wait()?;
    if !ended {
        bail!(
            "it does not end; {}",
            process::tail(&folder.join("console"), 20)
        );
    }
    Ok(())
}
