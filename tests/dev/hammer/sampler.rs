//! Kernel truth, ten times a second.

use std::{sync::Arc, thread, time::Duration};

use anyhow::Result;

use crate::progress;

use super::{
    history::Look,
    sandbox::Sandbox,
    world::{World, lock},
};

/// Between the beginnings of two looks.
const PERIOD: Duration = Duration::from_millis(100);

/// Between two words on how far it is.
const TOLD: Duration = Duration::from_secs(60);

/// Looks until `is_over`, and ends the run at the first finding.
pub(super) fn watch(world: &World, is_over: impl Fn() -> bool) -> Result<()> {
    let mut told = Duration::ZERO;
    while !is_over() {
        let begin = world.now();
        if begin.saturating_sub(told) > TOLD {
            told = begin;
            let seconds = begin.as_secs();
            progress::note(&format!("{seconds} s: {} operations", world.operations()));
        }
        round(world)?;
        revive(world)?;
        let took = world.now().saturating_sub(begin);
        thread::sleep(PERIOD.saturating_sub(took));
    }
    Ok(())
}

/// What has ended by itself is started again.
fn revive(world: &World) -> Result<()> {
    let agents = world.nodes.iter().map(|node| ("agent", &node.agent));
    let operators = world.operators.pair.iter().map(|one| ("operator", one));
    let others = [("etcd", &world.etcd), ("API server", &world.server)];
    for (name, daemon) in agents.chain(operators).chain(others) {
        if daemon.revive()? {
            world.count(&format!("{name} ended by itself"));
            world.note(format!("{name} ended by itself"));
        }
    }
    Ok(())
}

/// One look at every sandbox.
pub(super) fn round(world: &World) -> Result<()> {
    let sandboxes: Vec<_> = lock(&world.sandboxes).values().cloned().collect();
    let begin = world.now();
    let first = look(&sandboxes)?;
    let unclear = world.history().look(begin, &first);
    if !unclear.is_empty() {
        let again: Vec<_> = sandboxes
            .into_iter()
            .filter(|sandbox| unclear.contains(&sandbox.id))
            .collect();
        let again = look(&again)?;
        world.history().look_again(&first, &again);
    }
    if !world.history().findings().is_empty() {
        world.fail();
    }
    Ok(())
}

/// What is in sandboxes now; those that have gone show nothing.
pub(super) fn look(sandboxes: &[Arc<Sandbox>]) -> Result<Look> {
    let mut look = Look::new();
    for sandbox in sandboxes {
        if let Some(addresses) = sandbox.addresses()? {
            look.insert(sandbox.id, addresses);
        }
    }
    Ok(look)
}
