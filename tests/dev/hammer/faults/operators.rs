//! Faults of operators.

use nix::sys::signal::Signal::{SIGKILL, SIGTERM};

use super::{At, Daemon, Fault, Place};
use crate::hammer::{operators, rig::OPERATORS};

/// All of them.
pub(super) const ALL: [Fault; 7] = [
    Fault {
        name: "leader killed",
        place: Place::Operators,
        strike: |at| at.over(leader(at), SIGKILL),
    },
    Fault {
        name: "leader terminated",
        place: Place::Operators,
        strike: |at| at.over(leader(at), SIGTERM),
    },
    Fault {
        name: "leader stopped",
        place: Place::Operators,
        strike: |at| at.stopped(&[leader(at)]),
    },
    Fault {
        name: "both operators killed",
        place: Place::Operators,
        strike: |at| {
            let pair = &at.world.operators.pair;
            pair.iter().try_for_each(|one| one.end(SIGKILL))?;
            at.wait();
            pair.iter().try_for_each(Daemon::start)
        },
    },
    Fault {
        name: "both operators stopped",
        place: Place::Operators,
        strike: |at| at.stopped(&at.world.operators.pair.each_ref()),
    },
    Fault {
        name: "operator cut off",
        place: Place::Operators,
        strike: |at| {
            let [first, second] = OPERATORS;
            let machine = if at.choice < 50 { first } else { second };
            at.cut(machine, || Ok(()))
        },
    },
    Fault {
        name: "two operators lead at once",
        place: Place::Operators,
        strike: |at| {
            let stranger = &at.world.operators.stranger;
            stranger.start()?;
            at.wait();
            at.wait();
            stranger.end(SIGKILL)
        },
    },
];

/// The operator that leads, or one of them.
fn leader<'a>(at: &At<'a>) -> &'a Daemon {
    let [first, second] = &at.world.operators.pair;
    if operators::leader() == Some(1) {
        second
    } else {
        first
    }
}
