//! Configurations of the reference plugins, and what ours adds.

use landfall_core::{
    id::Name,
    network::{IpvlanFlag, IpvlanMode, VlanProtocol},
};

use super::*;

fn read(input: &str, kind: NetworkKind) -> Result<Config<'_>, Malformed> {
    Config::read(input, Version::V1_0_0, "n", kind)
}

fn macvlan(input: &str) -> Config<'_> {
    read(input, NetworkKind::Macvlan).unwrap()
}

#[test]
fn what_is_absent_or_null_has_the_default_of_the_reference() {
    for input in [
        "{}",
        r#"{"master":null,"mode":null,"mtu":null,"mac":null,"ipam":null,"dns":null,"vlan":null,
            "runtimeConfig":null,"prevResult":null,"linkInContainer":null,"bcqueuelen":null}"#,
        r#"{"ipam":{},"dns":{},"runtimeConfig":{},"args":{"cni":{}},"cni.dev/x":[1]}"#,
    ] {
        let config = macvlan(input);

        assert_eq!((config.master.as_str(), config.mtu), ("", 0));
        assert!(config.ipam.is_empty() && config.runtime_mac.is_empty());
        assert!(config.prev_result.is_none() && config.vlan.is_none());
        assert_eq!(
            config.driver().unwrap(),
            Driver::Macvlan(Macvlan::default())
        );
    }
}

#[test]
fn keys_may_be_in_capitals() {
    let config = macvlan(
        r#"{"MASTER":"eth0","Mode":"vepa","MTU":1400,"RuntimeConfig":{"MAC":"c2:11:22:33:44:55"},
            "IPAM":{"Type":"static"},"BcQueueLen":5000,"LINKINCONTAINER":true}"#,
    );

    assert_eq!((config.master.as_str(), config.mtu), ("eth0", 1400));
    assert_eq!(config.runtime_mac, "c2:11:22:33:44:55");
    assert_eq!(config.ipam, "static");
    assert!(config.link_in_container);
    assert_eq!(
        config.driver().unwrap(),
        Driver::Macvlan(Macvlan {
            mode: MacvlanMode::Vepa,
            broadcast_queue_length: Some(5000),
            ..Macvlan::default()
        })
    );
}

#[test]
fn modes_are_words_in_small_letters() {
    for (kind, mode, text) in [
        (
            NetworkKind::Macvlan,
            "Bridge",
            "unknown macvlan mode: \"Bridge\"",
        ),
        (
            NetworkKind::Macvlan,
            "source",
            "unknown macvlan mode: \"source\"",
        ),
        (NetworkKind::Ipvlan, "L2", "unknown ipvlan mode: \"L2\""),
        (
            NetworkKind::Ipvlan,
            "bridge",
            "unknown ipvlan mode: \"bridge\"",
        ),
    ] {
        let input = format!(r#"{{"mode":"{mode}"}}"#);
        let error = read(&input, kind).unwrap().driver().unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn ipvlan_has_modes_and_flags_and_reads_no_keys_of_macvlan() {
    let config = read(
        r#"{"mode":"l3s","flag":"private","mac":7,"bcqueuelen":"x"}"#,
        NetworkKind::Ipvlan,
    );

    assert_eq!(
        config.unwrap().driver().unwrap(),
        Driver::Ipvlan {
            mode: IpvlanMode::L3s,
            flag: IpvlanFlag::Private
        }
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_an_error() {
    for input in [
        r#"{"mtu":"1400"}"#,
        r#"{"mtu":1400.5}"#,
        r#"{"master":7}"#,
        r#"{"bcqueuelen":-1}"#,
        r#"{"linkInContainer":"yes"}"#,
        r#"{"ipam":"host-local"}"#,
        r#"{"vlan":70}"#,
        r#"{"vlan":{}}"#,
        r#"{"vlan":{"id":4095}}"#,
        r#"{"vlan":{"id":70,"protocol":"QinQ"}}"#,
        r#"{"dns":{"nameservers":"10.0.0.1"}}"#,
    ] {
        assert!(read(input, NetworkKind::Macvlan).is_err(), "{input}");
    }
}

#[test]
fn a_vlan_has_an_id_and_may_have_a_protocol_and_a_name() {
    let vlan = |input| macvlan(input).vlan.unwrap();

    assert_eq!(
        vlan(r#"{"vlan":{"id":70}}"#),
        Vlan {
            id: 70,
            name: None,
            protocol: VlanProtocol::Customer
        }
    );
    assert_eq!(
        vlan(r#"{"vlan":{"ID":70,"protocol":"802.1ad","name":"storage"}}"#),
        Vlan {
            id: 70,
            name: Some(Name::from("storage")),
            protocol: VlanProtocol::Service
        }
    );
}
