//! What goes wrong, by seed. Each fault is healed before its thread takes the next; those of several
//! threads overlap.

mod nodes;
mod operators;
mod servers;

use std::{collections::BTreeSet, sync::Mutex, thread, time::Duration};

use anyhow::Result;
use landfall_dice::Dice;
use nix::sys::signal::Signal::{self, SIGCONT, SIGSTOP};

use super::{
    daemon::Daemon,
    node::Node,
    rig,
    world::{World, lock},
};

/// Most of the pause between two faults of a thread, in milliseconds.
const PAUSE: usize = 5_000;
/// Most of how long a fault lasts.
const LASTS: usize = 3_000;

/// A kind of fault.
#[derive(Clone, Copy)]
struct Fault {
    name: &'static str,
    place: Place,
    /// Makes it, and heals it.
    strike: fn(&At<'_>) -> Result<()>,
}

/// What it is about. No two faults are about the same at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Operators,
    Servers,
    Network,
    /// Any node.
    Node,
    /// The first node.
    ///
    /// After a loss of `/run` without a reboot an agent no longer speaks for the Nodes that its machine
    /// was before: what those hold then waits for evidence (docs/ipam-protocol.md). So the first node
    /// alone is registered again, and loses `/run` only in a reboot.
    FirstNode,
    /// Any but the first.
    OtherNode,
}

/// Where and when one strikes.
struct At<'a> {
    world: &'a World,
    node: &'a Node,
    lasts: Duration,
    /// For one of several.
    choice: usize,
}

/// What is struck now.
#[derive(Debug, Default)]
pub(super) struct Busy(Mutex<BTreeSet<String>>);

/// One fault after another, until it is over.
pub(super) fn strike(world: &World, busy: &Busy, mut dice: Dice) -> Result<()> {
    // All kinds come up before one comes again.
    let mut left = Vec::new();
    while !world.is_over() {
        if left.is_empty() {
            left = all();
        }
        let fault = left.swap_remove(dice.below(left.len()));
        let node = world.node(fault.place.node(world.nodes.len(), &mut dice))?;
        let target = fault.place.name(node);
        if !lock(&busy.0).insert(target.clone()) {
            // Later in this round.
            left.push(fault);
            thread::sleep(Duration::from_millis(50));
            continue;
        }
        let at = At {
            world,
            node,
            lasts: dice.millis(LASTS),
            choice: dice.below(100),
        };
        world.note(format!("{target}: {}", fault.name));
        let result = (fault.strike)(&at);
        world.note(format!("{target}: healed: {}", fault.name));
        lock(&busy.0).remove(&target);
        world.count(&format!("fault: {}", fault.name));
        result?;
        thread::sleep(dice.millis(PAUSE));
    }
    Ok(())
}

fn all() -> Vec<Fault> {
    [&operators::ALL[..], &nodes::ALL, &servers::ALL].concat()
}

// === impl Place ===

impl Place {
    fn node(self, count: usize, dice: &mut Dice) -> usize {
        match self {
            Self::FirstNode => 0,
            Self::OtherNode if count > 1 => dice.below(count.saturating_sub(1)).saturating_add(1),
            Self::OtherNode | Self::Operators | Self::Servers | Self::Network | Self::Node => {
                dice.below(count)
            }
        }
    }

    fn name(self, node: &Node) -> String {
        match self {
            Self::Operators => "operators".to_owned(),
            Self::Servers => "API server".to_owned(),
            Self::Network => "network".to_owned(),
            Self::FirstNode | Self::OtherNode | Self::Node => node.name.clone(),
        }
    }
}

// === impl At ===

impl At<'_> {
    fn wait(&self) {
        thread::sleep(self.lasts);
    }

    /// Ended, and started again.
    fn over(&self, daemon: &Daemon, signal: Signal) -> Result<()> {
        daemon.end(signal)?;
        self.wait();
        daemon.start()
    }

    /// Stopped, and continued.
    fn stopped(&self, daemons: &[&Daemon]) -> Result<()> {
        daemons.iter().try_for_each(|one| one.signal(SIGSTOP))?;
        self.wait();
        daemons.iter().try_for_each(|one| one.signal(SIGCONT))
    }

    /// A machine cut off from the API server; `meanwhile` happens at the beginning.
    fn cut(&self, machine: &str, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        rig::set_wire(machine, false)?;
        let result = meanwhile();
        self.wait();
        rig::set_wire(machine, true)?;
        result
    }
}
