//! Plans, undo and check.

use alloc::{borrow::ToOwned, string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::network::{IpvlanFlag, IpvlanMode, Macvlan};

const ON: Ipv6 = Ipv6::On {
    router_advertisements: false,
    dad: false,
};

fn wanted() -> Link {
    Link {
        device: Device {
            name: Name::from("net1"),
            index: 70_000,
            parent: 3,
            driver: Driver::Macvlan(Macvlan::default()),
            mac: Some(Mac([0x0a, 0x58, 10, 20, 0, 5])),
            mtu: Some(1400),
            tx_queue_length: Some(500),
            all_multicast: true,
            alias: Some("landfall:x".to_owned()),
        },
        settings: settings("net1", ON, Vec::new()),
        dad: false,
        addresses: vec![net("10.20.0.5/24"), net("fd00:20::5/64")],
        routes: vec![route("0.0.0.0/0", "10.20.0.1"), route("::/0", "fe80::1")],
        neighbors: vec![Neighbor {
            address: "10.20.0.9".parse().unwrap(),
            mac: Mac([2, 0, 0, 0, 0, 9]),
        }],
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn route(destination: &str, gateway: &str) -> Route {
    Route {
        destination: net(destination),
        gateway: Some(gateway.parse().unwrap()),
        metric: None,
    }
}

/// What the kernel shows once all steps are done.
fn finished(link: &Link) -> Observed {
    Observed {
        name: link.device.name.clone(),
        index: link.device.index,
        parent: Some(link.device.parent),
        driver: ObservedDriver::Ours(link.device.driver.clone()),
        mac: link.device.mac,
        mtu: link.device.mtu.unwrap_or(1500),
        tx_queue_length: link.device.tx_queue_length.unwrap_or(1000),
        up: true,
        all_multicast: link.device.all_multicast,
        carrier: true,
        alias: link.device.alias.clone(),
        addresses: link
            .addresses
            .iter()
            .map(|address| ObservedAddress {
                address: *address,
                tentative: false,
                duplicate: false,
            })
            .collect(),
        routes: link.routes.clone(),
        neighbors: link.neighbors.clone(),
        settings: link.settings.clone(),
    }
}

fn position(steps: &[Step], which: impl Fn(&Step) -> bool) -> usize {
    steps.iter().position(which).unwrap()
}

#[test]
fn a_new_link_is_made_in_the_kernels_order() {
    let steps = plan_attach(&wanted(), None).unwrap();

    let create = position(&steps, |s| matches!(s, Step::Create(_)));
    let last_setting = steps
        .iter()
        .rposition(|s| matches!(s, Step::Set(_)))
        .unwrap();
    let first_address = position(&steps, |s| matches!(s, Step::AddAddress { .. }));
    let last_address = steps
        .iter()
        .rposition(|s| matches!(s, Step::AddAddress { .. }));
    let up = position(&steps, |s| matches!(s, Step::Up { .. }));
    let first_route = position(&steps, |s| matches!(s, Step::AddRoute { .. }));
    assert_eq!(create, 0);
    assert!(
        last_setting < first_address,
        "accept_ra before the first address"
    );
    assert!(
        last_address.unwrap() < up,
        "the kernel announces what is there when it goes up"
    );
    assert!(
        up < first_route,
        "a route through a link that is down is refused"
    );
}

#[test]
fn a_finished_link_needs_no_step() {
    let link = wanted();

    assert_eq!(plan_attach(&link, Some(&finished(&link))), Ok(Vec::new()));
    assert_eq!(check(&link, Some(&finished(&link))), Vec::new());
}

#[test]
fn more_than_wanted_is_no_difference() {
    let link = wanted();
    let mut observed = finished(&link);
    observed.routes.push(route("192.0.2.0/24", "10.20.0.1"));
    observed.addresses.push(ObservedAddress {
        address: net("fe80::1/64"),
        tentative: true,
        duplicate: false,
    });

    assert_eq!(check(&link, Some(&observed)), Vec::new());
}

#[test]
fn each_missing_thing_is_one_step() {
    let link = wanted();
    let mut observed = finished(&link);
    observed.up = false;
    observed.mtu = 1500;
    observed.tx_queue_length = 1000;
    observed.addresses.remove(0);
    observed.routes.remove(1);
    observed.neighbors.clear();
    observed.alias = None;
    observed.settings.remove(0);

    let steps = plan_attach(&link, Some(&observed)).unwrap();

    let index = link.device.index;
    assert_eq!(
        steps,
        [
            Step::SetMtu {
                index,
                from: 1500,
                to: 1400
            },
            Step::SetTxQueueLength {
                index,
                from: 1000,
                to: 500
            },
            Step::Label {
                index,
                alias: "landfall:x".to_owned()
            },
            Step::Set(link.settings[0].clone()),
            Step::AddAddress {
                index,
                address: link.addresses[0],
                dad: false
            },
            Step::Up { index },
            Step::AddRoute {
                index,
                route: link.routes[1].clone(),
                on_link: false
            },
            Step::AddNeighbor {
                index,
                neighbor: link.neighbors[0].clone()
            },
        ]
    );
}

#[test]
fn steps_go_to_the_index_that_is_there() {
    let link = wanted();
    let mut observed = finished(&link);
    observed.index = 9;
    observed.up = false;

    let steps = plan_attach(&link, Some(&observed));

    assert_eq!(steps, Ok(vec![Step::Up { index: 9 }]));
}

#[test]
fn what_no_step_mends_is_a_conflict() {
    let changes: [fn(&mut Observed); 5] = [
        |o| o.driver = ObservedDriver::Other(Name::from("veth")),
        |o| o.parent = Some(4),
        |o| o.mac = None,
        |o| o.name = Name::from("mine"),
        |o| o.addresses[0].duplicate = true,
    ];
    for change in changes {
        let mut observed = finished(&wanted());
        change(&mut observed);

        let conflict = plan_attach(&wanted(), Some(&observed)).unwrap_err();

        assert_eq!(conflict.differences.len(), 1, "{conflict}");
    }
}

#[test]
fn a_conflict_is_a_sentence() {
    let mut observed = finished(&wanted());
    observed.driver = ObservedDriver::Other(Name::from("veth"));
    observed.parent = None;

    let conflict = plan_attach(&wanted(), Some(&observed)).unwrap_err();

    assert_eq!(
        conflict.to_string(),
        "the sandbox already has an interface net1, but it is a veth link, not a macvlan link in \
         mode bridge; it hangs from no link"
    );
}

#[test]
fn a_mode_that_was_changed_is_seen() {
    let mut link = wanted();
    link.device.driver = Driver::Ipvlan {
        mode: IpvlanMode::L2,
        flag: IpvlanFlag::Bridge,
    };
    let mut observed = finished(&link);
    observed.driver = ObservedDriver::Ours(Driver::Ipvlan {
        mode: IpvlanMode::L3,
        flag: IpvlanFlag::Bridge,
    });

    assert!(plan_attach(&link, Some(&observed)).is_err());
}

#[test]
fn an_option_that_the_kernel_does_not_show_is_not_compared() {
    let mut link = wanted();
    link.device.driver = Driver::Macvlan(Macvlan {
        broadcast_queue_length: Some(5000),
        prefix: [2, 2],
        ..Macvlan::default()
    });
    let mut observed = finished(&link);
    observed.driver = ObservedDriver::Ours(Driver::Macvlan(Macvlan::default()));

    assert_eq!(check(&link, Some(&observed)), Vec::new());
}

#[test]
fn of_two_values_for_a_sysctl_the_users_counts() {
    let mut link = wanted();
    let off = Setting::of("ipv4.conf.IFNAME.arp_notify", "net1", "0");
    link.settings = settings("net1", ON, vec![off.clone()]);
    let named = link.settings.iter().filter(|s| s.path == off.path);

    assert_eq!(named.collect::<Vec<_>>(), [&off]);
}

#[test]
fn a_value_is_compared_as_the_kernel_prints_it() {
    for (name, written, read, is) in [
        ("ipv4.conf.IFNAME.rp_filter", "007", "7", true),
        ("ipv4.conf.IFNAME.rp_filter", "010", "8", true),
        ("ipv4.conf.IFNAME.rp_filter", "0", "0", true),
        ("ipv4.conf.IFNAME.rp_filter", "1", "2", false),
        ("ipv4.conf.IFNAME.rp_filter", "2", "1", false),
        ("ipv4.neigh.IFNAME.retrans_time_ms", "1001", "1004", true),
        ("ipv4.neigh.IFNAME.retrans_time_ms", "1001", "1000", false),
        ("ipv4.neigh.IFNAME.retrans_time_ms", "1001", "1011", false),
    ] {
        let setting = Setting::of(name, "net1", written);
        assert_eq!(setting.is(read), is, "{name}: {written}, {read}");
    }
}

#[test]
fn what_a_router_may_say_is_compared_where_none_is_heard() {
    let users = vec![Setting::of("ipv6.conf.IFNAME.hop_limit", "net1", "5")];
    for (router_advertisements, differences) in [(false, 1), (true, 0)] {
        let ipv6 = Ipv6::On {
            router_advertisements,
            dad: false,
        };
        let mut link = wanted();
        link.settings = settings("net1", ipv6, users.clone());
        let mut observed = finished(&link);
        observed.settings.last_mut().unwrap().value = "64".to_owned();
        assert_eq!(check(&link, Some(&observed)).len(), differences);
    }
}

#[test]
fn of_a_stranger_nothing_else_is_compared() {
    let link = wanted();
    let mut observed = finished(&link);
    observed.name = Name::from("mine");
    observed.settings.clear();
    observed.addresses.clear();
    let renamed = Difference::Name {
        found: Name::from("mine"),
    };
    assert_eq!(check(&link, Some(&observed)), [renamed]);
}

#[test]
fn an_interface_with_a_dot_keeps_it() {
    let setting = Setting::of("ipv4.conf.IFNAME.rp_filter", "eth0.70", "2");

    assert_eq!(setting.path, "ipv4/conf/eth0.70/rp_filter");
}

#[test]
fn only_a_gateway_out_of_reach_is_on_link() {
    for (gateway, on_link) in [
        ("10.20.0.1", false),
        ("192.0.2.1", true),
        ("fd00:20::1", false),
        ("fe80::1", false),
        ("fd00:21::1", true),
    ] {
        let mut link = wanted();
        link.routes = vec![route("198.51.100.0/24", gateway)];
        let steps = plan_attach(&link, None).unwrap();

        let asked = |s: &Step| matches!(s, Step::AddRoute { on_link: true, .. });
        assert_eq!(steps.iter().any(asked), on_link, "{gateway}");
    }
}

#[test]
fn a_link_without_ipv6_gets_one_setting_for_it() {
    let settings = settings("net1", Ipv6::Off, Vec::new());
    let paths: Vec<_> = settings.into_iter().map(|s| s.path).collect();

    assert_eq!(
        paths,
        [
            "ipv4/conf/net1/arp_notify",
            "ipv4/conf/net1/arp_ignore",
            "ipv6/conf/net1/disable_ipv6"
        ]
    );
}

#[test]
fn an_address_is_waited_for_while_the_kernel_asks_the_lan_for_it() {
    let mut link = wanted();
    let mut observed = finished(&link);
    observed.addresses[1].tentative = true;
    assert!(!link.is_probed(&observed), "without dad it is not asked");
    link.dad = true;
    assert!(link.is_probed(&observed));
    observed.carrier = false;
    assert!(!link.is_probed(&observed));
    observed.carrier = true;
    observed.addresses[1].duplicate = true;
    assert!(!link.is_probed(&observed), "the answer is there");
}

#[test]
fn a_device_is_known_by_its_index_or_by_name_and_mac() {
    let link = wanted();
    let is = |change: fn(&mut Observed)| {
        let mut observed = finished(&link);
        change(&mut observed);
        link.device.is(&observed)
    };

    assert!(is(|_| {}));
    assert!(is(|o| o.name = Name::from("mine")));
    assert!(is(|o| o.index = 9));
    assert!(!is(|o| {
        o.index = 9;
        o.name = Name::from("mine");
    }));
    assert!(!is(|o| {
        o.index = 9;
        o.mac = None;
    }));
    assert!(!is(|o| o.parent = Some(4)));
    assert!(!is(|o| o.driver = ObservedDriver::Other(Name::from("veth"))));
}

#[test]
fn detach_removes_ours_and_nothing_else() {
    let link = wanted();
    let mut other = finished(&link);
    other.driver = ObservedDriver::Other(Name::from("veth"));
    let remove = Step::Remove {
        index: link.device.index,
    };

    assert_eq!(plan_detach(&link.device, None), []);
    assert_eq!(plan_detach(&link.device, Some(&other)), []);
    assert_eq!(plan_detach(&link.device, Some(&finished(&link))), [remove]);
}

#[test]
fn a_device_that_was_made_takes_everything_with_it() {
    let steps = plan_attach(&wanted(), None).unwrap();

    let index = wanted().device.index;
    assert_eq!(undo(&steps), [Step::Remove { index }]);
}

#[test]
fn the_default_routes_of_others_make_room_and_come_back() {
    let link = wanted();
    let others = [
        (2, route("0.0.0.0/0", "10.244.0.1")),
        (2, route("::/0", "fe80::9")),
        (2, route("10.0.0.0/8", "10.244.0.1")),
    ];
    let steps = take_over_default(plan_attach(&link, None).unwrap(), &link, &others);
    let removed: Vec<_> = steps
        .iter()
        .filter(|s| matches!(s, Step::RemoveRoute { .. }))
        .collect();
    assert_eq!(removed.len(), 2);
    let last = position(&steps, |s| s == removed[1]);
    assert!(last < position(&steps, |s| matches!(s, Step::AddRoute { .. })));
    let back = |index, route: &Route, on_link| Step::AddRoute {
        index,
        route: route.clone(),
        on_link,
    };
    let first = Step::Remove {
        index: link.device.index,
    };
    assert_eq!(
        undo(&steps),
        [
            first,
            back(2, &others[1].1, false),
            back(2, &others[0].1, true)
        ]
    );
}

#[test]
fn a_family_without_a_default_route_of_ours_keeps_its_own() {
    let mut link = wanted();
    link.routes = vec![route("0.0.0.0/0", "10.20.0.1")];
    let others = [(2, route("::/0", "fe80::9"))];
    let steps = plan_attach(&link, None).unwrap();
    assert_eq!(take_over_default(steps.clone(), &link, &others), steps);
}

#[test]
fn without_it_the_last_step_is_taken_back_first() {
    let index = 7;
    let address = net("10.20.0.5/24");
    let done = [
        Step::SetMtu {
            index,
            from: 1500,
            to: 1400,
        },
        Step::AddAddress {
            index,
            address,
            dad: false,
        },
        Step::Up { index },
    ];

    assert_eq!(
        undo(&done),
        [
            Step::Down { index },
            Step::RemoveAddress { index, address },
            Step::SetMtu {
                index,
                from: 1400,
                to: 1500
            },
        ]
    );
}

#[test]
fn indexes_of_interfaces_of_one_sandbox_differ() {
    assert_ne!(index("c1", "net1"), index("c1", "net2"));
    assert_ne!(index("c1", "net1"), index("c2", "net1"));
    assert_eq!(index("c1", "net1"), index("c1", "net1"));
    assert_eq!(next_index(0x7fff_ffff), 0x1_0000);
}

proptest! {
    #[test]
    fn an_index_is_positive_and_none_of_the_kernels_own(id in ".*", name in ".*") {
        let first = index(&id, &name);
        for index in [first, next_index(first)] {
            prop_assert!((0x1_0000..=0x7fff_ffff).contains(&index));
        }
    }

    /// Whatever is missing: the steps bring it, and then none is needed.
    #[test]
    fn a_plan_mends_what_it_says(missing in proptest::collection::vec(any::<bool>(), 9)) {
        let link = wanted();
        let mut observed = finished(&link);
        if missing[0] { observed.up = false; }
        if missing[1] { observed.mtu = 1300; }
        if missing[2] { observed.alias = None; }
        if missing[3] { observed.addresses.pop(); }
        if missing[4] { observed.routes.pop(); }
        if missing[5] { observed.neighbors.clear(); }
        if missing[6] { observed.settings.pop(); }
        if missing[7] { observed.all_multicast = false; }
        if missing[8] { observed.tx_queue_length = 7; }
        let steps = plan_attach(&link, Some(&observed)).unwrap();
        prop_assert_eq!(steps.len(), missing.iter().filter(|m| **m).count());
        for step in &steps {
            apply(&mut observed, step);
        }
        prop_assert_eq!(plan_attach(&link, Some(&observed)), Ok(Vec::new()));
    }
}

/// A kernel that always says yes.
fn apply(observed: &mut Observed, step: &Step) {
    match step.clone() {
        Step::Up { .. } => observed.up = true,
        Step::SetMtu { to, .. } => observed.mtu = to,
        Step::SetTxQueueLength { to, .. } => observed.tx_queue_length = to,
        Step::Label { alias, .. } => observed.alias = Some(alias),
        Step::Set(setting) => observed.settings.push(setting),
        Step::SetAllMulticast { on, .. } => observed.all_multicast = on,
        Step::AddAddress { address, .. } => observed.addresses.push(ObservedAddress {
            address,
            tentative: false,
            duplicate: false,
        }),
        Step::AddRoute { route, .. } => observed.routes.push(route),
        Step::AddNeighbor { neighbor, .. } => observed.neighbors.push(neighbor),
        Step::Create(_)
        | Step::Remove { .. }
        | Step::RemoveAddress { .. }
        | Step::Down { .. }
        | Step::RemoveRoute { .. }
        | Step::RemoveNeighbor { .. }
        | Step::SetIpv4 { .. } => panic!("{step:?} mends nothing"),
    }
}
