//! The simulated API server beside the real one: one script of 200 steps runs on both.
//!
//! What is compared: what each request comes to, every object that is answered, the order of all
//! versions (as dense ranks, for etcd counts other writes too), and what watches say that begin at
//! versions of long ago.

use anyhow::{Context, Result, bail};
use landfall_sim::{dice::Dice, server::Refusal};
use landfall_tests::case;

use crate::cluster;

mod proxy;
mod real;
mod script;
mod simulated;

use real::Real;
use script::{Script, Step};
use simulated::Simulated;

/// Steps of the script.
const STEPS: usize = 200;
/// Where its seed comes from: any number would do.
const SEED: u64 = 3;

/// An object as either server shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    name: String,
    version: u64,
    generation: u64,
    value: u64,
    status: u64,
    is_guarded: bool,
    is_deleting: bool,
}

/// What a step came to: the object after it, if there is one.
type Outcome = Result<Option<Shown>, Refusal>;

/// One line of a watch.
type Line = (&'static str, Shown);

/// Either of the two.
trait Server {
    /// Does a step. An object of the script is named by the number of the answer that showed it.
    fn run(&mut self, step: &Step) -> Result<Outcome>;
    /// All objects.
    fn list(&mut self) -> Result<Vec<Shown>>;
    /// What a watch says that begins at the version of an answer.
    fn watch(&mut self, answer: usize) -> Result<Vec<Line>>;
}

/// Everything that one server answered to a script.
struct Transcript {
    outcomes: Vec<Outcome>,
    list: Vec<Shown>,
    watches: Vec<Vec<Line>>,
}

fn transcript(server: &mut dyn Server, script: &Script) -> Result<Transcript> {
    let mut outcomes = Vec::new();
    for (number, step) in script.steps.iter().enumerate() {
        let outcome = server.run(step);
        outcomes.push(outcome.with_context(|| format!("step {number}: {step:?}"))?);
    }
    let list = server.list()?;
    let watches = script.watches.iter().map(|answer| server.watch(*answer));
    Ok(Transcript {
        outcomes,
        list,
        watches: watches.collect::<Result<_>>()?,
    })
}

// === impl Transcript ===

impl Transcript {
    /// With the rank of each version in its place.
    fn ranked(mut self) -> Self {
        let mut versions: Vec<u64> = self.shown().map(|shown| shown.version).collect();
        versions.sort_unstable();
        versions.dedup();
        for shown in self.shown() {
            let rank = versions.partition_point(|version| *version < shown.version);
            shown.version = u64::try_from(rank).unwrap_or_default();
        }
        self
    }

    fn shown(&mut self) -> impl Iterator<Item = &mut Shown> {
        let answers = self.outcomes.iter_mut();
        let answers = answers.filter_map(|outcome| outcome.as_mut().ok()?.as_mut());
        let lines = self.watches.iter_mut().flatten().map(|(_, shown)| shown);
        answers.chain(&mut self.list).chain(lines)
    }
}

fn compare(script: &Script, real: Transcript, simulated: Transcript) -> Result<()> {
    let (real, simulated) = (real.ranked(), simulated.ranked());
    let outcomes = real.outcomes.iter().zip(&simulated.outcomes);
    for (number, (real, simulated)) in outcomes.enumerate() {
        if real != simulated {
            let step = script.steps.get(number);
            bail!("step {number}, {step:?}:\nreal      {real:?}\nsimulated {simulated:?}");
        }
    }
    if real.list != simulated.list {
        bail!(
            "lists:\nreal      {:?}\nsimulated {:?}",
            real.list,
            simulated.list
        );
    }
    for (real, simulated) in real.watches.iter().zip(&simulated.watches) {
        let lines = real.iter().zip(simulated);
        for (number, (real, simulated)) in lines.enumerate() {
            if real != simulated {
                bail!("line {number} of a watch:\nreal      {real:?}\nsimulated {simulated:?}");
            }
        }
        if real.len() != simulated.len() {
            bail!(
                "a watch has {} lines, the simulated one {}",
                real.len(),
                simulated.len()
            );
        }
    }
    Ok(())
}

#[test]
fn the_simulated_api_server_does_what_the_real_one_does() -> Result<()> {
    case::run(cluster(), "simulation", |case| {
        let mut simulated = Simulated::default();
        let script = Script::of(&mut Dice::new(SEED), STEPS);
        let expected = transcript(&mut simulated, &script)?;
        let kinds = expected
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err());
        let kinds: std::collections::BTreeSet<_> = kinds.collect();
        assert!(kinds.len() >= 4, "the script meets few refusals: {kinds:?}");
        Real::run(case, |real| {
            compare(&script, transcript(real, &script)?, expected)
        })
    })
}
