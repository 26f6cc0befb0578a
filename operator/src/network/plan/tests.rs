use landfall_core::id::Uid;
use landfall_crds::node::{AddressSeq, Grant, LandfallNodeSpec, NodeIdentity};

use super::may_become;

#[test]
fn another_machine_takes_a_name_only_when_nothing_of_the_last_one_is_listed() {
    let identity = |uid: u128, machine: u128| NodeIdentity {
        uid: Uid(uid),
        machine_id: Uid(machine),
        provider_id: None,
        container_runtime: None,
    };
    let empty = LandfallNodeSpec {
        node: identity(1, 10),
        ..LandfallNodeSpec::default()
    };
    let granted = LandfallNodeSpec {
        grants: vec![Grant::default()],
        ..empty.clone()
    };
    let recalled = LandfallNodeSpec {
        recalls: vec![AddressSeq {
            address: "10.0.0.1".parse().unwrap(),
            seq: "1.1".parse().unwrap(),
        }],
        ..empty.clone()
    };
    for spec in [&empty, &granted, &recalled] {
        assert!(
            may_become(spec, &identity(2, 10)),
            "the same machine registered again"
        );
    }
    assert!(may_become(&empty, &identity(2, 11)));
    assert!(!may_become(&granted, &identity(2, 11)));
    assert!(!may_become(&recalled, &identity(2, 11)));
}
