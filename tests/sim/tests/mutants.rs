//! Rules turned off, one at a time: the checks can fail, and name what breaks.
use landfall_core::ledger::Rules;
use landfall_sim::run::{Broken, Size, schedule};

const SHIPPED: Rules = Rules::SHIPPED;

/// The rules whose absence random schedules show. The others need traces that are longer or rarer:
/// each is caught by the model checker (`core/src/model/mutants.rs`).
#[rustfmt::skip]
const MUTANTS: &[(&str, Rules)] = &[
    ("no seq check", Rules { released_matches_seq: false, ..SHIPPED }),
    ("node UID not checked", Rules { released_needs_voice: false, ..SHIPPED }),
    ("push from a cached block", Rules { push_needs_quorum: false, ..SHIPPED }),
    ("removal without comparing seq", Rules { removal_compares_seq: false, ..SHIPPED }),
    ("push from RESERVED", Rules { push_needs_granted: false, ..SHIPPED }),
    ("free when the pod is missing", Rules { missing_pod_recalls: false, ..SHIPPED }),
    ("free on a timer", Rules { held_outlasts_time: false, ..SHIPPED }),
    ("the operator recalling alone", Rules { recall_waits_for_node: false, ..SHIPPED }),
    ("spec before ledger, on grant", Rules { ledger_first_on_grant: false, ..SHIPPED }),
    ("spec before ledger, on free", Rules { ledger_first_on_free: false, ..SHIPPED }),
    ("seq lost with a dropped entry", Rules { seq_outlives_entry: false, ..SHIPPED }),
    ("fence ledger first", Rules { fence_starts_in_ledger: false, ..SHIPPED }),
    ("new boot not cold", Rules { cold_waits: false, ..SHIPPED }),
    ("released forgotten at restart", Rules { released_is_saved: false, ..SHIPPED }),
    ("prune released early", Rules { prune_waits: false, ..SHIPPED }),
    ("recall acknowledged over PENDING", Rules { recall_heeds_pending: false, ..SHIPPED }),
    ("ADD not ended by DEL or a newer ADD", Rules { add_ends: false, ..SHIPPED }),
    ("claim judged from a cache", Rules { claim_is_seen_ending: false, ..SHIPPED }),
    ("conflict without release", Rules { conflict_is_released: false, ..SHIPPED }),
    ("older record dropped before its device", Rules { device_before_record: false, ..SHIPPED }),
    ("adoption over live nodes only", Rules { adoption_waits_for_all: false, ..SHIPPED }),
    ("restored grants valid", Rules { restored_grants_end: false, ..SHIPPED }),
];

fn first_broken(rules: Rules) -> Option<Box<Broken>> {
    (0..10_000).find_map(|seed| schedule(seed, Size::Small, rules).err())
}

#[test]
#[ignore = "the sim tier: cargo dev test sim"]
fn schedules_find_what_a_missing_rule_breaks() {
    let mut missed = Vec::new();
    for (name, rules) in MUTANTS {
        match first_broken(*rules) {
            Some(broken) => println!("{name}: seed {}: {}", broken.seed, broken.what),
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
