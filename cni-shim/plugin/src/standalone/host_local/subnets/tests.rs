//! Subnets as a network writes them.

use std::net::IpAddr;

use super::*;

fn read(subnets: &str) -> Result<Vec<RangeSet>, Malformed> {
    let ipam = format!(r#"{{"subnets": {subnets}}}"#);
    sets(&Object::read(&ipam).unwrap())
}

fn shown(subnets: &str) -> Vec<String> {
    let sets = read(subnets).unwrap();
    sets.iter().map(ToString::to_string).collect()
}

fn first(set: &RangeSet) -> IpAddr {
    set.addresses(None).next().unwrap().0
}

#[test]
fn an_attachment_gets_one_address_of_each_family() {
    let sets = shown(r#"["fd00:20::/64", "10.20.0.0/24", {"cidr": "10.21.0.0/30"}]"#);
    assert_eq!(
        sets,
        [
            "10.20.0.1-10.20.0.254,10.21.0.1-10.21.0.2",
            "fd00:20::1-fd00:20::ffff:ffff:ffff:ffff"
        ]
    );
}

#[test]
fn without_a_gateway_there_is_none_and_the_first_address_is_given() {
    let sets = read(r#"["10.20.0.0/24"]"#).unwrap();
    assert_eq!(sets[0].0[0].gateway, None);
    assert_eq!(first(&sets[0]).to_string(), "10.20.0.1");
    let sets = read(r#"[{"cidr": "10.20.0.0/24", "gateway": "10.20.0.1"}]"#).unwrap();
    assert_eq!(first(&sets[0]).to_string(), "10.20.0.2");
    assert!(sets[0].0[0].gateway.is_some());
}

#[test]
fn a_net_of_two_addresses_gives_both() {
    assert_eq!(shown(r#"["10.20.0.0/31"]"#), ["10.20.0.0-10.20.0.1"]);
}

#[test]
fn ranges_are_what_is_given_but_for_what_is_excluded() {
    let text = r#"[{"cidr": "10.20.0.0/24", "gateway": "10.20.0.105",
        "ranges": [{"from": "10.20.0.100", "to": "10.20.0.109"}, {"cidr": "10.20.0.224/30"}],
        "exclude": [{"cidr": "10.20.0.102/32"}, {"from": "10.20.0.107", "to": "10.20.0.108"}]}]"#;
    assert_eq!(
        shown(text),
        [
            "10.20.0.100-10.20.0.101,10.20.0.103-10.20.0.104,10.20.0.106-10.20.0.106,\
             10.20.0.109-10.20.0.109,10.20.0.224-10.20.0.227"
        ]
    );
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    for (text, says) in [
        (
            r#"["10.20.0.0"]"#,
            "\"ipam.subnets[0].cidr\": invalid CIDR address: 10.20.0.0",
        ),
        (r"[7]", "\"ipam.subnets[0]\""),
        (r"[{}]", "\"ipam.subnets[0].cidr\""),
        (
            r#"["10.20.0.0/24", {"cidr": "10.20.1.7/24"}]"#,
            "subnets[1].cidr\": 10.20.1.7/24 has bits",
        ),
        (r#"["224.0.0.0/24"]"#, "reaches into 224.0.0.0/4"),
        (
            r#"[{"cidr": "10.20.0.0/24", "gateway": "10.9.0.1"}]"#,
            "10.9.0.1 lies outside",
        ),
        (
            r#"[{"cidr": "10.20.0.0/24", "ranges": [{"cidr": "10.9.0.0/30"}]}]"#,
            "ranges[0]\": 10.9.0.0-10.9.0.3 lies outside",
        ),
        (
            r#"[{"cidr": "10.20.0.0/24", "exclude": [{"from": "10.20.0.1"}]}]"#,
            "exclude[0]\": expected from and to, or cidr",
        ),
        (
            r#"[{"cidr": "10.20.0.0/24", "exclude": [{"cidr": "10.20.0.0/24"}]}]"#,
            "nothing of 10.20.0.0/24 is left",
        ),
        (r#"["10.20.0.0/24", "10.20.0.128/25"]"#, "overlap"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
