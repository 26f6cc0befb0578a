//! `attach`: ADD and DEL, one at a time and many, beside the reference plugins.

mod many;
mod single;

use std::{path::Path, thread, time::Duration};

use anyhow::Result;

use super::{
    agent::{self, Agent, Pod},
    api::Api,
    call::Sandbox,
    report::Row,
    rig::{self, Rig},
    samples::{Better, Samples},
};
use crate::{apt, go, install, progress};

/// As many as a node has by default.
const PODS: usize = 110;
/// As many as go at once where nodes are large.
const WAVE: usize = 300;

/// Measures all of it.
pub(super) fn measure(rounds: u32, programs: Option<&Path>) -> Result<Vec<Row>> {
    apt::install()?;
    go::build()?;
    let programs = match programs {
        Some(programs) => programs.to_owned(),
        None => install::build()?.join("agent"),
    };
    let _rig = progress::step("making a node, a LAN and a folder", None, Rig::build)?;
    let api = progress::step("starting an API server", Some(8), Api::start)?;
    let agent = progress::step("starting the agent", Some(2), || {
        Agent::start(&programs, &api, PODS)
    })?;
    let mut rows = progress::step(&format!("{rounds} rounds of single calls"), None, || {
        single::rounds(rounds, &api)
    })?;
    rows.extend(progress::step("storms", None, many::storms)?);
    rows.push(Row::new(
        "attach/agent-memory",
        "MiB",
        &memory(&agent)?,
        Better::Lower,
    ));
    agent::grant(&api, WAVE)?;
    rows.extend(progress::step("waves", None, many::waves)?);
    Ok(rows)
}

/// Of the agent with all pods of a node attached.
fn memory(agent: &Agent) -> Result<Samples> {
    let sandboxes = sandboxes(PODS)?;
    let mut samples = Samples::default();
    many::attach(&sandboxes)?;
    samples.add(agent.memory()?);
    many::detach(&sandboxes)?;
    Ok(samples)
}

/// New sandboxes, each of another pod.
fn sandboxes(count: usize) -> Result<Vec<Sandbox>> {
    let netns = rig::sandboxes(count)?;
    // The kernel takes those away that were there before.
    thread::sleep(Duration::from_millis(500));
    let pods = (0..count).map(Pod);
    Ok(netns
        .iter()
        .zip(pods)
        .map(|(netns, pod)| Sandbox::new(netns, pod))
        .collect())
}
