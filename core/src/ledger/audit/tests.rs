extern crate std;

use std::{collections::BTreeSet, net::IpAddr, string::String, vec::Vec};

use super::{Attached, audit};
use crate::{
    id::{Name, Seq, Uid},
    ledger::{
        State, View,
        finding::{Kind, Subject},
        tests::{POD, grant_of, mk_block, mk_entry, mk_view, put},
        view::NodeView,
    },
};

/// One address, granted, pushed and attached as it should be.
fn settled() -> (View, Attached) {
    let mut view = mk_view(&["10.0.0.0/24"]);
    let entries = [("10.0.0.1", mk_entry(State::Granted, POD, 3))];
    put(&mut view, mk_block("10.0.0.0", &entries), None);
    n0(&mut view).spec.grants.push(grant_of(3));
    (view, Attached::from([(Name::from("n0"), [key(3)].into())]))
}

fn n0(view: &mut View) -> &mut NodeView {
    view.nodes.get_mut(&Name::from("n0")).unwrap()
}

fn address() -> IpAddr {
    "10.0.0.1".parse().unwrap()
}

fn key(counter: u64) -> (IpAddr, Seq) {
    (address(), Seq { epoch: 5, counter })
}

/// Changes the entry of the settled state in its block.
fn edit(view: &mut View, edit: impl FnOnce(&mut crate::ledger::Block)) {
    let seen = view.blocks.values_mut().next().unwrap();
    edit(&mut seen.value);
}

fn kinds(view: &View, attached: &Attached) -> Vec<Kind> {
    audit(view, attached).into_iter().map(|f| f.kind).collect()
}

/// The one finding of an edited state: its kind, its invariant, its object, its sentence.
fn only(edited: impl FnOnce(&mut View, &mut Attached)) -> (Kind, u8, Subject, String) {
    let (mut view, mut attached) = settled();
    edited(&mut view, &mut attached);
    let findings = audit(&view, &attached);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let finding = findings.into_iter().next().unwrap();
    let invariant = finding.kind.invariant();
    (finding.kind, invariant, finding.subject, finding.message)
}

fn on_node() -> Subject {
    Subject::Node(Name::from("n0"))
}

#[test]
fn a_settled_state_has_no_findings() {
    let (view, attached) = settled();
    assert_eq!(audit(&view, &attached), BTreeSet::new());
}

#[test]
fn what_is_between_two_writes_is_no_finding() {
    let (mut view, attached) = settled();
    // Granted and not pushed yet; recalled and not listed yet; reserved.
    edit(&mut view, |block| {
        let rows = [
            ("10.0.0.2", mk_entry(State::Granted, Uid(2), 4)),
            ("10.0.0.3", mk_entry(State::Recalling, Uid(3), 5)),
            ("10.0.0.4", mk_entry(State::Reserved, Uid(4), 6)),
            ("10.0.0.5", mk_entry(State::Cooling, Uid(5), 7)),
        ];
        let rows = rows.map(|(a, e)| (a.parse().unwrap(), e));
        block.entries.extend(rows);
    });
    assert_eq!(kinds(&view, &attached), []);
    // Freed in the ledger, and still listed.
    let (mut view, _) = settled();
    edit(&mut view, |block| {
        block
            .entries
            .insert(address(), mk_entry(State::Cooling, POD, 3));
    });
    n0(&mut view).status.released.insert(key(3));
    n0(&mut view).spec.recalls.insert(key(3));
    assert_eq!(kinds(&view, &Attached::new()), []);
}

#[test]
fn a_lost_entry_is_found_on_the_node_that_lists_it() {
    let found = only(|view, _| edit(view, |block| block.entries.clear()));
    let message = "LandfallNode n0: spec.grants lists 10.0.0.1 with seq 5.3, which is free in the \
                   ledger and not released";
    assert_eq!(found, (Kind::NotHeld, 4, on_node(), String::from(message)));
}

#[test]
fn a_state_flipped_to_cooling_is_found() {
    let found = only(|view, _| {
        edit(view, |block| {
            block
                .entries
                .insert(address(), mk_entry(State::Cooling, POD, 3));
        });
    });
    assert_eq!((found.0, found.1), (Kind::NotHeld, 4));
}

#[test]
fn a_grant_that_the_ledger_holds_under_another_seq_or_node_is_found() {
    let found = only(|view, attached| {
        attached.clear();
        edit(view, |block| {
            block
                .entries
                .insert(address(), mk_entry(State::Granted, POD, 4));
        });
    });
    assert_eq!(
        (found.0, found.1, found.2),
        (Kind::HeldElsewhere, 3, on_node())
    );
    let (mut view, attached) = settled();
    let mut other = crate::ledger::tests::mk_node("n1");
    other.spec.grants.push(grant_of(3));
    view.nodes.insert(Name::from("n1"), other);
    let findings = audit(&view, &attached);
    let subjects: Vec<&Subject> = findings.iter().map(|f| &f.subject).collect();
    assert_eq!(subjects, [&Subject::Node(Name::from("n1"))]);
    assert_eq!(kinds(&view, &attached), [Kind::HeldElsewhere]);
}

#[test]
fn a_grant_in_a_block_that_is_gone_is_found() {
    let found = only(|view, _| view.blocks.clear());
    assert_eq!((found.0, found.1, found.2), (Kind::NoBlock, 3, on_node()));
}

#[test]
fn an_entry_that_tells_another_story_than_its_grant_is_found() {
    let edits: [fn(&mut crate::ledger::Entry); 4] = [
        |entry| entry.holder.as_mut().unwrap().owner = Uid(55),
        |entry| entry.holder.as_mut().unwrap().interface = Name::from("net9"),
        |entry| entry.holder.as_mut().unwrap().machine = Uid(55),
        |entry| entry.network = Uid(55),
    ];
    for change in edits {
        let found = only(|view, _| {
            edit(view, |block| {
                change(block.entries.get_mut(&address()).unwrap());
            });
        });
        assert_eq!((found.0, found.1), (Kind::Differs, 3), "{}", found.3);
    }
}

#[test]
fn two_grants_for_one_place_are_found() {
    let (mut view, attached) = settled();
    edit(&mut view, |block| {
        let entry = mk_entry(State::Granted, POD, 4);
        block.entries.insert("10.0.0.2".parse().unwrap(), entry);
    });
    let mut second = grant_of(4);
    second.address = Some(("10.0.0.2".parse().unwrap(), key(4).1));
    n0(&mut view).spec.grants.push(second);
    assert_eq!(kinds(&view, &attached), [Kind::TwoForOnePlace]);
}

#[test]
fn a_seq_above_the_counter_is_found() {
    let found = only(|view, _| edit(view, |block| block.seq.counter = 2));
    assert_eq!((found.0, found.1), (Kind::SeqAhead, 5));
    let found = only(|view, _| {
        let mut invented = grant_of(77);
        invented.owner = Uid(55);
        invented.address = Some(("10.0.0.2".parse().unwrap(), key(77).1));
        n0(view).spec.grants.push(invented);
    });
    assert_eq!((found.0, found.1), (Kind::SeqAhead, 5));
}

#[test]
fn a_recall_or_a_fence_that_the_ledger_does_not_know_is_found() {
    let found = only(|view, _| {
        n0(view).spec.recalls.insert(key(3));
    });
    assert_eq!(
        (found.0, found.1, found.2),
        (Kind::AskedBackTooSoon, 7, on_node())
    );
    let found = only(|view, _| n0(view).spec.fenced.push(grant_of(3)));
    assert_eq!(found.0, Kind::AskedBackTooSoon);
}

#[test]
fn an_entry_outside_its_block_is_found() {
    let found = only(|view, _| {
        edit(view, |block| {
            let entry = mk_entry(State::Granted, Uid(55), 4);
            block.entries.insert("10.0.7.1".parse().unwrap(), entry);
        });
    });
    assert_eq!((found.0, found.1), (Kind::Misplaced, 9));
}

#[test]
fn a_held_entry_without_a_holder_is_found() {
    let found = only(|view, _| {
        edit(view, |block| {
            let mut entry = mk_entry(State::Granted, Uid::default(), 4);
            entry.holder = None;
            block.entries.insert("10.0.0.9".parse().unwrap(), entry);
        });
    });
    assert_eq!((found.0, found.1), (Kind::NoHolder, 9));
}

#[test]
fn an_entry_of_a_node_without_an_object_is_found() {
    let found = only(|view, _| {
        edit(view, |block| {
            let mut entry = mk_entry(State::Granted, Uid(55), 4);
            entry.holder.as_mut().unwrap().node = Name::from("ghost");
            block.entries.insert("10.0.0.9".parse().unwrap(), entry);
        });
    });
    assert_eq!((found.0, found.1), (Kind::NoNode, 10));
}

#[test]
fn an_entry_of_a_machine_that_the_node_is_not_is_found() {
    let found = only(|view, _| {
        edit(view, |block| {
            let mut entry = mk_entry(State::Recalling, Uid(55), 4);
            entry.holder.as_mut().unwrap().machine = Uid(55);
            block.entries.insert("10.0.0.9".parse().unwrap(), entry);
        });
    });
    assert_eq!((found.0, found.1), (Kind::NoVoice, 10));
}

#[test]
fn a_grant_that_was_taken_out_of_the_spec_of_a_live_attachment_is_found() {
    let found = only(|view, _| n0(view).spec.grants.clear());
    assert_eq!((found.0, found.1, found.2), (Kind::NotListed, 2, on_node()));
}

#[test]
fn a_status_that_says_released_and_attached_is_found() {
    let found = only(|view, _| {
        n0(view).status.released.insert(key(3));
    });
    assert_eq!((found.0, found.1), (Kind::ReleasedInUse, 2));
}

/// 200 nodes with 100 grants each, all attached.
fn full() -> (View, Attached) {
    let mut view = mk_view(&["10.0.0.0/16"]);
    view.nodes.clear();
    let mut attached = Attached::new();
    for node in 0..200_u32 {
        let name = Name::from(std::format!("n{node}").as_str());
        let mut object = crate::ledger::tests::mk_node(name.as_str());
        for pod in 0..100 {
            let number = node * 100 + pod;
            let address = IpAddr::from((0x0a00_0001 + number).to_be_bytes());
            let mut entry = mk_entry(State::Granted, Uid(1000 + u128::from(number)), 3);
            let holder = entry.holder.as_mut().unwrap();
            holder.node = name.clone();
            (holder.node_uid, holder.machine) = (object.uid, object.machine);
            let owner = holder.owner;
            let id = crate::ledger::BlockId::of(&Name::from("lan"), address);
            if !view.blocks.contains_key(&id) {
                let block = mk_block(&std::format!("{}", id.first), &[]);
                put(&mut view, block, Some(9));
            }
            let block = view.blocks.get_mut(&id).unwrap();
            block.value.entries.insert(address, entry);
            let mut grant = grant_of(3);
            grant.owner = owner;
            grant.address = Some((address, key(3).1));
            object.spec.grants.push(grant);
            attached
                .entry(name.clone())
                .or_default()
                .insert((address, key(3).1));
            let mut wanted = crate::ledger::tests::mk_pod();
            wanted.node = name.clone();
            view.pods.insert(owner, wanted);
        }
        object.spec.grants.sort();
        view.nodes.insert(name, object);
    }
    (view, attached)
}

#[test]
#[ignore = "prints what an audit and a decision cost: cargo test -p landfall-core audit -- --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "this measures")]
fn what_an_audit_of_20000_grants_costs() {
    let (view, attached) = full();
    for _ in 0..3 {
        let start = std::time::Instant::now();
        assert_eq!(audit(&view, &attached), BTreeSet::new());
        let audited = start.elapsed();
        let start = std::time::Instant::now();
        let decision = crate::ledger::decide(&view, crate::ledger::Rules::SHIPPED);
        let decided = start.elapsed();
        assert_eq!(decision.writes, []);
        std::println!("20000 grants: audit {audited:?}, decision without news {decided:?}");
    }
}
