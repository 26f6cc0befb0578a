//! The plugin, executed as a runtime executes it.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;

use super::{node::Node, sandbox::Sandbox};
use crate::stage::cni;

/// The pod of a call.
#[derive(Clone, Debug)]
pub(super) struct Pod {
    /// Its name.
    pub(super) name: String,
    /// Its UID.
    pub(super) uid: String,
    /// What its annotation asks for.
    pub(super) networks: String,
    /// Its node's place.
    pub(super) node: usize,
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Well.
    Done,
    /// With this error.
    Failed(String),
    /// Killed on the way.
    Killed,
}

/// Executes it; kills it after a while, if that is asked for.
pub(super) fn execute(
    verb: &str,
    node: &Node,
    sandbox: &Sandbox,
    pod: &Pod,
    kill: Option<Duration>,
) -> Result<Outcome> {
    let plugins = node.plugins();
    let call = cni::Call {
        container: &sandbox.container(),
        netns: &sandbox.path,
        interface: "eth0",
        plugins: &plugins,
        run_dir: &node.run_dir(),
        pod: &pod.name,
        uid: &pod.uid,
    };
    let config = cni::chained(&json!({"landfall.dev/networks": pod.networks}));
    let mut child = Command::new(plugins.join("landfall"))
        .env_clear()
        .envs(call.environment(verb))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the plugin")?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that has failed early reads nothing.
        stdin.write_all(config.to_string().as_bytes()).ok();
    }
    if let Some(after) = kill {
        thread::sleep(after);
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    Ok(match output.status.code() {
        None => Outcome::Killed,
        Some(0) => Outcome::Done,
        Some(_) => Outcome::Failed(String::from_utf8_lossy(&output.stdout).into_owned()),
    })
}
