//! Other plugins, executed as the reference library does it: found in CNI_PATH, our own environment with
//! another CNI_COMMAND, the configuration as it came.

use std::{
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Command, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};

use super::{internal, object::Object};
use crate::spec::{CniError, Code, Verb};

/// How often a plugin that is being written is tried.
const BUSY_ATTEMPTS: u32 = 6;
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// The program of a plugin: the first regular file of that name in CNI_PATH.
pub(super) fn find(name: &str, path: &str) -> Result<PathBuf, CniError> {
    if name.is_empty() {
        return Err(internal("no plugin name provided"));
    }
    if name.contains('/') {
        return Err(internal(format!("invalid plugin name: {name}")));
    }
    let folders: Vec<_> = path
        .split(':')
        .filter(|folder| !folder.is_empty())
        .collect();
    let mut programs = folders
        .iter()
        .map(|folder| PathBuf::from(folder).join(name));
    programs.find(|program| program.is_file()).ok_or_else(|| {
        let folders = folders.join(" ");
        internal(format!(
            "failed to find plugin {name:?} in path [{folders}]"
        ))
    })
}

/// Executes a plugin and returns what it prints.
pub(super) fn call(program: &PathBuf, verb: Verb, input: &str) -> Result<String, CniError> {
    let mut attempt = 1;
    let output = loop {
        match execute(program, verb, input) {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && attempt < BUSY_ATTEMPTS =>
            {
                attempt += 1;
                thread::sleep(BUSY_PAUSE);
            }
            output => {
                break output.map_err(|error| {
                    let program = program.display();
                    unknown(format!(
                        "netplugin failed with no error message: {program}: {error}"
                    ))
                })?;
            }
        }
    };
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(failure(&stdout, &output.stderr, output.status));
    }
    // Its remarks go where ours go. Nobody may be listening.
    drop(io::stderr().write_all(&output.stderr));
    Ok(stdout)
}

#[expect(
    clippy::disallowed_methods,
    reason = "CNI plugins call each other by exec"
)]
fn execute(program: &PathBuf, verb: Verb, input: &str) -> io::Result<Output> {
    let mut child = Command::new(program)
        .env("CNI_COMMAND", verb.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        // It may print before it has read all.
        scope.spawn(move || {
            // A plugin that has read enough closes its end.
            stdin.map(|mut stdin| stdin.write_all(input.as_bytes()).ok())
        });
        child.wait_with_output()
    })
}

/// The error that a plugin has printed, with its own code.
fn failure(stdout: &str, stderr: &[u8], status: ExitStatus) -> CniError {
    let status = word(status);
    if stdout.is_empty() {
        let stderr = String::from_utf8_lossy(stderr);
        return unknown(if stderr.is_empty() {
            format!("netplugin failed with no error message: {status}")
        } else {
            format!("netplugin failed: {stderr:?}: {status}")
        });
    }
    read(stdout).unwrap_or_else(|why| {
        unknown(format!(
            "netplugin failed but error parsing its diagnostic message {stdout:?}: {why}"
        ))
    })
}

fn read(stdout: &str) -> Result<CniError, String> {
    let object = Object::read(stdout).map_err(|error| error.to_string())?;
    let text = |key| {
        object
            .value::<String>(key)
            .map_err(|error| error.to_string())
    };
    let code: u32 = object.value("code").map_err(|error| error.to_string())?;
    Ok(CniError {
        code: Code::from(code),
        msg: text("msg")?,
        details: text("details")?,
    })
}

/// Code 0, as the reference has it.
fn unknown(msg: String) -> CniError {
    CniError::new(Code::Other(0), msg)
}

/// As Go words it.
fn word(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("signal: {}", signal.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
