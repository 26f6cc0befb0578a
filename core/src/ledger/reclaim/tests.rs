extern crate std;

use super::{
    super::{
        BlockId, Rules, State, View, decide,
        fresh::{Seen, Tick},
        tests::{LAN, POD, blocks, mk_block, mk_entry, mk_evidence, mk_node, mk_pod, mk_view, put},
        view::{Evidence, Grant},
    },
    Reclaim, judge,
};
use crate::{
    id::{Name, Seq, Uid},
    network::NodeDeletion,
};

fn n0() -> Name {
    Name::from("n0")
}

/// The Node `n0`, silent, and what a user says.
fn said(uid: &str) -> Evidence {
    Evidence {
        reports: false,
        reclaimed: Some(Uid::of(uid)),
        ..mk_evidence("n0")
    }
}

/// An address that `n0` holds in this state, read with quorum before the node object and the evidence.
fn mk_held(state: State, evidence: Evidence) -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    let entry = mk_entry(state, POD, 3);
    put(
        &mut view,
        mk_block("10.0.0.0", &[("10.0.0.1", entry)]),
        Some(2),
    );
    let node = view.nodes.get_mut(&n0()).unwrap();
    node.read_at = Some(Tick(3));
    node.evidence = Seen::quorum(evidence, Tick(4));
    view
}

/// The mark that the node object was written after FENCING.
fn mark(view: &mut View) {
    let seq = Seq {
        epoch: 5,
        counter: 3,
    };
    let mark = Grant {
        owner: POD,
        interface: Name::from("net1"),
        network: LAN,
        address: Some(("10.0.0.1".parse().unwrap(), seq)),
        index: 0,
        mac: None,
    };
    view.nodes.get_mut(&n0()).unwrap().spec.fenced.push(mark);
}

/// The state after a decision; `None` if the block is not written.
fn state_after(view: &View) -> Option<State> {
    let decision = decide(view, Rules::SHIPPED);
    let block = blocks(&decision).first().copied().cloned()?;
    let entry = block.entries.get(&"10.0.0.1".parse().unwrap());
    entry.map(|entry| entry.state)
}

/// After a restore of etcd an address may be in use by a link of which only the address is known (found by
/// the simulation).
#[test]
fn a_users_word_fences_what_a_network_that_nobody_knows_holds() {
    let mut view = mk_held(State::Recalling, said("n0"));
    let block = view.blocks.values().next().unwrap();
    let mut block = block.value.clone();
    for entry in block.entries.values_mut() {
        entry.network = Uid::default();
    }
    put(&mut view, block, Some(2));
    assert_eq!(state_after(&view), Some(State::Fencing));
}

#[test]
fn a_users_word_begins_a_fence_and_closes_it() {
    for state in [State::Granted, State::Recalling, State::Quarantined] {
        let view = mk_held(state, said("n0"));
        assert_eq!(state_after(&view), Some(State::Fencing), "{state:?}");
    }
    let mut view = mk_held(State::Fencing, said("n0"));
    mark(&mut view);
    assert_eq!(state_after(&view), Some(State::Cooling));
}

#[test]
fn it_is_evidence_whatever_the_network_says_of_deleted_nodes() {
    let mut view = mk_held(
        State::Granted,
        Evidence {
            current: None,
            ..said("n0")
        },
    );
    let network = view.networks.values_mut().next().unwrap();
    network.network.node_deletion = NodeDeletion::Hold;
    assert_eq!(state_after(&view), Some(State::Fencing));
}

#[test]
fn it_is_nothing_where_it_names_another_node_or_the_machine_is_on() {
    let table = [
        ("another Node", said("n1"), Reclaim::WrongUid),
        (
            "the machine is on",
            Evidence {
                reports: true,
                ..said("n0")
            },
            Reclaim::IsOn,
        ),
    ];
    for (case, evidence, judged) in table {
        let view = mk_held(State::Quarantined, evidence);
        assert_ne!(state_after(&view), Some(State::Fencing), "{case}");
        assert_eq!(judge(&view, &n0()), Some(judged), "{case}");
        let mut view = mk_held(State::Fencing, evidence);
        mark(&mut view);
        assert_eq!(state_after(&view), Some(State::Recalling), "{case}");
    }
}

/// The Node was deleted and the same machine registered again, or another one took its name.
#[test]
fn a_machine_has_one_id_and_may_have_had_several_node_uids() {
    let other_machine = Uid::of("another machine");
    // (UID said, machine of the entry, judged)
    let table = [
        ("new", Uid::of("n0"), Reclaim::Stands),
        ("n0", Uid::of("n0"), Reclaim::Stands),
        ("new", other_machine, Reclaim::Done),
        ("n0", other_machine, Reclaim::Stands),
    ];
    for (uid, machine, judged) in table {
        let mut view = mk_held(
            State::Quarantined,
            Evidence {
                current: Some(Uid::of("new")),
                ..said(uid)
            },
        );
        view.nodes.get_mut(&n0()).unwrap().uid = Uid::of("new");
        let id = BlockId::of(&Name::from("lan"), "10.0.0.1".parse().unwrap());
        let entries = &mut view.blocks.get_mut(&id).unwrap().value.entries;
        let entry = entries.values_mut().next().unwrap();
        entry.holder.as_mut().unwrap().machine = machine;
        assert_eq!(judge(&view, &n0()), Some(judged), "{uid} {machine}");
        let is_fenced = state_after(&view) == Some(State::Fencing);
        assert_eq!(is_fenced, judged == Reclaim::Stands, "{uid} {machine}");
        // The new Node reports: its machine is on, and says nothing of another one.
        let node = view.nodes.get_mut(&n0()).unwrap();
        node.evidence.value.reports = true;
        let is_on = judged == Reclaim::Stands && machine != other_machine;
        let judged = if is_on { Reclaim::IsOn } else { judged };
        assert_eq!(
            judge(&view, &n0()),
            Some(judged),
            "reports: {uid} {machine}"
        );
    }
}

/// The operator waits for every node to say what it has in use, or to be off.
#[test]
fn it_stands_until_a_restored_ledger_is_whole_again() {
    for (reports, judged) in [(false, Reclaim::Stands), (true, Reclaim::IsOn)] {
        let mut view = mk_held(
            State::Cooling,
            Evidence {
                reports,
                ..said("n0")
            },
        );
        view.restore.epoch = 9;
        assert_eq!(judge(&view, &n0()), Some(judged), "{reports}");
        view.restore.adopted = 9;
        assert_eq!(judge(&view, &n0()), Some(Reclaim::Done), "{reports}");
    }
}

#[test]
fn it_stands_until_nothing_is_held_and_nothing_is_granted_meanwhile() {
    let mut view = mk_held(State::Cooling, said("n0"));
    assert_eq!(judge(&view, &n0()), Some(Reclaim::Done));
    let decision = decide(&view, Rules::SHIPPED);
    let mut written = blocks(&decision).into_iter();
    assert!(
        written.all(|block| block.entries.is_empty()),
        "only forgets"
    );
    assert_eq!(decision.refusals[&POD].reason, "NoAgentOnNode");
    let node = view.nodes.get_mut(&n0()).unwrap();
    node.evidence = mk_node("n0").evidence;
    assert_eq!(judge(&view, &n0()), None);
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.refusals.len(), 0);
    let written = blocks(&decision);
    let owners = written.iter().flat_map(|block| block.entries.values());
    assert_eq!(owners.filter(|entry| entry.holder.is_some()).count(), 1);
}
