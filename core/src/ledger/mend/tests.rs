extern crate std;

use std::{net::IpAddr, vec, vec::Vec};

use crate::{
    id::{Name, Seq, Uid},
    ledger::{
        Block, BlockId, Decision, Entry, Kind, Rules, State, View, Write, decide,
        fresh::Tick,
        tests::{
            POD, blocks, grant_of, mk_block, mk_entry, mk_node, mk_pod, mk_view, node_spec, put,
        },
        view::NodeView,
    },
};

fn address() -> IpAddr {
    "10.0.0.1".parse().unwrap()
}

fn key(counter: u64) -> (IpAddr, Seq) {
    (address(), Seq { epoch: 5, counter })
}

fn n0(view: &mut View) -> &mut NodeView {
    view.nodes.get_mut(&Name::from("n0")).unwrap()
}

/// A pod that is served under seq 5.3 as far as its node's object goes; the ledger says `entries`.
/// Block and node object were read in the order that makes it certain.
fn mk_edited(entries: &[(&str, Entry)]) -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    put(&mut view, mk_block("10.0.0.0", entries), Some(2));
    let node = n0(&mut view);
    node.read_at = Some(Tick(3));
    node.spec.grants.push(grant_of(3));
    view
}

fn entry_after(decision: &Decision) -> Option<Entry> {
    let block: &Block = blocks(decision).first().copied()?;
    block.entries.get(&address()).cloned()
}

fn kinds(decision: &Decision) -> Vec<Kind> {
    decision.repairs.iter().map(|f| f.kind).collect()
}

#[test]
fn a_lost_entry_of_a_pod_is_entered_again_as_it_was() {
    let decision = decide(&mk_edited(&[]), Rules::SHIPPED);
    let mut expected = mk_entry(State::Granted, POD, 3);
    expected.since = 1_000_000;
    assert_eq!(entry_after(&decision), Some(expected));
    assert_eq!(kinds(&decision), [Kind::NotHeld]);
    assert_eq!(node_spec(&decision), None, "the grant stays");
}

#[test]
fn a_lost_entry_is_believed_only_of_reads_in_order_block_then_node() {
    let id = BlockId::of(&Name::from("lan"), address());
    let (block, node) = (Write::ReadBlock(id), Write::ReadNode(Name::from("n0")));
    let table = [
        (None, None, vec![block.clone(), node.clone()]),
        (None, Some(3), vec![block, node.clone()]),
        (Some(3), Some(3), vec![node.clone()]),
        (Some(3), None, vec![node]),
    ];
    for (block_at, node_at, expected) in table {
        let mut view = mk_edited(&[]);
        put(&mut view, mk_block("10.0.0.0", &[]), block_at);
        n0(&mut view).read_at = node_at.map(Tick);
        let decision = decide(&view, Rules::SHIPPED);
        assert_eq!(decision.writes, expected, "{block_at:?} {node_at:?}");
        assert_eq!(kinds(&decision), []);
    }
}

#[test]
fn what_a_node_lists_unreleased_is_handed_out_to_nobody() {
    let mut view = mk_edited(&[]);
    // Not certain yet.
    put(&mut view, mk_block("10.0.0.0", &[]), None);
    view.pods.insert(Uid(200), mk_pod());
    let decision = decide(&view, Rules::SHIPPED);
    let granted = &blocks(&decision)[0].entries;
    let addresses: Vec<&IpAddr> = granted.keys().collect();
    let next: IpAddr = "10.0.0.2".parse().unwrap();
    assert_eq!(addresses, [&next]);
}

#[test]
fn a_grant_written_by_hand_is_entered_and_asked_back() {
    // For no pod; for a pod that has another address in that place.
    let mut view = mk_edited(&[]);
    view.pods.clear();
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(entry_after(&decision).unwrap().state, State::Recalling);
    let own = mk_entry(State::Granted, POD, 4);
    let decision = decide(&mk_edited(&[("10.0.0.9", own)]), Rules::SHIPPED);
    assert_eq!(entry_after(&decision).unwrap().state, State::Recalling);
}

#[test]
fn a_grant_of_an_address_that_another_node_holds_is_asked_back_in_its_spec() {
    let mut other = mk_entry(State::Granted, Uid(200), 4);
    let holder = other.holder.as_mut().unwrap();
    holder.node = Name::from("n1");
    (holder.node_uid, holder.machine) = (Uid::of("n1"), Uid::of("n1"));
    let mut view = mk_edited(&[("10.0.0.1", other)]);
    view.nodes.insert(Name::from("n1"), mk_node("n1"));
    let mut pod = mk_pod();
    pod.node = Name::from("n1");
    view.pods.insert(Uid(200), pod);
    let decision = decide(&view, Rules::SHIPPED);
    let spec = node_spec(&decision).unwrap();
    assert_eq!(spec.recalls, [key(3)].into());
    assert_eq!(spec.grants, [grant_of(3)]);
    assert_eq!(kinds(&decision), [Kind::HeldElsewhere]);
    // The other one, which was not pushed yet, is not pushed now: it goes back.
    let turned = entry_after(&decision).unwrap();
    assert_eq!((turned.state, turned.seq), (State::Recalling, key(4).1));
    // Released, it goes.
    n0(&mut view).status.released.insert(key(3));
    let decision = decide(&view, Rules::SHIPPED);
    assert!(node_spec(&decision).is_some_and(|spec| spec.grants.is_empty()));
}

#[test]
fn a_state_flipped_by_hand_flips_back() {
    for state in [State::Cooling, State::Reserved] {
        let entries = [("10.0.0.1", mk_entry(state, POD, 3))];
        let decision = decide(&mk_edited(&entries), Rules::SHIPPED);
        let after = entry_after(&decision).unwrap();
        assert_eq!((after.state, after.seq), (State::Granted, key(3).1));
    }
}

#[test]
fn an_entry_under_another_nodes_name_comes_back_to_the_node_that_lists_it() {
    let mut entry = mk_entry(State::Granted, POD, 3);
    entry.holder.as_mut().unwrap().node = Name::from("n1");
    let mut view = mk_edited(&[("10.0.0.1", entry)]);
    view.nodes.insert(Name::from("n1"), mk_node("n1"));
    let decision = decide(&view, Rules::SHIPPED);
    let holder = entry_after(&decision).unwrap().holder.unwrap();
    assert_eq!(holder.node, Name::from("n0"));
    // If the other one lists it too, the ledger stays, and this one is asked back.
    let other = view.nodes.get_mut(&Name::from("n1")).unwrap();
    other.spec.grants.push(grant_of(3));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(node_spec(&decision).unwrap().recalls, [key(3)].into());
}

#[test]
fn an_edited_owner_follows_the_grant_if_only_its_pod_asks_and_is_asked_back_if_not() {
    let mut entry = mk_entry(State::Granted, Uid(55), 3);
    let decision = decide(&mk_edited(&[("10.0.0.1", entry.clone())]), Rules::SHIPPED);
    let after = entry_after(&decision).unwrap();
    assert_eq!(
        (after.state, after.holder.unwrap().owner),
        (State::Granted, POD)
    );
    assert_eq!(kinds(&decision), [Kind::Differs]);
    // Both pods ask: nobody can tell.
    let mut view = mk_edited(&[("10.0.0.1", entry.clone())]);
    view.pods.insert(Uid(55), mk_pod());
    let decision = decide(&view, Rules::SHIPPED);
    let after = entry_after(&decision).unwrap();
    assert_eq!(
        (after.state, after.holder.unwrap().owner),
        (State::Recalling, POD)
    );
    // A held state is not left by it.
    entry.state = State::Recalling;
    let decision = decide(&mk_edited(&[("10.0.0.1", entry)]), Rules::SHIPPED);
    assert_eq!(entry_after(&decision).unwrap().state, State::Recalling);
}

#[test]
fn an_edited_machine_is_that_of_the_agent_that_serves_it() {
    let mut entry = mk_entry(State::Granted, POD, 3);
    entry.holder.as_mut().unwrap().machine = Uid(55);
    let mut view = mk_edited(&[("10.0.0.1", entry)]);
    let decision = decide(&view, Rules::SHIPPED);
    let after = entry_after(&decision).unwrap();
    assert_eq!(after.holder.unwrap().machine, Uid::of("n0"));
    assert_eq!(after.state, State::Granted);
    // If the node object was edited, the ledger stays.
    n0(&mut view).status.machine = Uid(55);
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!((entry_after(&decision), kinds(&decision)), (None, vec![]));
}

#[test]
fn a_counter_set_back_by_hand_goes_on_from_the_highest_seq() {
    let mut view = mk_edited(&[("10.0.0.1", mk_entry(State::Granted, POD, 3))]);
    let mut block = mk_block(
        "10.0.0.0",
        &[("10.0.0.1", mk_entry(State::Granted, POD, 3))],
    );
    block.seq.counter = 0;
    put(&mut view, block, None);
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(blocks(&decision)[0].seq, key(3).1);
    assert_eq!(kinds(&decision), [Kind::SeqAhead]);
    // Entry and counter are gone: the node tells. Not of a block that may be old.
    let mut block = mk_block("10.0.0.0", &[]);
    block.seq.counter = 0;
    put(&mut view, block.clone(), Some(1));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, [Write::ReadBlock(block.id.clone())]);
    put(&mut view, block, Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(blocks(&decision)[0].seq, key(3).1);
    assert_eq!(entry_after(&decision).unwrap().state, State::Granted);
}

#[test]
fn a_counter_set_back_by_hand_is_above_every_acknowledgement() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    put(&mut view, mk_block("10.0.0.0", &[]), None);
    n0(&mut view).status.released.insert(key(30));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(blocks(&decision)[0].seq, key(30).1);
}

#[test]
fn a_seq_that_nobody_can_have_drawn_raises_no_counter() {
    let mut view = mk_edited(&[]);
    let seq = Seq {
        epoch: u64::MAX,
        counter: u64::MAX,
    };
    n0(&mut view).spec.grants[0].address = Some((address(), seq));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(
        node_spec(&decision).unwrap().recalls,
        [(address(), seq)].into()
    );
    assert!(
        blocks(&decision)
            .iter()
            .all(|block| block.seq.counter <= 10)
    );
    let entry = Entry {
        seq,
        ..mk_entry(State::Granted, POD, 3)
    };
    let decision = decide(&mk_edited(&[("10.0.0.1", entry)]), Rules::SHIPPED);
    assert!(blocks(&decision).iter().all(|block| block.seq.epoch == 5));
}

#[test]
fn the_ledger_follows_a_recall_or_a_fence_mark_written_by_hand() {
    let edits: [fn(&mut NodeView); 2] = [
        |node| {
            node.spec.recalls.insert(key(3));
        },
        |node| node.spec.fenced.push(grant_of(3)),
    ];
    for edit in edits {
        let entries = [("10.0.0.1", mk_entry(State::Granted, POD, 3))];
        let mut view = mk_edited(&entries);
        edit(n0(&mut view));
        let decision = decide(&view, Rules::SHIPPED);
        assert_eq!(entry_after(&decision).unwrap().state, State::Recalling);
        assert_eq!(kinds(&decision), [Kind::AskedBackTooSoon]);
        // Not of a block that may be older than the recall.
        put(&mut view, mk_block("10.0.0.0", &entries), None);
        let decision = decide(&view, Rules::SHIPPED);
        assert!(matches!(decision.writes[..], [Write::ReadBlock(_)]));
    }
}

#[test]
fn an_entry_outside_its_block_is_taken_out_and_counts_for_nobody() {
    let mut view = mk_view(&["10.0.0.0/24", "10.0.7.0/24"]);
    view.pods.insert(POD, mk_pod());
    let entries = [("10.0.7.1", mk_entry(State::Granted, POD, 3))];
    put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    let entries: Vec<&IpAddr> = blocks(&decision)[0].entries.keys().collect();
    assert_eq!(entries, [&address()], "the pod gets one of its own");
    assert_eq!(kinds(&decision), [Kind::Misplaced]);
}

#[test]
fn a_recall_of_nothing_goes_once_it_is_answered() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    n0(&mut view).spec.recalls.insert(key(3));
    assert_eq!(decide(&view, Rules::SHIPPED).writes, []);
    n0(&mut view).status.released.insert(key(3));
    let decision = decide(&view, Rules::SHIPPED);
    assert!(node_spec(&decision).is_some_and(|spec| spec.recalls.is_empty()));
}

#[test]
fn an_address_under_recall_is_handed_out_to_nobody_though_grant_and_entry_were_taken_out() {
    let mut view = mk_edited(&[]);
    let node = n0(&mut view);
    node.spec.grants.clear();
    node.spec.recalls.insert(key(3));
    let decision = decide(&view, Rules::SHIPPED);
    assert!(entry_after(&decision).is_none());
    assert_eq!(blocks(&decision)[0].entries.len(), 1, "the next address");
    assert_eq!(node_spec(&decision), None);
}

#[test]
fn of_two_addresses_in_one_place_the_one_that_the_node_does_not_list_goes_back() {
    let entries = [
        ("10.0.0.1", mk_entry(State::Granted, POD, 3)),
        ("10.0.0.9", mk_entry(State::Granted, POD, 4)),
    ];
    let mut view = mk_edited(&entries);
    let decision = decide(&view, Rules::SHIPPED);
    let states: Vec<State> = blocks(&decision)[0]
        .entries
        .values()
        .map(|entry| entry.state)
        .collect();
    assert_eq!(states, [State::Granted, State::Recalling]);
    n0(&mut view).read_at = None;
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.writes, [Write::ReadNode(Name::from("n0"))]);
}

#[test]
fn a_pod_whose_place_is_listed_under_an_address_that_the_ledger_lacks_gets_no_second_one() {
    let mut view = mk_edited(&[]);
    put(&mut view, mk_block("10.0.0.0", &[]), None);
    for _ in 0..3 {
        let decision = decide(&view, Rules::SHIPPED);
        assert!(blocks(&decision).is_empty(), "{decision:?}");
    }
}
