extern crate std;

use std::{net::IpAddr, string::String, vec, vec::Vec};

use super::{Claim, Kept, Share, Shares};
use crate::{
    id::{Name, Seq, Uid},
    ledger::{
        Block, Decision, Entry, Rules, State, View, Write, decide,
        fresh::{Seen, Tick},
        rebuild::{Named, rebuild},
        tests::{LAN, POD, grant_of, mk_block, mk_entry, mk_node, mk_pod, mk_view, put},
    },
};

const CLAIM: Uid = Uid(50);

/// A view with a claim of these addresses, and no pods.
fn mk_claim(shares: Shares, addresses: &[&str]) -> View {
    let mut view = mk_view(&["10.0.0.0/29"]);
    let claim = Claim {
        namespace: Name::from("default"),
        name: Name::from("kept"),
        generation: 2,
        network: Some(LAN),
        is_ending: false,
        addresses: addresses.iter().map(|a| address(a)).collect(),
        shares,
    };
    view.claims.known.insert(CLAIM, claim);
    fill(&mut view, &[]);
    view
}

fn known(view: &mut View) -> &mut Claim {
    view.claims.known.get_mut(&CLAIM).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn kept(ordinal: Option<u32>, generation: u64) -> Kept {
    let share = Share {
        claim: CLAIM,
        ordinal,
    };
    Kept { share, generation }
}

/// An entry of the claim's that the pod has had.
fn kept_in(state: State) -> Entry {
    Entry {
        kept: Some(kept(None, 2)),
        ..mk_entry(state, POD, 3)
    }
}

/// Gives the view's block these entries.
fn fill(view: &mut View, entries: &[(&str, Entry)]) {
    put(view, mk_block("10.0.0.0", entries), None);
}

fn claimed(ordinal: Option<u32>) -> Entry {
    Entry {
        kept: Some(kept(ordinal, 2)),
        ..mk_entry(State::Claimed, POD, 3)
    }
}

/// Binds a pod that has a share of the claim.
fn bind(view: &mut View, owner: Uid, node: &str, ordinal: Option<u32>) {
    let mut pod = mk_pod();
    pod.node = Name::from(node);
    pod.wants[0].claim = Some(Share {
        claim: CLAIM,
        ordinal,
    });
    view.pods.insert(owner, pod);
}

fn block(decision: &Decision) -> Option<&Block> {
    decision.writes.iter().find_map(|write| {
        let Write::Block(block) = write else {
            return None;
        };
        Some(block)
    })
}

/// Takes the block that is written into the view.
fn apply(view: &mut View) -> Decision {
    let decision = decide(view, Rules::SHIPPED);
    for write in &decision.writes {
        if let Write::Block(block) = write {
            put(view, block.clone(), None);
        }
    }
    decision
}

fn entries(view: &View) -> Vec<(String, State, Option<u32>)> {
    let blocks = view.blocks.values();
    let all = blocks.flat_map(|seen| &seen.value.entries);
    all.map(|(address, entry)| {
        let ordinal = entry.kept.and_then(|kept| kept.share.ordinal);
        (std::format!("{address}"), entry.state, ordinal)
    })
    .collect()
}

fn row(address: &str, state: State, ordinal: Option<u32>) -> (String, State, Option<u32>) {
    (String::from(address), state, ordinal)
}

#[test]
fn a_claim_takes_an_address_of_each_family_once_and_keeps_it() {
    let mut view = mk_claim(Shares::Whole, &[]);
    apply(&mut view);
    assert_eq!(entries(&view), [row("10.0.0.1", State::Claimed, None)]);
    let entry = view
        .blocks
        .values()
        .next()
        .unwrap()
        .value
        .entries
        .values()
        .next()
        .unwrap();
    assert_eq!(
        entry.seq,
        Seq {
            epoch: 5,
            counter: 10
        }
    );
    assert_eq!(apply(&mut view).writes, []);
}

#[test]
fn a_family_that_a_claim_lists_nothing_of_comes_from_the_pool() {
    let mut view = mk_claim(Shares::Drawn, &["10.0.0.5"]);
    let dual = mk_view(&["10.0.0.0/29", "fd00::/64"]);
    view.networks = dual.networks;
    put(&mut view, mk_block("fd00::", &[]), None);
    for _ in 0..2 {
        apply(&mut view);
    }
    bind(&mut view, POD, "n0", None);
    for _ in 0..2 {
        apply(&mut view);
    }

    let blocks = view.blocks.values();
    let all = blocks.flat_map(|seen| &seen.value.entries);
    let granted: Vec<_> = all
        .map(|(address, entry)| (std::format!("{address}"), entry.state, entry.kept.is_some()))
        .collect();
    assert_eq!(
        granted,
        [
            (String::from("10.0.0.5"), State::Granted, true),
            (String::from("fd00::1"), State::Granted, false),
        ]
    );
}

#[test]
fn a_stateful_sets_addresses_are_taken_in_one_write() {
    let mut view = mk_claim(Shares::Ordinals { first: 0, count: 3 }, &[]);
    let decision = apply(&mut view);
    assert_eq!(decision.writes.len(), 1);
    let rows = [0, 1, 2].map(|n| row(&std::format!("10.0.0.{}", n + 1), State::Claimed, Some(n)));
    assert_eq!(entries(&view), rows);

    // It shrinks, and grows again by one more.
    known(&mut view).shares = Shares::Ordinals { first: 0, count: 1 };
    assert_eq!(apply(&mut view).writes, []);
    known(&mut view).shares = Shares::Ordinals { first: 0, count: 4 };
    apply(&mut view);
    assert_eq!(entries(&view)[..3], rows);
    assert_eq!(entries(&view)[3], row("10.0.0.4", State::Claimed, Some(3)));
}

#[test]
fn a_claim_whose_addresses_are_too_many_takes_none() {
    let mut view = mk_claim(Shares::Ordinals { first: 0, count: 7 }, &[]);
    let decision = apply(&mut view);
    assert_eq!(decision.writes, []);
    let why = &decision.claims[&CLAIM];
    assert_eq!(why.reason, "AddressPoolExhausted");
    assert!(why.message.contains("too few free IPv4"), "{}", why.message);
}

#[test]
fn addresses_of_several_blocks_are_reserved_before_any_is_kept() {
    let mut view = mk_claim(Shares::Whole, &[]);
    let lan = view.networks.get_mut(&LAN).unwrap();
    lan.network = crate::walk::kit::network(LAN, "lan", &["10.0.0.0/29", "fd00::/125"]);
    let decision = decide(&view, Rules::SHIPPED);
    assert!(matches!(decision.writes[..], [Write::CreateBlock(_)]));
    put(&mut view, mk_block("fd00::", &[]), None);
    apply(&mut view);
    let states: Vec<State> = entries(&view)
        .into_iter()
        .map(|(_, state, _)| state)
        .collect();
    assert_eq!(states, [State::Reserved; 2]);
    apply(&mut view);
    let states: Vec<State> = entries(&view)
        .into_iter()
        .map(|(_, state, _)| state)
        .collect();
    assert_eq!(states, [State::Claimed; 2]);
}

#[test]
fn what_is_reserved_goes_back_when_the_rest_is_not_to_be_had() {
    let mut view = mk_claim(Shares::Whole, &[]);
    let lan = view.networks.get_mut(&LAN).unwrap();
    lan.network = crate::walk::kit::network(LAN, "lan", &["10.0.0.1/32", "fd00::1/128"]);
    let reserved = Entry {
        holder: None,
        kept: Some(kept(None, 2)),
        ..mk_entry(State::Reserved, POD, 3)
    };
    fill(&mut view, &[("10.0.0.1", reserved)]);
    let other = mk_entry(State::Granted, Uid(9), 4);
    let mut pod = mk_pod();
    pod.wants[0].addresses = vec![address("fd00::1")];
    view.pods.insert(Uid(9), pod);
    put(&mut view, mk_block("fd00::", &[("fd00::1", other)]), None);
    apply(&mut view);
    assert_eq!(entries(&view), [row("fd00::1", State::Granted, None)]);
}

#[test]
fn a_pod_is_granted_its_ordinals_address_from_claimed_and_under_a_new_seq() {
    let mut view = mk_claim(Shares::Ordinals { first: 0, count: 2 }, &[]);
    apply(&mut view);
    bind(&mut view, Uid(101), "n0", Some(1));
    let decision = apply(&mut view);
    assert_eq!(decision.refusals.len(), 0);
    let rows = [
        row("10.0.0.1", State::Claimed, Some(0)),
        row("10.0.0.2", State::Granted, Some(1)),
    ];
    assert_eq!(entries(&view), rows);
    let entry = &view.blocks.values().next().unwrap().value.entries[&address("10.0.0.2")];
    assert_eq!(entry.holder.as_ref().unwrap().owner, Uid(101));
    assert_eq!(
        entry.seq,
        Seq {
            epoch: 5,
            counter: 12
        }
    );
}

#[test]
fn a_released_address_comes_back_to_its_claim() {
    for is_ending in [false, true] {
        let mut view = mk_claim(Shares::Whole, &[]);
        let recalling = kept_in(State::Recalling);
        fill(&mut view, &[("10.0.0.1", recalling)]);
        let node = view.nodes.values_mut().next().unwrap();
        let key = (
            address("10.0.0.1"),
            Seq {
                epoch: 5,
                counter: 3,
            },
        );
        node.status.released.insert(key);
        known(&mut view).is_ending = is_ending;
        apply(&mut view);
        assert_eq!(entries(&view), [row("10.0.0.1", State::Claimed, None)]);
        apply(&mut view);
        assert_eq!(entries(&view).is_empty(), is_ending);
    }
}

#[test]
fn an_address_leaves_claimed_only_when_its_claim_was_seen_ending_or_is_gone() {
    let mut view = mk_claim(Shares::Whole, &[]);
    fill(&mut view, &[("10.0.0.1", claimed(None))]);
    let claim = view.claims.known.remove(&CLAIM).unwrap();
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, [], "it is only missing");
    assert_eq!(decision.unknown_claims, [CLAIM].into());

    view.claims.gone.insert(CLAIM);
    let decision = decide(&view, Rules::SHIPPED);
    assert!(block(&decision).unwrap().entries.is_empty());
    assert!(decision.unknown_claims.is_empty());

    view.claims.gone.clear();
    view.claims.known.insert(CLAIM, claim);
    known(&mut view).is_ending = true;
    assert!(
        block(&decide(&view, Rules::SHIPPED))
            .unwrap()
            .entries
            .is_empty()
    );
}

/// A claim's watch may be behind that of pods, and an operator may have begun to lead a moment ago: what
/// the ledger keeps shows that there is a claim, and the pod may be its.
#[test]
fn no_pod_is_granted_another_address_while_nobody_knows_whose_a_kept_one_is() {
    let mut view = mk_claim(Shares::Whole, &[]);
    apply(&mut view);
    let claim = view.claims.known.remove(&CLAIM).unwrap();
    view.pods.insert(POD, mk_pod());
    let decision = apply(&mut view);
    assert!(decision.unknown_claims.contains(&CLAIM));
    assert_eq!(decision.refusals.get(&POD), None);
    assert_eq!(entries(&view), [row("10.0.0.1", State::Claimed, None)]);
    // It was read, and is for the pod.
    view.claims.known.insert(CLAIM, claim);
    bind(&mut view, POD, "n0", None);
    apply(&mut view);
    assert_eq!(entries(&view), [row("10.0.0.1", State::Granted, None)]);
}

#[test]
fn a_pod_that_asks_for_an_address_itself_waits_for_no_claim() {
    let mut view = mk_claim(Shares::Whole, &[]);
    apply(&mut view);
    view.claims.known.clear();
    let mut pod = mk_pod();
    pod.wants[0].addresses = vec![address("10.0.0.2")];
    view.pods.insert(POD, pod);
    apply(&mut view);
    assert_eq!(entries(&view)[1], row("10.0.0.2", State::Granted, None));
}

/// Found by the simulation, seed 4475: the claim was changed while its addresses of two blocks were
/// being taken.
#[test]
fn what_is_reserved_for_a_claim_that_now_names_it_is_kept() {
    let mut view = mk_claim(Shares::Whole, &["10.0.0.1"]);
    let reserved = Entry {
        state: State::Reserved,
        ..claimed(None)
    };
    fill(&mut view, &[("10.0.0.1", reserved)]);
    apply(&mut view);
    assert_eq!(entries(&view), [row("10.0.0.1", State::Claimed, None)]);
}

#[test]
fn a_pod_keeps_its_address_when_its_claim_is_deleted() {
    let mut view = mk_claim(Shares::Whole, &[]);
    bind(&mut view, POD, "n0", None);
    let granted = kept_in(State::Granted);
    fill(&mut view, &[("10.0.0.1", granted)]);
    known(&mut view).is_ending = true;
    apply(&mut view);
    let entry = view.blocks.values().next().unwrap().value.entries[&address("10.0.0.1")].clone();
    assert_eq!((entry.state, entry.kept), (State::Granted, None));
}

#[test]
fn a_claim_takes_over_what_its_pod_has_already() {
    for (shares, ordinal) in [
        (Shares::Whole, None),
        (Shares::Drawn, None),
        (Shares::Ordinals { first: 0, count: 1 }, Some(0)),
    ] {
        let mut view = mk_claim(shares, &[]);
        bind(&mut view, POD, "n0", ordinal);
        let granted = mk_entry(State::Granted, POD, 3);
        fill(&mut view, &[("10.0.0.5", granted)]);
        apply(&mut view);
        assert_eq!(entries(&view), [row("10.0.0.5", State::Granted, ordinal)]);
        let entry = &view.blocks.values().next().unwrap().value.entries[&address("10.0.0.5")];
        assert_eq!(entry.kept, Some(kept(ordinal, 2)));
    }
}

#[test]
fn addresses_that_a_claim_names_are_taken_one_by_one_as_they_become_free() {
    let mut view = mk_claim(Shares::Whole, &["10.0.0.3", "10.0.0.4"]);
    view.pods.insert(POD, mk_pod());
    let busy = mk_entry(State::Granted, POD, 3);
    fill(&mut view, &[("10.0.0.3", busy)]);
    let decision = apply(&mut view);
    assert_eq!(entries(&view)[1], row("10.0.0.4", State::Claimed, None));
    let why = &decision.claims[&CLAIM].message;
    assert!(
        why.starts_with("address 10.0.0.3 of network lan is in use"),
        "{why}"
    );
}

#[test]
fn an_address_that_a_claim_names_no_more_goes_back_but_not_on_an_older_word() {
    let mut view = mk_claim(Shares::Whole, &["10.0.0.3"]);
    let taken = |generation| Entry {
        kept: Some(kept(None, generation)),
        ..claimed(None)
    };
    let rows = [("10.0.0.3", taken(2)), ("10.0.0.4", taken(1))];
    fill(&mut view, &rows);
    apply(&mut view);
    assert_eq!(entries(&view), [row("10.0.0.3", State::Claimed, None)]);

    // A cache that is behind does not know yet that the claim asks for it.
    let rows = [("10.0.0.3", taken(2)), ("10.0.0.4", taken(3))];
    fill(&mut view, &rows);
    assert_eq!(decide(&view, Rules::SHIPPED).writes, []);
}

#[test]
fn the_nth_address_that_a_claim_names_is_that_of_ordinal_n() {
    let shares = Shares::Ordinals { first: 0, count: 1 };
    let mut view = mk_claim(shares, &["10.0.0.6", "10.0.0.2"]);
    apply(&mut view);
    let rows = [
        row("10.0.0.2", State::Claimed, Some(1)),
        row("10.0.0.6", State::Claimed, Some(0)),
    ];
    assert_eq!(entries(&view), rows);
    bind(&mut view, POD, "n0", Some(2));
    let decision = apply(&mut view);
    let why = &decision.refusals[&POD].message;
    assert!(why.contains("no IPv4 address for ordinal 2"), "{why}");
}

/// The marks change in the decision that grants (found by the simulation).
#[test]
fn a_pod_is_granted_what_is_its_ordinals_from_now_on() {
    let shares = Shares::Ordinals { first: 0, count: 2 };
    let mut view = mk_claim(shares, &["10.0.0.2", "10.0.0.6"]);
    apply(&mut view);
    let claim = known(&mut view);
    claim.addresses.reverse();
    claim.generation = 3;
    bind(&mut view, POD, "n0", Some(0));
    apply(&mut view);
    let rows = [
        row("10.0.0.2", State::Claimed, Some(1)),
        row("10.0.0.6", State::Granted, Some(0)),
    ];
    assert_eq!(entries(&view), rows);
}

#[test]
fn a_workload_draws_and_its_set_grows_to_as_many_as_there_were_pods() {
    let mut view = mk_claim(Shares::Drawn, &[]);
    assert_eq!(apply(&mut view).writes, []);
    bind(&mut view, Uid(101), "n0", None);
    bind(&mut view, Uid(102), "n0", None);
    apply(&mut view);
    let all: Vec<_> = entries(&view)
        .into_iter()
        .map(|(a, state, _)| (a, state))
        .collect();
    let granted = |a| (String::from(a), State::Granted);
    assert_eq!(all, [granted("10.0.0.1"), granted("10.0.0.2")]);
    let block = &view.blocks.values().next().unwrap().value;
    assert!(
        block
            .entries
            .values()
            .all(|entry| entry.kept == Some(kept(None, 2)))
    );
}

#[test]
fn a_workload_waits_when_all_addresses_that_its_claim_names_are_held() {
    let mut view = mk_claim(Shares::Drawn, &["10.0.0.3"]);
    apply(&mut view);
    bind(&mut view, Uid(101), "n0", None);
    apply(&mut view);
    bind(&mut view, Uid(102), "n0", None);
    let decision = apply(&mut view);
    let refusal = &decision.refusals[&Uid(102)];
    assert_eq!(refusal.reason, "AddressPoolExhausted");
    assert!(
        refusal
            .message
            .contains("10.0.0.3 by another pod on node n0"),
        "{}",
        refusal.message
    );
    assert!(!refusal.is_final);
}

#[test]
fn a_successor_waits_for_the_release_and_is_told_of_a_node_that_does_not_answer() {
    let mut view = mk_claim(Shares::Whole, &[]);
    view.nodes.insert(Name::from("n1"), mk_node("n1"));
    let granted = kept_in(State::Granted);
    fill(&mut view, &[("10.0.0.1", granted)]);
    bind(&mut view, Uid(101), "n1", None);
    let decision = apply(&mut view);
    assert_eq!(decision.refusals.len(), 0, "its node will answer");
    assert_eq!(entries(&view), [row("10.0.0.1", State::Recalling, None)]);

    view.nodes.get_mut(&Name::from("n0")).unwrap().reachable = false;
    let decision = apply(&mut view);
    let refusal = &decision.refusals[&Uid(101)];
    assert_eq!(refusal.reason, "WaitingForUnreachableNode");
    assert!(
        refusal
            .message
            .contains("10.0.0.1 of claim default/kept is held by node n0")
    );
    assert_eq!(entries(&view), [row("10.0.0.1", State::Recalling, None)]);
}

#[test]
fn a_pod_may_ask_for_an_address_that_a_claim_of_its_namespace_keeps() {
    for (namespace, reason) in [("default", None), ("other", Some("AddressPoolExhausted"))] {
        let mut view = mk_claim(Shares::Whole, &["10.0.0.3"]);
        apply(&mut view);
        let mut pod = mk_pod();
        pod.namespace = Name::from(namespace);
        pod.wants[0].addresses = vec![address("10.0.0.3")];
        view.pods.insert(POD, pod);
        let decision = apply(&mut view);
        let refusal = decision.refusals.get(&POD);
        assert_eq!(refusal.map(|refusal| &*refusal.reason), reason);
        let expected = if reason.is_none() {
            State::Granted
        } else {
            State::Claimed
        };
        assert_eq!(entries(&view), [row("10.0.0.3", expected, None)]);
    }
}

#[test]
fn a_reserved_address_of_a_pod_that_is_gone_comes_back_to_its_claim() {
    let mut view = mk_claim(Shares::Whole, &[]);
    let reserved = kept_in(State::Reserved);
    fill(&mut view, &[("10.0.0.1", reserved)]);
    apply(&mut view);
    assert_eq!(entries(&view), [row("10.0.0.1", State::Claimed, None)]);
}

#[test]
fn a_block_that_is_made_anew_keeps_what_claims_name() {
    let mut view = mk_view(&["10.0.0.0/29"]);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.grants.push(grant_of(3));
    let nodes = Seen::quorum(view.nodes.clone(), Tick(1));
    let named = ["10.0.0.1", "10.0.0.4", "10.0.1.4"].map(|text| Named {
        address: address(text),
        network: LAN,
        kept: kept(None, 2),
    });
    let named = Seen::quorum(Vec::from(named), Tick(1));
    let block = rebuild(
        mk_block("10.0.0.0", &[]).id,
        8,
        0,
        nodes.quorum_after(Tick(0)).unwrap(),
        named.quorum_after(Tick(0)).unwrap().map(Vec::as_slice),
        &[(LAN, Name::from("lan"))].into(),
    );
    put(&mut view, block, None);
    let rows = [
        row("10.0.0.1", State::Granted, None),
        row("10.0.0.4", State::Claimed, None),
    ];
    assert_eq!(entries(&view), rows);
    let block = &view.blocks.values().next().unwrap().value;
    assert!(
        block
            .entries
            .values()
            .all(|entry| entry.kept == Some(kept(None, 2)))
    );
    assert_eq!(
        block.seq,
        Seq {
            epoch: 8,
            counter: 1
        }
    );
}

/// It asked for the address by name, through a network that shares the claim's segment.
#[test]
fn what_a_pod_of_another_network_of_the_segment_has_had_is_had_by_the_claims_pods_again() {
    let mut view = mk_claim(Shares::Whole, &["10.0.0.3"]);
    let had = Entry {
        network: Uid(99),
        ..claimed(None)
    };
    fill(&mut view, &[("10.0.0.3", had)]);
    bind(&mut view, POD, "n0", None);
    apply(&mut view);
    apply(&mut view);
    assert_eq!(entries(&view), [row("10.0.0.3", State::Granted, None)]);
}
