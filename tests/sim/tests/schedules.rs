//! Schedules by seed: no address is live twice, and every schedule comes to rest.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "the record of a tier, and tests"
)]

use std::{env, ops::Range, thread};

use landfall_core::ledger::Rules;
use landfall_sim::run::{Size, Tally, schedule};

/// Schedules between two lines of progress.
const LINE: u64 = 1_000;

/// Runs seeds, on two threads. The text of the first failure is the error.
fn run(seeds: Range<u64>, size: Size) -> Result<Tally, String> {
    let middle = seeds.start.midpoint(seeds.end);
    let halves = [seeds.start..middle, middle..seeds.end];
    let tallies = thread::scope(|scope| {
        let threads = halves.map(|half| scope.spawn(move || run_half(half, size)));
        threads.map(|thread| thread.join().expect("a schedule does not panic"))
    });
    let mut tally = Tally::default();
    for one in tallies {
        tally.add(&one?);
    }
    Ok(tally)
}

fn run_half(seeds: Range<u64>, size: Size) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for seed in seeds {
        let one = schedule(seed, size, Rules::SHIPPED);
        tally.add(&one.map_err(|broken| broken.text())?);
        if tally.schedules.is_multiple_of(LINE) {
            println!("{} schedules up to seed {seed}", tally.schedules);
        }
    }
    Ok(tally)
}

/// Fails with the trace and the way to see it again.
fn hold(seeds: Range<u64>, size: Size) -> Result<(), String> {
    println!("{}", run(seeds, size)?.text());
    Ok(())
}

#[test]
fn a_few_small_schedules_give_no_address_twice_and_come_to_rest() -> Result<(), String> {
    hold(0..300, Size::Small)
}

#[test]
#[ignore = "the sim tier: cargo dev test sim"]
fn ten_thousand_small_schedules_give_no_address_twice_and_come_to_rest() -> Result<(), String> {
    hold(0..10_000, Size::Small)
}

#[test]
#[ignore = "the sim tier: cargo dev test sim"]
fn fifty_nodes_with_thousands_of_pods_give_no_address_twice_and_come_to_rest() -> Result<(), String>
{
    hold(0..2, Size::Large)
}

fn number(name: &str) -> u64 {
    let text = env::var(name).ok();
    let number = text.and_then(|text| text.parse().ok());
    number.expect("SIM_SEED and SIM_OPERATIONS must be set to numbers")
}

fn size() -> Size {
    match env::var("SIM_SIZE").as_deref() {
        Ok("Large") => Size::Large,
        Ok(_) | Err(_) => Size::Small,
    }
}

#[test]
#[ignore = "by hand: SIM_SEED names the seed, SIM_SIZE=Large a large one"]
fn by_hand_one_seed() -> Result<(), String> {
    let seed = number("SIM_SEED");
    hold(seed..seed + 1, size())
}

/// Goes on over failures, and fails at the end: one run shows all that there is.
#[test]
#[ignore = "by hand: SIM_SEED names the first seed, SIM_OPERATIONS how many operations"]
fn by_hand_so_many_operations() {
    let (mut seed, operations) = (number("SIM_SEED"), number("SIM_OPERATIONS"));
    let mut tally = Tally::default();
    let mut broken = Vec::new();
    while tally.operations() < operations {
        let before = tally.schedules;
        match run(seed..seed + 100, size()) {
            Ok(one) => tally.add(&one),
            Err(text) => {
                println!("{text}");
                broken.push(seed);
            }
        }
        seed += 100;
        if before / LINE != tally.schedules / LINE {
            println!("up to seed {seed}:\n{}", tally.text());
        }
    }
    println!("up to seed {seed}:\n{}", tally.text());
    assert!(
        broken.is_empty(),
        "a seed in the hundred after each of {broken:?} breaks"
    );
}
