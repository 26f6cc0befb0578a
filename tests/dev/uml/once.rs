//! A machine that is there for one program and ends with it.
//!
//! ```text
//! kernel_has_all ─> no: run_once FOLDER ─> its program, with the host's files
//! cargo test --test cni ─> runner: internal on-uml EXECUTABLE … ─> on ─> the same, and what it said
//! ```

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::machine;
use crate::{layout, process, progress};

/// What a kernel must be able to make; asked in a namespace that ends with the question.
const ALL: &str = "\
ip link add a type veth peer name b && ip link add link a name c type vlan id 5 &&
ip link add link a name d type vlan proto 802.1ad id 5 && ip link add link b type ipvlan mode l2 &&
ip link add e type bond && ip link add f type dummy";

/// What [`on`] does inside: an exit code is all that is left of a program there, and hostfs has it as text.
const KEEP: &str =
    "cd /; \"$@\" > \"$0/output\" 2>&1 && code=0 || code=$?; echo $code > \"$0/code\"";

/// Boot and program: a minute or two where nothing else runs.
const LIMIT: Duration = Duration::from_secs(600);

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

/// Whether this machine's kernel has what Debian's for User-Mode Linux has: ipvlan, 802.1Q and 802.1ad, bond
/// and dummy.
pub(crate) fn kernel_has_all() -> bool {
    process::succeeds(Command::new("unshare").args(["--net", "sh", "-c", ALL]))
}

/// Runs a program on a kernel of its own, prints what it said and returns its exit code. Variables are none
/// but those that are given here.
pub(crate) fn on(words: &[String], variables: &[(&str, &Path)]) -> Result<u8> {
    let folder = Folder::new("on-uml")?;
    let mut line = vec!["env".to_owned(), "TMPDIR=/run".to_owned()];
    line.extend(
        variables
            .iter()
            .map(|(name, value)| format!("{name}={}", value.display())),
    );
    let shell = ["sh", "-c", KEEP].map(OsStr::new);
    let words = shell
        .into_iter()
        .chain([folder.path().as_os_str()])
        .chain(line.iter().chain(words).map(OsStr::new));
    run_once(folder.path(), &words.collect::<Vec<_>>())?;
    let output = fs::read(folder.path().join("output")).unwrap_or_default();
    std::io::stdout().write_all(&output)?;
    let code = fs::read_to_string(folder.path().join("code")).ok();
    code.and_then(|code| code.trim().parse().ok())
        .with_context(|| process::tail(&folder.path().join("console"), 20))
        .context("the machine ended before its program")
}

/// A folder that goes away with this.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(what: &str) -> Result<Self> {
        let name = format!("landfall-{what}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
