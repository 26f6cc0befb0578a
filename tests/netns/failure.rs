//! What is left after an attach that failed, and what its error says.

use landfall_core::{
    id::Uid,
    link::Setting,
    mac::Mac,
    network::{Driver, IpvlanFlag, IpvlanMode, MacvlanMode, VlanProtocol},
};
use landfall_link::{Cause, Hint, Tag, VlanLink, vlan_alias};

use crate::rig::{Namespace, Rig, macvlan, rename, route, sentence};

fn is_empty(pod: &Namespace) -> bool {
    pod.json(&["link"]).as_array().unwrap().len() == 1
}

#[test]
fn a_refused_route_leaves_nothing_behind() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.routes = vec![route("10.30.0.0/16", Some("10.9.0.255"), None)];

    let error = rig.attach(&pod, &link).unwrap_err();

    assert!(error.undo_failures.is_empty());
    assert!(is_empty(&pod), "{}", pod.ip(&["link"]));
    let text = sentence(&error);
    let start = "cannot attach net1: cannot add the route to 10.30.0.0/16 through 10.9.0.255";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains("Nexthop has invalid gateway"),
        "the kernel's own words: {text}"
    );
}

#[test]
fn a_refused_sysctl_leaves_nothing_behind() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    let unknown = Setting::of("ipv4.conf.IFNAME.no_such", "net1", "1");
    link.settings.push(unknown);

    let error = rig.attach(&pod, &link).unwrap_err();

    assert!(is_empty(&pod));
    let text = sentence(&error);
    assert!(
        text.contains("net/ipv4/conf/net1/no_such to 1 (this kernel has no such"),
        "{text}"
    );
}

#[test]
fn a_sysctl_outside_net_is_refused() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.settings.push(Setting {
        path: "../kernel/hostname".to_owned(),
        value: "x".to_owned(),
    });

    let error = rig.attach(&pod, &link).unwrap_err();

    assert!(
        matches!(error.cause, Cause::Sysctl(_)),
        "{}",
        sentence(&error)
    );
    assert!(is_empty(&pod));
}

#[test]
fn an_interface_of_that_name_is_left_alone() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    pod.ip(&["link", "add", "net1", "type", "bridge"]);
    let before = pod.link("net1");

    let error = rig.attach(&pod, &rig.link("c1", 5)).unwrap_err();

    assert_eq!(pod.link("net1"), before);
    assert_eq!(
        sentence(&error),
        "cannot attach net1: the sandbox already has an interface net1, but it is a bridge link, not \
         a macvlan link in mode bridge; it hangs from no link; its hardware address is ".to_owned()
            + before["address"].as_str().unwrap()
            + ", not 0a:58:0a:09:00:05"
    );
}

#[test]
fn a_mac_that_another_pod_has_is_named() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));
    rig.attach(&one, &rig.link("c1", 5)).unwrap();

    let error = rig.attach(&two, &rig.link("c2", 5)).unwrap_err();

    assert_eq!(error.hint(), Some(&Hint::MacTaken), "{}", sentence(&error));
    assert!(is_empty(&two));
    assert!(one.pings("10.9.0.1"));
}

#[test]
fn a_multicast_mac_is_named() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.mac = Some(Mac([1, 0, 0, 0, 0, 1]));

    let error = rig.attach(&pod, &link).unwrap_err();

    let hint = Hint::MacInvalid(Mac([1, 0, 0, 0, 0, 1]));
    assert_eq!(error.hint(), Some(&hint), "{}", sentence(&error));
}

#[test]
fn a_parent_that_is_gone_is_named() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.node.ip(&["link", "del", "eth1"]);

    let error = rig.attach(&pod, &link).unwrap_err();

    let index = link.device.parent;
    assert_eq!(
        error.hint(),
        Some(&Hint::ParentGone { index }),
        "{}",
        sentence(&error)
    );
}

#[test]
fn a_parent_that_is_a_bridge_port_names_the_bridge() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    rig.node.ip(&["link", "add", "br7", "type", "bridge"]);
    rig.node.ip(&["link", "set", "eth1", "master", "br7"]);

    let error = rig.attach(&pod, &rig.link("c1", 5)).unwrap_err();

    let text = sentence(&error);
    assert!(text.contains("eth1 is a port of br7"), "{text}");
    assert!(text.ends_with("Device or resource busy"), "{text}");
}

#[test]
fn a_bridge_can_be_a_parent() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    rig.node.ip(&["link", "add", "br7", "type", "bridge"]);
    rig.node.ip(&["link", "set", "eth1", "master", "br7"]);
    rig.node.ip(&["link", "set", "br7", "up"]);
    let mut link = rig.link("c1", 5);
    link.device.parent = crate::rig::index_of(&rig.node.link("br7"));

    rig.attach(&pod, &link).unwrap();

    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn the_loopback_is_no_parent() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.parent = 1;

    let error = rig.attach(&pod, &link).unwrap_err();

    assert!(
        sentence(&error).contains("lo can't carry this macvlan link"),
        "{}",
        sentence(&error)
    );
}

#[test]
fn a_passthru_link_is_alone_on_its_parent() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));
    rig.attach(&one, &rig.link("c1", 5)).unwrap();
    let mut link = rig.link("c2", 6);
    link.device.driver = macvlan(MacvlanMode::Passthru);
    link.device.mac = None;

    let error = rig.attach(&two, &link).unwrap_err();

    assert!(
        sentence(&error).contains("must be alone on it"),
        "{}",
        sentence(&error)
    );
}

#[test]
fn an_mtu_over_the_parents_says_how_much_there_is() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.mtu = Some(9000);

    let error = rig.attach(&pod, &link).unwrap_err();

    assert!(sentence(&error).contains("eth1 has an MTU of 1500; ask for no more"));
}

#[test]
fn a_second_default_route_of_one_metric_is_refused() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let (one, two) = (rig.link("c1", 5), rig.link("c2", 6));
    let mut one = one;
    one.routes = vec![route("0.0.0.0/0", Some("10.9.0.1"), None)];
    rig.attach(&pod, &one).unwrap();
    let mut two = two;
    rename(&mut two, "net2");
    two.routes = vec![route("0.0.0.0/0", Some("10.9.0.1"), None)];

    let error = rig.attach(&pod, &two).unwrap_err();

    assert_eq!(
        error.hint(),
        Some(&Hint::RouteExists),
        "{}",
        sentence(&error)
    );
    assert!(pod.link("net2").is_null());
    assert!(pod.ip(&["route"]).contains("default via 10.9.0.1 dev net1"));
}

#[test]
fn a_kernel_without_the_driver_is_named() {
    let has_driver = std::path::Path::new("/sys/module/ipvlan").exists();
    assert!(
        !has_driver,
        "this kernel has ipvlan: the uml tier's tests can run here"
    );
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.mac = None;
    link.device.driver = Driver::Ipvlan {
        mode: IpvlanMode::L2,
        flag: IpvlanFlag::Bridge,
    };

    let error = rig.attach(&pod, &link).unwrap_err();

    let text = sentence(&error);
    assert!(text.contains("this kernel has no ipvlan driver"), "{text}");
    assert!(text.ends_with("Unknown device type"), "{text}");
}

#[test]
fn a_kernel_without_vlans_is_named() {
    assert!(
        !std::path::Path::new("/proc/net/vlan").exists(),
        "the uml tier's tests can run here"
    );
    let rig = Rig::new();
    let vlan = VlanLink {
        name: "eth1.70".into(),
        parent: rig.parent(),
        tag: Tag {
            id: 70,
            protocol: VlanProtocol::Customer,
        },
        alias: vlan_alias(Uid(1)),
    };

    let error = rig.agent().make_vlan(&vlan).unwrap_err();

    let text = sentence(&error);
    assert!(
        text.contains("with id 70 (this kernel has no VLANs; load the module 8021q)"),
        "{text}"
    );
    assert!(rig.node.link("eth1.70").is_null());
}

#[test]
fn what_is_no_network_namespace_is_refused() {
    let rig = Rig::new();
    let file = std::env::temp_dir().join(format!("lfn-{}-file", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let netns = landfall_link::Netns::open(&file).unwrap();
    std::fs::remove_file(&file).unwrap();

    let error = rig.agent().attach(&netns, &rig.link("c1", 5)).unwrap_err();

    assert!(
        sentence(&error).contains("(it is no network namespace)"),
        "{}",
        sentence(&error)
    );
}

#[test]
fn a_taken_index_is_no_error() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    let index = link.device.index.to_string();
    pod.ip(&["link", "add", "other", "index", &index, "type", "bridge"]);

    let made = rig.attach(&pod, &link).unwrap();

    assert_eq!(made.link.index, link.device.index + 1);
}
