//! One schedule, from its seed to its end; and many of them.

use std::fmt::Write as _;

use landfall_core::ledger::Rules;

use crate::{dice::Dice, fault::Fault, scenario::Scenario, world::World};

/// How large a schedule's cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Two to four nodes.
    Small,
    /// Fifty nodes, thousands of pods.
    Large,
}

/// What many schedules came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Schedules.
    pub schedules: u64,
    /// Steps.
    pub steps: u64,
    /// Requests that the API server answered.
    pub requests: u64,
    /// ADDs and DELs.
    pub calls: u64,
    /// AddressClaims and IPAMClaims that were made.
    pub claims: usize,
    /// How often each kind of fault happened.
    pub faults: Vec<(Fault, u64)>,
}

/// A schedule that broke an invariant.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// Its size.
    pub size: Size,
    /// The step; `None` if it was at rest.
    pub step: Option<usize>,
    /// The invariant.
    pub what: String,
    /// What happened last.
    pub trace: String,
}

/// Lines of a trace.
const LINES: usize = 120;

/// Runs a schedule. The second run of one that breaks keeps a trace.
pub fn schedule(seed: u64, size: Size, rules: Rules) -> Result<Tally, Box<Broken>> {
    once(seed, size, rules, 0).or_else(|_| once(seed, size, rules, LINES))
}

fn once(seed: u64, size: Size, rules: Rules, lines: usize) -> Result<Tally, Box<Broken>> {
    let mut dice = Dice::new(seed);
    let scenario = match size {
        Size::Small => Scenario::small(&mut dice),
        Size::Large => Scenario::large(&mut dice),
    };
    run(scenario, &mut dice, rules, lines).map_err(|(step, what, trace)| {
        Box::new(Broken {
            seed,
            size,
            step,
            what,
            trace,
        })
    })
}

type Failure = (Option<usize>, String, String);

/// Runs a scenario to its end.
pub fn run(
    scenario: Scenario,
    dice: &mut Dice,
    rules: Rules,
    lines: usize,
) -> Result<Tally, Failure> {
    let steps = scenario.steps;
    let mut world = World::new(scenario, rules, lines);
    if world.scenario.nodes > 4 {
        world.fill(dice);
    }
    for step in 0..steps {
        if let Err(what) = world.step(dice) {
            return Err((Some(step), what, world.story()));
        }
    }
    match world.rest(dice) {
        Ok(()) => Ok(tally(&world, steps)),
        Err(what) => Err((None, what, world.story())),
    }
}

fn tally(world: &World, steps: usize) -> Tally {
    Tally {
        schedules: 1,
        steps: u64::try_from(steps).unwrap_or_default(),
        requests: world.site.api.requests,
        calls: world.machines.iter().map(|machine| machine.calls).sum(),
        claims: world.site.checker.register.claims(),
        faults: world.site.faults.counts().collect(),
    }
}

// === impl Tally ===

impl Tally {
    /// Requests, ADDs and DELs.
    pub fn operations(&self) -> u64 {
        self.requests + self.calls
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.requests += other.requests;
        self.calls += other.calls;
        self.claims += other.claims;
        if self.faults.is_empty() {
            self.faults.clone_from(&other.faults);
        } else {
            for (own, (_, count)) in self.faults.iter_mut().zip(&other.faults) {
                own.1 += count;
            }
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} schedules, {} steps, {} operations ({} requests, {} ADDs and DELs), {} claims\n",
            self.schedules,
            self.steps,
            self.operations(),
            self.requests,
            self.calls,
            self.claims
        );
        for (fault, count) in &self.faults {
            let written = writeln!(text, "{count:>12}  {}", fault.text());
            debug_assert!(written.is_ok(), "a String takes everything");
        }
        text
    }
}

// === impl Broken ===

impl Broken {
    /// For people: what broke, what happened before, and how to see it again.
    pub fn text(&self) -> String {
        let step = self
            .step
            .map_or_else(|| "at rest".to_owned(), |step| format!("at step {step}"));
        format!(
            "seed {} breaks an invariant {step}\n{}\n  {}\nagain: SIM_SEED={} SIM_SIZE={:?} cargo test -p landfall-sim \
             by_hand_one_seed -- --ignored --nocapture",
            self.seed, self.trace, self.what, self.seed, self.size
        )
    }
}
