//! Random walks: worlds that are too large to be searched to the end, with all faults together. At the
//! end of a walk, without faults, everything must settle (invariant 10).
//!
//! This is no proof: the search is. It finds what bounds leave out.

use std::{format, string::String, vec::Vec};

use landfall_dice::Dice;

use super::{
    config::{
        Config,
        Fault::{
            self, Crash, Create, Cut, Delete, Foreign, GiveUp, Kill, Late, Left, Link, LoseRun,
            Power, Reply, Taint,
        },
    },
    state::State,
    world::{Next, World},
};
use crate::ledger::Rules;

/// Pods that come and go on two nodes.
const PODS: &[usize] = &[0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1];

const FAULTS: &[(Fault, u8)] = &[
    (Create, 14),
    (Delete, 14),
    (Kill, 20),
    (GiveUp, 20),
    (Crash, 20),
    (LoseRun, 4),
    (Power, 6),
    (Taint, 6),
    (Cut, 6),
    (Link, 20),
    (Left, 6),
    (Reply, 20),
    (Late, 20),
    (Foreign, 10),
];

const WALKS: Config = Config {
    name: "walks",
    cidrs: &["10.0.0.0/29"],
    claim: &[],
    pods: PODS,
    lagging: 2,
    faults: FAULTS,
    seq_bound: u64::MAX,
    quarantine: true,
    stale_kubelet: true,
    is_reclaimed: false,
    probe: false,
};

const PROBED: Config = Config {
    name: "walks with probes",
    probe: true,
    ..WALKS
};

const DUAL_STACK: Config = Config {
    name: "dual-stack walks",
    probe: true,
    cidrs: &["10.0.0.0/29", "fd00::/125"],
    ..WALKS
};

/// Walks, then settles.
fn walk(world: &mut World, seed: u64, steps: usize) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut state = world.initial();
    let mut out = Vec::new();
    for _ in 0..steps {
        state = step(world, &state, &mut dice, &mut out, |_| true)?;
    }
    for _ in 0..20 {
        for _ in 0..400 {
            state = step(world, &state, &mut dice, &mut out, |next| next.progress)?;
        }
        if world.is_settled(&state) {
            return Ok(());
        }
    }
    let machines = state.machines.map(|number| world.machines.get(number));
    let blocks = state.blocks.map(|number| world.blocks.get(number));
    let specs = state.specs.map(|number| world.objects.get(number));
    Err(format!(
        "10: does not settle: {blocks:#?} {specs:#?} {machines:#?}"
    ))
}

fn step(
    world: &mut World,
    state: &State,
    dice: &mut Dice,
    out: &mut Vec<Next>,
    is_wanted: impl Fn(&Next) -> bool,
) -> Result<State, String> {
    world.next(state, out);
    out.retain(is_wanted);
    if out.is_empty() {
        return Ok(*state);
    }
    let next = &out[dice.below(out.len())];
    if let Some(broken) = &next.broken {
        return Err(broken.clone());
    }
    let state = next.state;
    match world.broken(&state) {
        Some(broken) => Err((*broken).clone()),
        None => Ok(state),
    }
}

/// The first walk that breaks an invariant. A failure names its seed: `walk(world, seed, …)` repeats it.
fn first_broken(config: Config, rules: Rules, seeds: u64) -> Option<(u64, String)> {
    let mut world = World::new(config, rules);
    (0..seeds).find_map(|seed| Some((seed, walk(&mut world, seed, 400).err()?)))
}

#[test]
fn no_walk_gives_an_address_twice_and_every_walk_settles() {
    assert_eq!(first_broken(WALKS, Rules::SHIPPED, 200), None);
}

#[test]
fn walks_with_conflicts_give_no_address_twice_and_settle() {
    assert_eq!(first_broken(PROBED, Rules::SHIPPED, 100), None);
}

#[test]
fn dual_stack_walks_are_all_or_nothing_and_settle() {
    assert_eq!(first_broken(DUAL_STACK, Rules::SHIPPED, 100), None);
}
