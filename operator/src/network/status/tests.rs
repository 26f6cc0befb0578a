use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use landfall_core::{
    id::Name,
    network::{Network, NetworkKind},
};
use landfall_crds::{network_spec::NetworkStatus, node::ParentStatus};

use super::{Counts, Facts, Serving, status};
use crate::{
    network::validate::{Fault, Verdict},
    samples,
};

fn verdict(network: Network) -> Verdict {
    Verdict {
        kind: NetworkKind::Macvlan,
        name: network.name.clone(),
        accepted: Ok(()),
        network: Some(network),
        closed: None,
        is_deleting: false,
    }
}

fn serving(total: u32, ready: u32, failing: &[&str]) -> Serving {
    let failing = failing.iter().map(|node| {
        let parent = ParentStatus {
            message: Some("there is no eth1".to_owned()),
            ..ParentStatus::default()
        };
        (Name::from(*node), parent)
    });
    Serving {
        total,
        ready,
        failing: failing.collect(),
        silent: Vec::new(),
    }
}

fn at(second: i64) -> Time {
    Time(Timestamp::from_second(second).unwrap())
}

fn status_of(verdict: &Verdict, serving: &Serving, counts: [Counts; 2]) -> NetworkStatus {
    let facts = Facts {
        verdict,
        generation: Some(3),
        counts,
        serving,
        halt: None,
    };
    status(facts, None, &at(1))
}

/// `Accepted=True …` in the order of the list.
fn words(status: &NetworkStatus) -> Vec<String> {
    let conditions = status.conditions.iter();
    conditions
        .map(|c| format!("{}={} {}", c.type_, c.status, c.reason))
        .collect()
}

#[test]
fn a_network_that_some_node_serves_is_ready() {
    let verdict = verdict(samples::network(1, "lan", &["10.0.0.0/24"]));
    let status = status_of(&verdict, &serving(2, 1, &["b"]), Default::default());
    let expected = [
        "Accepted=True Accepted",
        "ParentsReady=True ParentsFound",
        "AddressesAvailable=True Free",
        "Degraded=True NodesCannotServe",
        "Ready=True ParentsFound",
    ];
    assert_eq!(words(&status), expected);
    assert!(
        status
            .conditions
            .iter()
            .all(|c| c.observed_generation == Some(3))
    );
    assert_eq!(status.conditions[3].message, "b: there is no eth1");
    assert_eq!(status.summary.unwrap().nodes, "1/2");
}

#[test]
fn a_parent_without_a_carrier_is_a_fault_and_serves() {
    let verdict = verdict(samples::network(1, "lan", &["10.0.0.0/24"]));
    let mut serving = serving(2, 2, &[]);
    let silent = ParentStatus {
        ready: true,
        reason: Some("NoCarrier".to_owned()),
        message: Some("eth1 has no carrier".to_owned()),
        ..ParentStatus::default()
    };
    serving.silent.push((Name::from("b"), silent));
    let status = status_of(&verdict, &serving, Default::default());
    let words = words(&status);
    assert_eq!(words[3], "Degraded=True ParentSilent");
    assert_eq!(status.conditions[3].message, "b: eth1 has no carrier");
    assert_eq!(words[4], "Ready=True ParentsFound");
}

#[test]
fn parents_are_missing_only_if_no_node_has_one() {
    let verdict = verdict(samples::network(1, "lan", &["10.0.0.0/24"]));
    let parents = |serving: Serving| {
        let words = words(&status_of(&verdict, &serving, Default::default()));
        (words[1].clone(), words[4].clone())
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        parents(serving(2, 0, &["a", "b"])),
        pair(
            "ParentsReady=False ParentMissing",
            "Ready=False ParentMissing"
        )
    );
    assert_eq!(
        parents(serving(2, 0, &["a"])),
        pair("ParentsReady=Unknown Waiting", "Ready=Unknown Waiting")
    );
    assert_eq!(
        parents(serving(0, 0, &[])),
        pair("ParentsReady=False NoNodes", "Ready=False NoNodes")
    );
}

#[test]
fn addresses_are_counted_by_family() {
    let verdict = verdict(samples::network(1, "lan", &["10.0.0.0/30", "fd00::/64"]));
    let ipv4 = Counts {
        granted: 1,
        cooling: 1,
        used: 2,
        ..Counts::default()
    };
    let status = status_of(&verdict, &serving(1, 1, &[]), [ipv4, Counts::default()]);
    let addresses = status.addresses.clone().unwrap();
    let ipv4 = addresses.ipv4.unwrap();
    assert_eq!(
        (ipv4.capacity, ipv4.granted, ipv4.cooling, ipv4.free),
        (2, 1, 1, 0)
    );
    assert_eq!(addresses.ipv6.unwrap().free, (1 << 53) - 1);
    assert_eq!(words(&status)[2], "AddressesAvailable=False Exhausted");
    assert!(
        status.conditions[2]
            .message
            .starts_with("no IPv4 address is free")
    );
    let summary = status.summary.unwrap();
    assert_eq!(summary.subnets, "10.0.0.0/30,fd00::/64");
    assert_eq!(summary.granted, "1/0");
    assert_eq!(summary.free, "0/>999999");
}

#[test]
fn a_network_that_is_not_accepted_says_why_and_is_not_ready() {
    let mut verdict = verdict(samples::network(1, "lan", &["10.0.0.0/24"]));
    verdict.accepted = Err(Fault {
        reason: "NameTaken",
        message: "choose another".to_owned(),
    });
    let status = status_of(&verdict, &serving(0, 0, &[]), Default::default());
    let words = words(&status);
    assert_eq!(words[0], "Accepted=False NameTaken");
    assert_eq!(words[1], "ParentsReady=Unknown NotServed");
    assert_eq!(words[4], "Ready=False NameTaken");
    assert_eq!(status.conditions[4].message, "choose another");
}

#[test]
fn a_paused_network_is_not_ready() {
    let paused = Network {
        paused: true,
        ..samples::network(1, "lan", &["10.0.0.0/24"])
    };
    let status = status_of(&verdict(paused), &serving(1, 1, &[]), Default::default());
    assert_eq!(words(&status)[4], "Ready=False Paused");
}

#[test]
fn a_status_that_says_the_same_again_is_the_same() {
    let verdict = verdict(samples::network(1, "lan", &["10.0.0.0/24"]));
    let serving = serving(1, 1, &[]);
    let facts = Facts {
        verdict: &verdict,
        generation: Some(3),
        counts: Default::default(),
        serving: &serving,
        halt: None,
    };
    let first = status(facts, None, &at(1));
    assert_eq!(status(facts, Some(&first), &at(2)), first);
}

#[test]
fn a_parent_that_an_older_network_has_is_told_with_node_and_network() {
    let verdict = verdict(samples::network(1, "lan", &["10.0.0.0/24"]));
    let conflict = ParentStatus {
        reason: Some("ParentConflict".to_owned()),
        message: Some("IpvlanNetwork old, which is older, is on eth1".to_owned()),
        ..ParentStatus::default()
    };
    let mut some = serving(3, 2, &[]);
    some.failing.push((Name::from("b"), conflict));
    let status = status_of(&verdict, &some, Default::default());
    assert_eq!(words(&status)[3], "Degraded=True ParentConflict");
    let message = &status.conditions[3].message;
    assert_eq!(message, "b: IpvlanNetwork old, which is older, is on eth1");
    let none = Serving {
        total: 1,
        ready: 0,
        ..some
    };
    let words = words(&status_of(&verdict, &none, Default::default()));
    assert_eq!(words[1], "ParentsReady=False ParentConflict");
    assert_eq!(words[4], "Ready=False ParentConflict");
}

#[test]
fn a_network_without_a_parent_anywhere_says_that_it_ends_at_the_node() {
    let mut network = samples::network(1, "net", &["10.20.0.0/24"]);
    network.parents.clear();
    network.isolated = true;
    let serving = serving(2, 2, &[]);
    let local = |network: &Network, before: Option<&NetworkStatus>| {
        let verdict = verdict(network.clone());
        let facts = Facts {
            verdict: &verdict,
            generation: Some(3),
            counts: [Counts::default(); 2],
            serving: &serving,
            halt: None,
        };
        status(facts, before, &at(1))
    };
    let without = local(&network, None);
    assert!(words(&without).contains(&"NodeLocal=True NoParent".to_owned()));
    network.isolated = false;
    let with = local(&network, Some(&without));
    assert!(
        !words(&with)
            .iter()
            .any(|word| word.starts_with("NodeLocal"))
    );
}
