//! What the node's links ask for: announcements.

use super::*;

#[test]
fn a_new_attachment_is_announced_after_the_kernel_did_it_once() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    assert!(agent.announced.try_recv().is_err());
    agent.make_all();
    let announced = agent.announced.try_recv().unwrap();
    assert_eq!((announced.count, announced.at_once), (2, false));
    assert_eq!(
        announced.addresses,
        ["10.1.0.5".parse::<std::net::IpAddr>().unwrap()]
    );
}

#[test]
fn a_carrier_that_comes_back_is_announced_in_full() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent.announced.try_recv().unwrap();
    let mut down = HostLink::clone(&parent());
    down.carrier = false;
    agent.take(Input::Links(vec![Arc::new(down)]));
    assert!(agent.announced.try_recv().is_err());
    agent.take(Input::Links(vec![parent()]));
    let announced = agent.announced.try_recv().unwrap();
    assert_eq!((announced.count, announced.at_once), (3, true));
}

/// An agent with one attachment, whose first announcement was heard.
pub(super) fn attached() -> Agent {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent.announced.try_recv().unwrap();
    agent
}

fn changed(change: impl FnOnce(&mut HostLink)) -> Arc<HostLink> {
    let mut link = HostLink::clone(&parent());
    change(&mut link);
    Arc::new(link)
}

#[test]
fn a_carrier_that_was_gone_between_two_looks_is_announced() {
    let mut agent = attached();
    agent.take(Input::Links(vec![changed(|link| link.carrier_ups = 2)]));
    assert!(agent.announced.try_recv().unwrap().at_once);
    agent.take(Input::Links(vec![changed(|link| {
        link.carrier_ups = 2;
        link.mtu = 1400;
    })]));
    assert!(agent.announced.try_recv().is_err(), "once is enough");
}

#[test]
fn a_carrier_that_flutters_is_announced_when_it_stays() {
    let mut agent = attached();
    agent.take(Input::Links(vec![changed(|link| {
        (link.carrier, link.carrier_ups) = (false, 2);
    })]));
    assert!(agent.announced.try_recv().is_err());
    agent.take(Input::Links(vec![changed(|link| link.carrier_ups = 3)]));
    assert_eq!(agent.announced.try_recv().unwrap().count, 3);
}

/// A macvlan has an address of its own.
#[test]
fn another_address_of_the_parent_is_no_news_of_a_macvlan() {
    let mut agent = attached();
    let mac = "02:00:00:00:00:42".parse().ok();
    agent.take(Input::Links(vec![changed(|link| link.mac = mac)]));
    assert!(agent.announced.try_recv().is_err());
}

#[test]
fn an_ipvlan_is_announced_with_the_new_address_of_its_parent() {
    let mut agent = ready();
    let mut spec = json!({"networks": [{
        "uid": NETWORK, "name": "storage", "kind": "Ipvlan", "segment": "default",
        "mode": "l2", "ipam": "Cluster", "defaultRoute": "Never",
        "parents": [{"interface": "eth1"}], "subnets": [{"cidr": "10.1.0.0/24"}],
    }]});
    spec["grants"] = grants();
    agent.see(2, &spec, false);
    let with = |mac: &str| {
        let mac = mac.parse().ok();
        Input::Links(vec![changed(|link| link.mac = mac)])
    };
    agent.take(with("02:00:00:00:00:41"));
    agent.add(1, "c1");
    agent.make_all();
    agent.announced.try_recv().unwrap();
    agent.take(with("02:00:00:00:00:42"));
    let announced = agent.announced.try_recv().unwrap();
    assert_eq!(announced.mac.to_string(), "02:00:00:00:00:42");
    assert!(announced.at_once);
}
