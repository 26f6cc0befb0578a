use super::*;

const A: &str = "10.1.0.5";
const B: &str = "10.1.0.6";

fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
    let parsed = addresses
        .iter()
        .map(|text| text.parse().expect("an address"));
    parsed.collect()
}

fn look(all: &[(Id, &[&str])]) -> Look {
    all.iter().map(|(id, some)| (*id, set(some))).collect()
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two sandboxes that exist.
fn two() -> History {
    let mut history = History::default();
    history.made(1, "pod one on node1".to_owned());
    history.made(2, "pod two on node2".to_owned());
    history
}

/// Looks, and looks again if that is asked for.
fn see(history: &mut History, millis: u64, first: &Look, again: &Look) {
    if !history.look(at(millis), first).is_empty() {
        history.look_again(first, again);
    }
}

#[test]
fn an_address_in_two_kernels_views_is_a_finding_with_its_history() {
    let mut history = two();
    history.note(at(5), "fault: agent of node1 killed".to_owned());
    history.given(at(10), 1, &set(&[A]), 1);
    let once = look(&[(1, &[A]), (2, &[])]);
    see(&mut history, 100, &once, &once);
    assert_eq!(history.findings(), []);
    let both = look(&[(1, &[A]), (2, &[A])]);
    see(&mut history, 200, &both, &both);
    let address = A.parse().expect("an address");
    let finding = Finding::LiveTwice(address, [1, 2].into());
    assert_eq!(history.findings(), [finding]);
    let told = history.of(address);
    let order = [
        "agent of node1 killed",
        "ADD answered",
        "one on node1): is in the kernel",
        "two on node2",
    ];
    let places: Vec<_> = order.iter().map(|part| told.find(part)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{told}");
}

#[test]
fn an_address_that_moved_on_during_a_look_is_no_finding() {
    let mut history = two();
    let first = look(&[(1, &[A]), (2, &[A])]);
    see(&mut history, 100, &first, &look(&[(1, &[]), (2, &[A])]));
    assert_eq!(history.findings(), []);
}

#[test]
fn an_address_given_to_two_between_two_looks_is_a_finding() {
    let mut history = two();
    history.given(at(10), 1, &set(&[A]), 1);
    history.given(at(20), 2, &set(&[B, A]), 2);
    let address = A.parse().expect("an address");
    assert_eq!(history.findings(), [Finding::GivenTwice(address, [1, 2])]);
}

#[test]
fn an_address_given_again_after_a_del_has_begun_is_none() {
    let mut history = two();
    history.given(at(10), 1, &set(&[A]), 1);
    history.leaves(at(15), 1, "DEL");
    history.given(at(20), 2, &set(&[A]), 1);
    // The same again is how a runtime asks twice.
    history.given(at(21), 2, &set(&[A]), 1);
    assert_eq!(history.findings(), []);
}

#[test]
fn an_attached_sandbox_without_its_address_in_two_looks_is_a_finding() {
    let mut history = two();
    history.given(at(10), 1, &set(&[A]), 1);
    let without = look(&[(1, &[B])]);
    see(&mut history, 100, &without, &without);
    assert_eq!(history.findings(), [], "the look may have begun before");
    see(&mut history, 200, &without, &without);
    let address = A.parse().expect("an address");
    assert_eq!(history.findings(), [Finding::Lost(address, 1)]);
}

#[test]
fn a_sandbox_whose_del_has_begun_may_lose_it() {
    let mut history = two();
    history.given(at(10), 1, &set(&[A]), 1);
    history.leaves(at(50), 1, "DEL");
    for millis in [100, 200, 300] {
        see(&mut history, millis, &look(&[(1, &[])]), &Look::new());
    }
    history.gone(at(400), 1);
    assert_eq!(history.findings(), []);
    assert_eq!(history.looks(), 3);
}

#[test]
fn an_add_that_was_answered_without_an_address_is_a_finding() {
    let mut history = two();
    history.given(at(10), 1, &set(&[A]), 2);
    assert_eq!(history.findings(), [Finding::Incomplete(set(&[A]), 1)]);
}
