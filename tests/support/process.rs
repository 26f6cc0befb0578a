//! Running the machine's programs, with errors that say what went wrong.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::Path,
    process::{Command, ExitStatus, Output, Stdio},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill as signal},
    unistd::Pid,
};

/// Shows a command as one would type it.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A command from a line of words that hold no spaces.
pub fn words(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// A cargo command, without what the `cargo run` that started this program tells it of its own package.
/// ring's build script asks for that: it, and all that is built on it, would be built anew at each change
/// between `cargo dev` and plain cargo, which takes minutes.
pub fn cargo(line: &str) -> Command {
    let mut command = words("cargo");
    command.args(line.split_whitespace());
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        let name = name.to_string_lossy();
        if of_package.iter().any(|start| name.starts_with(start)) {
            command.env_remove(&*name);
        }
    }
    command
}

/// Runs to the end and returns stdout; the error carries stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = captured(command)?;
    if !status.success() {
        let text = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr });
        bail!("{} ({status}): {}", shown(command), text.trim());
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// Runs to the end with nothing on stdin, and returns all it said.
pub fn captured(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| shown(command))
}

/// Runs to the end; the error carries what it said.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs a line of words.
pub fn line(line: &str) -> Result<()> {
    run(&mut words(line))
}

/// Whether it ends well.
pub fn succeeds(command: &mut Command) -> bool {
    captured(command).is_ok_and(|output| output.status.success())
}

/// Runs with `text` on stdin.
pub fn feed(command: &mut Command, text: &str) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| shown(command))?;
    child
        .stdin
        .take()
        .context("no stdin")?
        .write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "{}: {}",
            shown(command),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// Runs with this program's own stdin, stdout and stderr; stdout may be sent to stderr.
pub fn attached(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| shown(command))
}

/// Runs in view: what it prints on stdout and stderr goes to stderr, where progress belongs.
pub fn visible(command: &mut Command) -> Result<()> {
    let status = attached(command.stdin(Stdio::null()).stdout(std::io::stderr()))?;
    if !status.success() {
        bail!("{} ({status})", shown(command));
    }
    Ok(())
}

/// The exit code a shell would give: 128 and the signal's number for a killed process.
pub fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let number = status
        .code()
        .or_else(|| status.signal().map(|signal| signal.saturating_add(128)));
    number
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(255)
}

/// The last lines of a log, with its path: what a failed step prints.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<_> = text.lines().collect();
    let last = all
        .get(all.len().saturating_sub(lines)..)
        .unwrap_or_default();
    format!(
        "last lines of {}:\n    {}",
        log.display(),
        last.join("\n    ")
    )
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, content).with_context(|| path.display().to_string())
}

/// Sends SIGKILL; a process that is gone already is fine.
pub fn kill(pid: i32) {
    signal(Pid::from_raw(pid), Signal::SIGKILL).unwrap_or_default();
}
