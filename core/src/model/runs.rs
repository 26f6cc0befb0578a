//! The runs: worlds that are searched to the end. `cargo dev test model` does all but those of
//! `by_hand`, which take hours of a machine; their record is in docs/model.md.

use std::{println, string::String, vec::Vec};

use super::{
    config::Config,
    search::{Question, Report, Search, Verdict},
};
use crate::ledger::Rules;

mod by_hand;
mod liveness;
mod safety;

/// More states than any run of the tier has: about 5 GB.
const LIMIT: usize = 25_000_000;

/// No state that the run can come to breaks an invariant.
fn holds(config: Config) {
    search(config, Question::Safety);
}

/// And from every one progress alone leads to rest.
fn settles(config: Config) {
    search(config, Question::Liveness);
}

fn search(config: Config, question: Question) {
    let report = Search::new(config, Rules::SHIPPED, question, LIMIT).run();
    let Report {
        verdict,
        states,
        transitions,
        depth,
        seconds,
    } = report;
    let name = config.name;
    let asked = match question {
        Question::Safety => "safety",
        Question::Liveness => "liveness",
    };
    let (outcome, why) = match verdict {
        Verdict::Holds => ("holds", None),
        Verdict::Broken(invariant, trace) => ("BROKEN", Some((invariant, trace))),
        Verdict::CutOff => ("CUT OFF", Some((String::from("the limit"), Vec::new()))),
    };
    println!(
        "model {name}: {asked} {outcome}, {states} states, {transitions} transitions, \
         depth {depth}, {seconds:.1} s"
    );
    if let Some((invariant, trace)) = why {
        for (at, line) in trace.iter().enumerate() {
            println!("    {:>2}. {line}", at + 1);
        }
        assert!(trace.is_empty(), "{name} breaks {invariant}");
        assert!(states <= LIMIT, "{name} was not searched to the end");
    }
}
