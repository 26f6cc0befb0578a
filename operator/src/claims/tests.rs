use kube::core::ObjectMeta;
use landfall_core::{
    id::Uid,
    ledger::claims::Shares,
    network::{Labels, Selector},
};
use landfall_crds::keys::finalizer;
use serde_json::json;

use super::{ClaimFacts, ordinal};
use crate::samples;

fn facts(addresses: &[&str]) -> ClaimFacts {
    let claim = json!({
        "metadata": {"namespace": "default", "name": "kept", "uid": Uid(5).to_string()},
        "spec": {"network": "lan", "addresses": addresses, "for": {"type": "None"}},
    });
    let mut facts = ClaimFacts::address(serde_json::from_value(claim).unwrap());
    facts.meta.finalizers = Some(vec![finalizer::ADDRESSES.to_owned()]);
    facts
}

#[test]
fn a_claim_has_addresses_only_with_our_finalizer_and_of_a_network_that_admits_its_namespace() {
    let network = samples::network(7, "lan", &["10.0.0.0/24"]);
    let judge = |facts: &ClaimFacts, network| super::judge(facts, network, &Labels::new(), None);
    let judged = judge(&facts(&[]), Ok(&network));
    assert_eq!(
        (judged.claim.network, judged.claim.shares),
        (Some(Uid(7)), Shares::Whole)
    );
    assert_eq!(judged.accepted, Ok(()));

    let mut unguarded = facts(&[]);
    unguarded.meta = ObjectMeta {
        finalizers: None,
        ..unguarded.meta
    };
    assert_eq!(judge(&unguarded, Ok(&network)).claim.network, None);

    let judged = judge(&facts(&[]), Err("there is none".to_owned()));
    assert_eq!(judged.accepted.unwrap_err().reason, "UnknownNetwork");

    let mut closed = network.clone();
    closed.namespaces = Selector {
        labels: Labels::from([("team".to_owned(), "red".to_owned())]),
        requirements: Vec::new(),
    };
    let judged = judge(&facts(&[]), Ok(&closed));
    assert_eq!(judged.claim.network, None);
    assert_eq!(judged.accepted.unwrap_err().reason, "NamespaceNotAllowed");

    let judged = judge(&facts(&["10.0.0.4", "10.1.0.4"]), Ok(&network));
    assert_eq!(judged.claim.network, Some(Uid(7)), "the right one is kept");
    let fault = judged.accepted.unwrap_err();
    assert_eq!(fault.reason, "Invalid");
    assert!(
        fault
            .message
            .starts_with("address 10.1.0.4 is not one that network lan grants")
    );
}

#[test]
fn an_ordinal_is_what_follows_the_name_of_the_set_and_no_other_than_the_label_says() {
    for (pod, label, expected) in [
        ("db-0", None, Some(0)),
        ("db-12", Some("12"), Some(12)),
        ("db-1", Some("2"), None),
        ("db-01", None, None),
        ("db-+1", None, None),
        ("db", None, None),
        ("dbx-1", None, None),
    ] {
        assert_eq!(ordinal(pod, "db", label), expected, "{pod} {label:?}");
    }
}

#[test]
fn an_ipam_claim_is_read_as_its_makers_write_it() {
    let claim = json!({
        "apiVersion": "k8s.cni.cncf.io/v1alpha1", "kind": "IPAMClaim",
        "metadata": {"namespace": "default", "name": "vm.lan", "uid": Uid(6).to_string()},
        "spec": {"network": "lan", "interface": "pod1", "ipRequests": ["10.0.0.7/24"]},
        "status": {"ips": ["10.0.0.7/24", "fd00::7/64"]},
    });
    let facts = ClaimFacts::ipam(serde_json::from_value(claim).unwrap());
    let address = |text: &str| text.parse::<std::net::IpAddr>().unwrap();
    assert_eq!(facts.network, "lan");
    assert_eq!(facts.addresses, Ok(vec![address("10.0.0.7")]));
    assert_eq!(facts.named(), [address("10.0.0.7"), address("fd00::7")]);
    assert!(facts.is_guarded() && !facts.has_finalizer());
}
