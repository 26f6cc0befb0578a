//! The rules, each turned off: a rule without which no run breaks is not checked, or not needed.

use std::{format, println, vec::Vec};

use super::{
    config::{
        Config,
        Fault::{
            Backup, Crash, Cut, Delete, Foreign, GiveUp, Kill, Power, Rename, Restore, Stale, Taint,
        },
    },
    search::{Question, Search, Verdict},
};
use crate::ledger::Rules;

const PLAIN: Config = Config::PLAIN;
const SHIPPED: Rules = Rules::SHIPPED;
const LIMIT: usize = 10_000_000;

/// A rule that is turned off, by the name of the mistake, and a run that shows why it is there.
struct Mutant {
    name: &'static str,
    rules: Rules,
    config: Config,
}

#[rustfmt::skip]
const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "free on a timer",
        rules: Rules { held_outlasts_time: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "free when the pod is missing",
        rules: Rules { missing_pod_recalls: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "prune released early",
        rules: Rules { prune_waits: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "spec before ledger, on grant",
        rules: Rules { ledger_first_on_grant: false, ..SHIPPED },
        config: PLAIN,
    },
    Mutant {
        name: "spec before ledger, on free",
        rules: Rules { ledger_first_on_free: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "the operator recalling alone",
        rules: Rules { recall_waits_for_node: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "no seq check",
        rules: Rules { released_matches_seq: false, ..SHIPPED },
        config: Config { pods: &[0, 0], faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "push from RESERVED",
        rules: Rules { push_needs_granted: false, ..SHIPPED },
        config: Config {
            cidrs: &["10.0.0.1/32", "fd00::1/128"], pods: &[0], faults: &[(Delete, 1)], ..PLAIN
        },
    },
    Mutant {
        name: "push from a cached block",
        rules: Rules { push_needs_quorum: false, ..SHIPPED },
        config: Config { lagging: 1, faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "removal without comparing seq",
        rules: Rules { removal_compares_seq: false, ..SHIPPED },
        config: Config { lagging: 1, faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "fence ledger first",
        rules: Rules { fence_starts_in_ledger: false, ..SHIPPED },
        config: Config { faults: &[(Power, 1), (Taint, 1)], ..PLAIN },
    },
    Mutant {
        name: "fence evidence from a cache",
        rules: Rules { fence_needs_quorum: false, ..SHIPPED },
        config: Config { lagging: 1, faults: &[(Power, 1), (Taint, 1)], ..PLAIN },
    },
    Mutant {
        name: "fence closed without a write when the spec was empty",
        rules: Rules { fence_needs_mark: false, ..SHIPPED },
        config: Config { lagging: 1, faults: &[(Power, 1), (Taint, 1)], ..PLAIN },
    },
    Mutant {
        name: "adoption over live nodes only",
        rules: Rules { adoption_waits_for_all: false, ..SHIPPED },
        config: Config { quarantine: true, faults: &[(Backup, 1), (Restore, 1), (Cut, 1)], ..PLAIN },
    },
    Mutant {
        name: "restored grants valid",
        rules: Rules { restored_grants_end: false, ..SHIPPED },
        config: Config { faults: &[(Backup, 1), (Restore, 1), (Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "new boot not cold",
        rules: Rules { cold_waits: false, ..SHIPPED },
        config: Config { lagging: 1, faults: &[(Delete, 1), (Power, 1), (Stale, 1)], ..PLAIN },
    },
    Mutant {
        name: "released forgotten at restart",
        rules: Rules { released_is_saved: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1), (Crash, 1)], ..PLAIN },
    },
    Mutant {
        name: "node UID not checked",
        rules: Rules { released_needs_voice: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1), (Cut, 1), (Rename, 1)], ..PLAIN },
    },
    Mutant {
        name: "recall acknowledged over PENDING",
        rules: Rules { recall_heeds_pending: false, ..SHIPPED },
        config: Config { faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "conflict without release",
        rules: Rules { conflict_is_released: false, ..SHIPPED },
        config: Config { probe: true, faults: &[(Foreign, 1)], ..PLAIN },
    },
    Mutant {
        name: "ADD in flight not ended by DEL or a newer ADD",
        rules: Rules { add_ends: false, ..SHIPPED },
        config: Config { faults: &[(GiveUp, 1)], ..PLAIN },
    },
    Mutant {
        name: "older record dropped before its device",
        rules: Rules { device_before_record: false, ..SHIPPED },
        config: Config { faults: &[(Kill, 1)], ..PLAIN },
    },
    Mutant {
        name: "seq lost with a dropped entry",
        rules: Rules { seq_outlives_entry: false, ..SHIPPED },
        config: Config { pods: &[0], faults: &[(Delete, 1)], ..PLAIN },
    },
    Mutant {
        name: "claim judged from a cache",
        rules: Rules { claim_is_seen_ending: false, ..SHIPPED },
        config: Config { claim: &[0], lagging: 1, ..PLAIN },
    },
];

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_rule_that_is_turned_off_yields_a_counterexample() {
    let mut missed = Vec::new();
    for Mutant {
        name,
        rules,
        config,
    } in MUTANTS
    {
        let report = Search::new(*config, *rules, Question::Safety, LIMIT).run();
        let (states, depth) = (report.states, report.depth);
        if let Verdict::Broken(invariant, trace) = report.verdict {
            println!(
                "mutant {name}: caught, depth {depth}, {states} states, invariant {invariant}"
            );
            assert_eq!(trace.len(), depth, "{name}: its shortest trace");
        } else {
            println!("mutant {name}: MISSED, {states} states, depth {depth}");
            missed.push(*name);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[test]
fn every_rule_has_its_mutant() {
    // A rule is a field: Debug shows each once.
    let rules = format!("{SHIPPED:?}").matches("true").count();
    assert_eq!(rules, MUTANTS.len());
    for Mutant { name, rules, .. } in MUTANTS {
        assert_eq!(format!("{rules:?}").matches("false").count(), 1, "{name}");
    }
}
