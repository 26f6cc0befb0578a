use super::who_has;
use crate::samples::Objects;

#[test]
fn an_address_that_is_held_is_told_with_all_that_is_known_of_it() {
    let snapshot = Objects::good().snapshot();
    let answer = who_has(&snapshot, "10.20.0.1".parse().unwrap()).unwrap();
    let expected = "\
Address:   10.20.0.1
Segment:   default
Network:   lan
State:     Granted since 2026-11-24T12:00:00Z
Node:      a
Pod:       shop/web (UID 00000000-0000-0000-0000-000000000064)
Interface: net1
MAC:       0a:58:0a:14:00:01
Sequence:  4.1
Attached:  yes
";
    assert_eq!(answer.text, expected);
    assert!(answer.is_good);
}

#[test]
fn an_address_of_nobody_is_free_or_unknown() {
    let snapshot = Objects::good().snapshot();
    let free = who_has(&snapshot, "10.20.0.9".parse().unwrap()).unwrap();
    assert_eq!(free.text, "10.20.0.9: free, of network lan\n");
    assert!(!free.is_good);
    let unknown = who_has(&snapshot, "10.99.0.9".parse().unwrap()).unwrap();
    let expected = "10.99.0.9: nobody holds it, and no network hands it out\n";
    assert_eq!(unknown.text, expected);
    assert!(!unknown.is_good);
}

#[test]
fn a_pod_that_no_node_object_names_is_told_by_its_uid() {
    let mut objects = Objects::good();
    objects.node["spec"]["grants"] = serde_json::json!([]);
    let answer = who_has(&objects.snapshot(), "10.20.0.2".parse().unwrap()).unwrap();
    let expected = "Pod:       UID 00000000-0000-0000-0000-000000000065\n";
    assert!(answer.text.contains(expected), "{}", answer.text);
}

#[test]
fn of_a_block_that_cant_be_read_nobody_says_that_an_address_is_free() {
    let mut objects = Objects::good();
    objects.block["spec"]["counter"] = "no".into();
    let snapshot = objects.snapshot();
    let error = who_has(&snapshot, "10.20.0.9".parse().unwrap()).unwrap_err();
    let said = error.to_string();
    let begins = "who has 10.20.0.9 is not known: AddressBlock default-0a140000 can't be read, spec.counter: ";
    assert!(said.starts_with(begins), "{said}");
    // Of an address elsewhere it says nothing, whatever it says.
    let elsewhere = who_has(&snapshot, "10.99.0.9".parse().unwrap()).unwrap();
    let last = "\nThis may be incomplete: AddressBlock/default-0a140000 can't be read\n";
    assert!(elsewhere.text.ends_with(last), "{}", elsewhere.text);
    assert_eq!(elsewhere.json["unread"][0]["name"], "default-0a140000");
}

#[test]
fn a_holder_is_told_beside_a_node_object_that_cant_be_read() {
    let mut objects = Objects::good();
    objects.node["spec"]["grants"][1]["address"] = "10.20.0.300".into();
    let answer = who_has(&objects.snapshot(), "10.20.0.1".parse().unwrap()).unwrap();
    assert!(answer.is_good);
    for part in [
        "State:     Granted since",
        "Node:      a\n",
        "Pod:       UID 00000000-0000-0000-0000-000000000064\n",
        "\nThis may be incomplete: LandfallNode/a can't be read\n",
    ] {
        assert!(answer.text.contains(part), "{part:?}: {}", answer.text);
    }
}

#[test]
fn a_network_that_cant_be_read_has_its_name() {
    let mut objects = Objects::good();
    objects.network["spec"]["parents"] = "no".into();
    let answer = who_has(&objects.snapshot(), "10.20.0.1".parse().unwrap()).unwrap();
    assert!(answer.text.contains("Network:   lan\n"), "{}", answer.text);
}
