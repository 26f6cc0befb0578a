extern crate std;
use alloc::{borrow::ToOwned, string::ToString, vec::Vec};

use super::{
    IpamType, IpvlanMode, Labels, LinkMatch, MacvlanMode, Operator, Requirement, Selector, Vlan,
    usable,
};
use crate::{
    address::{Range, RangeSet},
    id::Name,
};

fn ranges(texts: &[&str]) -> Vec<Range> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// cidr, gateway, ranges, exclude, what is usable.
type Row<'a> = (
    &'a str,
    Option<&'a str>,
    &'a [&'a str],
    &'a [&'a str],
    &'a [&'a str],
);

#[test]
fn what_a_subnet_may_hand_out() {
    let rows: [Row<'_>; 14] = [
        ("10.0.0.0/29", None, &[], &[], &["10.0.0.1-10.0.0.6"]),
        (
            "10.0.0.0/29",
            Some("10.0.0.1"),
            &[],
            &[],
            &["10.0.0.2-10.0.0.6"],
        ),
        ("10.0.0.0/30", None, &[], &[], &["10.0.0.1-10.0.0.2"]),
        ("10.0.0.0/31", None, &[], &[], &["10.0.0.0-10.0.0.1"]),
        ("10.0.0.0/31", Some("10.0.0.0"), &[], &[], &["10.0.0.1"]),
        ("10.0.0.7/32", None, &[], &[], &["10.0.0.7"]),
        ("fd00::/126", None, &[], &[], &["fd00::1-fd00::3"]),
        ("fd00::/127", None, &[], &[], &["fd00::/127"]),
        ("fd00::5/128", None, &[], &[], &["fd00::5"]),
        (
            "fd00::/64",
            Some("fe80::1"),
            &["fd00::-fd00::2"],
            &[],
            &["fd00::1-fd00::2"],
        ),
        (
            "10.0.0.0/24",
            None,
            &["10.0.0.0/30", "10.0.0.252/30"],
            &[],
            &["10.0.0.1-10.0.0.3", "10.0.0.252-10.0.0.254"],
        ),
        (
            "10.0.0.0/24",
            None,
            &["10.0.0.8/29"],
            &["10.0.0.10-10.0.0.11"],
            &["10.0.0.8-10.0.0.9", "10.0.0.12-10.0.0.15"],
        ),
        ("10.0.0.0/24", None, &[], &["10.0.0.0/24"], &[]),
        (
            "10.0.0.9/24",
            None,
            &["10.0.0.1", "10.0.0.1-10.0.0.2"],
            &[],
            &["10.0.0.1-10.0.0.2"],
        ),
    ];
    for (cidr, gateway, from, exclude, expected) in rows {
        let gateway = gateway.map(|g| g.parse().unwrap());
        let set = usable(
            cidr.parse().unwrap(),
            gateway,
            &ranges(from),
            &ranges(exclude),
        );
        let expected: RangeSet = ranges(expected).into_iter().collect();
        assert_eq!(set, expected, "{cidr} {gateway:?} {from:?} {exclude:?}");
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn selectors_select_as_the_api_server_does() {
    let object = labels(&[("rack", "a"), ("empty", "")]);
    let values = || Vec::from(["a".to_owned(), "b".to_owned()]);
    let rows = [
        ("rack", Operator::In(values()), true),
        ("empty", Operator::In(values()), false),
        ("absent", Operator::In(values()), false),
        ("rack", Operator::NotIn(values()), false),
        ("empty", Operator::NotIn(values()), true),
        ("absent", Operator::NotIn(values()), true),
        ("empty", Operator::Exists, true),
        ("absent", Operator::Exists, false),
        ("empty", Operator::DoesNotExist, false),
        ("absent", Operator::DoesNotExist, true),
    ];
    for (key, operator, expected) in rows {
        let requirement = Requirement {
            key: key.to_owned(),
            operator,
        };
        let selector = Selector {
            requirements: Vec::from([requirement]),
            ..Selector::default()
        };
        assert_eq!(selector.matches(&object), expected, "{selector:?}");
    }
    assert!(Selector::default().matches(&Labels::new()));
    let selector = |pairs| Selector {
        labels: labels(pairs),
        ..Selector::default()
    };
    assert!(selector(&[("rack", "a")]).matches(&object));
    assert!(!selector(&[("rack", "a"), ("zone", "1")]).matches(&object));
}

#[test]
fn globs_match_whole_names() {
    let rows = [
        ("eth1", "eth1", true),
        ("eth1", "eth10", false),
        ("eth*", "eth", true),
        ("ens*f0", "ens1f0f0", true),
        ("ens*f0", "ens1f0np1", false),
        ("*", "anything", true),
        ("eth?", "eth", false),
        ("eth?", "eth7", true),
        ("*a*b", "xaxxab", true),
        ("", "eth0", false),
    ];
    for (pattern, name, expected) in rows {
        let parent = LinkMatch::Interface(Name::from(pattern));
        assert_eq!(parent.matches_name(name), expected, "{pattern} {name}");
    }
    assert!(!LinkMatch::DefaultRoute.matches_name("eth0"));
}

#[test]
fn the_name_of_a_vlan_spells_its_parent_and_its_id() {
    assert_eq!(Vlan::standard_name("eth1", 70), "eth1.70");
    for (name, spells) in [
        ("eth1.70", Some(("eth1", 70))),
        ("eth1.4094", Some(("eth1", 4094))),
        ("br.lan.7", Some(("br.lan", 7))),
        ("eth1", None),
        ("eth1.", None),
        (".70", None),
        ("eth1.0", None),
        ("eth1.4095", None),
        ("eth1.070", None),
        ("eth1.+7", None),
        ("eth1.abc", None),
        ("eth1:10", None),
    ] {
        assert_eq!(Vlan::spelled(name), spells, "{name}");
    }
}

#[test]
fn words_read_as_they_print_and_errors_list_them() {
    assert_eq!("l3s".parse(), Ok(IpvlanMode::L3s));
    assert_eq!(MacvlanMode::default().to_string(), MacvlanMode::WORDS[0]);
    let error = "cluster".parse::<IpamType>().unwrap_err();
    assert_eq!(error.to_string(), "expected one of Cluster, DHCP, None");
    for word in MacvlanMode::WORDS {
        assert_eq!(word.parse::<MacvlanMode>().unwrap().as_str(), *word);
    }
}
