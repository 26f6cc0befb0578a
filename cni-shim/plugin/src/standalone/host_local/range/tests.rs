//! Ranges.

use super::*;

fn range(subnet: &str, start: Option<&str>, end: Option<&str>) -> Result<Range, RangeError> {
    let address = |text: &str| text.parse().unwrap();
    Range::of(
        subnet.parse().ok(),
        start.map(address),
        end.map(address),
        None,
    )
}

fn addresses(set: &RangeSet, last: Option<&str>) -> Vec<String> {
    let last = last.map(|last| last.parse().unwrap());
    let addresses = set.addresses(last);
    addresses.map(|(address, _)| address.to_string()).collect()
}

#[test]
fn what_is_absent_is_the_whole_subnet_and_its_first_address_the_gateway() {
    let v4 = range("10.1.2.0/24", None, None).unwrap();
    assert_eq!(v4.to_string(), "10.1.2.1-10.1.2.254");
    assert_eq!(v4.gateway, Some("10.1.2.1".parse().unwrap()));
    let v6 = range("fd00::/64", None, None).unwrap();
    assert_eq!(v6.to_string(), "fd00::1-fd00::ffff:ffff:ffff:ffff");
}

#[test]
fn the_texts_are_those_of_host_local() {
    for (subnet, start, end, text) in [
        (
            "10.0.0.0/31",
            None,
            None,
            "Network 10.0.0.0/31 too small to allocate from",
        ),
        (
            "fd00::/127",
            None,
            None,
            "Network fd00::/127 too small to allocate from",
        ),
        (
            "10.0.0.5/24",
            None,
            None,
            "Network has host bits set. For a subnet mask of length 24 the network address is 10.0.0.0",
        ),
        (
            "10.0.0.0/24",
            Some("10.0.1.1"),
            None,
            "RangeStart 10.0.1.1 not in network 10.0.0.0/24",
        ),
        (
            "10.0.0.0/24",
            None,
            Some("10.0.1.1"),
            "RangeEnd 10.0.1.1 not in network 10.0.0.0/24",
        ),
        (
            "10.0.0.0/24",
            Some("10.0.0.9"),
            Some("10.0.0.8"),
            "RangeEnd 10.0.0.8 not in network 10.0.0.0/24",
        ),
        ("", None, None, "IP <nil> not v4 nor v6"),
    ] {
        assert_eq!(range(subnet, start, end).unwrap_err().to_string(), text);
    }
}

#[test]
fn the_ranges_of_a_set_are_of_one_family_and_apart() {
    let one = || range("10.0.0.0/30", None, None).unwrap();
    let two = || range("10.0.0.0/24", Some("10.0.0.2"), None).unwrap();
    let v6 = || range("fd00::/64", None, None).unwrap();

    assert_eq!(RangeSet::of(vec![]), Err(RangeError::Empty));
    assert_eq!(RangeSet::of(vec![one(), v6()]), Err(RangeError::Mixed));
    assert_eq!(
        RangeSet::of(vec![one(), two()]).unwrap_err().to_string(),
        "subnets 10.0.0.1-10.0.0.2 and 10.0.0.2-10.0.0.254 overlap"
    );
}

#[test]
fn every_address_is_offered_once_and_the_gateway_never() {
    let set = RangeSet::of(vec![
        range("10.0.0.0/29", None, Some("10.0.0.3")).unwrap(),
        range("10.9.0.0/30", None, None).unwrap(),
    ])
    .unwrap();

    let all = ["10.0.0.2", "10.0.0.3", "10.9.0.2"];
    assert_eq!(addresses(&set, None), all);
    assert_eq!(addresses(&set, Some("192.0.2.1")), all);
    assert_eq!(
        addresses(&set, Some("10.0.0.2")),
        ["10.0.0.3", "10.9.0.2", "10.0.0.2"]
    );
    assert_eq!(addresses(&set, Some("10.9.0.2")), all);
}
