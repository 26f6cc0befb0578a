use landfall_core::{
    address::Range,
    id::{Name, Uid},
    network::{Network, NetworkKind},
};

use super::{Candidate, Verdict, validate};
use crate::samples;

fn candidate(network: Network, created: i64) -> Candidate {
    Candidate {
        uid: network.uid,
        kind: NetworkKind::Macvlan,
        name: network.name.clone(),
        created,
        is_deleting: false,
        is_guarded: true,
        network: Ok(network),
        not_implemented: None,
        last_valid: None,
        held_segment: None,
    }
}

fn network(uid: u128, name: &str, cidr: &str) -> Network {
    samples::network(uid, name, &[cidr])
}

/// The network with its first subnet cut down to one range.
fn with_range(mut network: Network, range: &str) -> Network {
    let range: Range = range.parse().unwrap();
    network.ipam.subnets[0].usable = range.into();
    network
}

fn verdict_of(candidates: Vec<Candidate>, uid: u128) -> Verdict {
    let mut verdicts = validate(candidates);
    verdicts.remove(&Uid(uid)).expect("a verdict")
}

/// The reason and message of the younger of two networks.
fn fault_of(older: Network, younger: Network) -> Option<(&'static str, String)> {
    let uid = younger.uid.0;
    let candidates = vec![candidate(younger, 2), candidate(older, 1)];
    let fault = verdict_of(candidates, uid).accepted.err()?;
    Some((fault.reason, fault.message))
}

#[test]
fn the_older_network_has_the_name() {
    let older = network(1, "lan", "10.0.0.0/24");
    let (reason, message) = fault_of(older, network(2, "lan", "10.9.0.0/24")).unwrap();
    assert_eq!(reason, "NameTaken");
    assert!(
        message.starts_with("MacvlanNetwork lan is older"),
        "{message}"
    );
}

#[test]
fn subnets_of_one_segment_do_not_overlap() {
    let older = || network(1, "a", "10.0.0.0/24");
    let cases = [
        (network(2, "b", "10.0.1.0/24"), None),
        (
            network(2, "b", "10.0.0.0/16"),
            Some("subnet 10.0.0.0/16 overlaps subnet 10.0.0.0/24"),
        ),
        (
            network(2, "b", "10.0.0.64/26"),
            Some("subnet 10.0.0.64/26 overlaps"),
        ),
        (
            network(2, "b", "10.0.0.0/24"),
            Some("10.0.0.1-10.0.0.254 of subnet 10.0.0.0/24"),
        ),
        (
            Network {
                segment: Name::from("other"),
                ..network(2, "b", "10.0.0.0/24")
            },
            None,
        ),
    ];
    for (younger, expected) in cases {
        let fault = fault_of(older(), younger);
        match expected {
            None => assert_eq!(fault, None),
            Some(sentence) => {
                let (reason, message) = fault.expect(sentence);
                assert_eq!(reason, "Overlap");
                assert!(message.contains(sentence), "{message}");
                assert!(
                    message.contains("MacvlanNetwork a, which is older"),
                    "{message}"
                );
            }
        }
    }
}

#[test]
fn one_subnet_may_be_shared_with_disjoint_ranges() {
    let lower = with_range(network(1, "a", "10.0.0.0/24"), "10.0.0.10-10.0.0.19");
    let upper = with_range(network(2, "b", "10.0.0.0/24"), "10.0.0.20-10.0.0.29");
    assert_eq!(fault_of(lower.clone(), upper), None);
    let both = with_range(network(2, "b", "10.0.0.0/24"), "10.0.0.19-10.0.0.29");
    let (reason, message) = fault_of(lower, both).unwrap();
    assert_eq!(reason, "Overlap");
    assert!(message.contains("10.0.0.19 of subnet"), "{message}");
}

#[test]
fn a_network_that_lost_takes_nothing_from_a_still_younger_one() {
    let candidates = || {
        vec![
            candidate(network(1, "a", "10.0.0.0/24"), 1),
            candidate(network(2, "b", "10.0.0.0/23"), 2),
            candidate(network(3, "c", "10.0.1.0/24"), 3),
        ]
    };
    assert!(verdict_of(candidates(), 2).accepted.is_err());
    assert!(verdict_of(candidates(), 3).accepted.is_ok());
}

#[test]
fn what_is_not_implemented_is_said() {
    let dhcp = Candidate {
        not_implemented: Some("spec.ipam.type"),
        ..candidate(network(1, "a", "10.0.0.0/24"), 1)
    };
    let verdict = verdict_of(vec![dhcp], 1);
    let fault = verdict.accepted.unwrap_err();
    assert_eq!(fault.reason, "NotImplemented");
    assert!(
        fault.message.starts_with("spec.ipam.type is not"),
        "{}",
        fault.message
    );
    assert!(verdict.network.is_some());
}

#[test]
fn a_segment_does_not_change_while_addresses_are_held() {
    let moved = Network {
        segment: Name::from("new"),
        ..network(1, "a", "10.0.0.0/24")
    };
    let moved = Candidate {
        held_segment: Some(Name::from("old")),
        ..candidate(moved, 1)
    };
    let verdict = verdict_of(vec![moved], 1);
    assert_eq!(verdict.accepted.unwrap_err().reason, "Invalid");
    assert_eq!(verdict.network.unwrap().segment, Name::from("old"));
}

#[test]
fn a_network_that_is_not_to_be_used_is_closed_and_stays() {
    let open = || candidate(network(1, "a", "10.0.0.0/24"), 1);
    let paused = Network {
        paused: true,
        ..network(1, "a", "10.0.0.0/24")
    };
    let cases = [
        (open(), None),
        (candidate(paused, 1), Some("is paused")),
        (
            Candidate {
                is_deleting: true,
                ..open()
            },
            Some("is being deleted"),
        ),
        (
            Candidate {
                is_guarded: false,
                ..open()
            },
            Some("is being set up"),
        ),
        (
            Candidate {
                network: Err("no subnet".to_owned()),
                last_valid: Some(network(1, "a", "10.0.0.0/24")),
                ..open()
            },
            Some("is not accepted: no subnet"),
        ),
    ];
    for (candidate, sentence) in cases {
        let verdict = verdict_of(vec![candidate], 1);
        assert!(verdict.network.is_some());
        match (verdict.closed, sentence) {
            (None, None) => {}
            (Some(closed), Some(sentence)) => {
                assert!(closed.message.contains(sentence), "{}", closed.message);
                assert!(!closed.is_final);
            }
            other => panic!("{other:?}"),
        }
    }
}
