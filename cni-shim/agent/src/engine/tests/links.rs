//! What the node's links and networks ask for beside attachments: announcements and VLANs.

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

/// The network asks for VLAN 70 on eth1.
fn on_a_vlan() -> serde_json::Value {
    json!({"networks": [{
        "uid": NETWORK, "name": "storage", "kind": "Macvlan", "segment": "default",
        "mode": "bridge", "ipam": "Cluster", "defaultRoute": "Never",
        "parents": [{"interface": "eth1", "vlan": {"id": 70, "protocol": "802.1Q"}}],
    }]})
}

fn the_vlan() -> Arc<HostLink> {
    let mut vlan = HostLink::clone(&parent());
    vlan.index = 8;
    vlan.name = "eth1.70".into();
    vlan.below = Some(7);
    vlan.alias = Some(landfall_link::VLAN_ALIAS.to_owned());
    Arc::new(vlan)
}

#[test]
fn a_missing_vlan_is_made_once() {
    let mut agent = ready();
    agent.see(2, &on_a_vlan(), false);
    let jobs = agent.jobs.vlans();
    let [VlanJob::Make(vlan)] = jobs.as_slice() else {
        panic!("{jobs:?}");
    };
    assert_eq!(
        (vlan.name.as_str(), vlan.parent, vlan.id),
        ("eth1.70", 7, 70)
    );
    agent.see(3, &on_a_vlan(), false);
    assert!(agent.jobs.vlans().is_empty());
    agent.take(Input::Vlan(VlanJob::Make(vlan.clone()), None));
    agent.take(Input::Links(vec![parent(), the_vlan()]));
    let parents = &agent.state().parents;
    assert_eq!(parents[0].interface.as_deref(), Some("eth1.70"));
}

#[test]
fn a_vlan_that_cant_be_made_says_why_and_is_tried_again_after_a_change() {
    let mut agent = ready();
    agent.see(2, &on_a_vlan(), false);
    let job = agent.jobs.vlans().pop().unwrap();
    agent.take(Input::Vlan(job, Some("no module".to_owned())));
    assert!(agent.jobs.vlans().is_empty());
    let message = agent.state().parents[0].message.clone().unwrap();
    assert!(message.contains("no module"), "{message}");
    agent.take(Input::Links(vec![parent()]));
    assert_eq!(agent.jobs.vlans().len(), 1);
}

#[test]
fn a_vlan_of_ours_goes_after_its_last_user_and_a_users_own_stays() {
    let mut agent = ready();
    let mut own = HostLink::clone(&the_vlan());
    own.alias = None;
    own.index = 9;
    own.name = "eth1.71".into();
    agent.see(2, &on_a_vlan(), false);
    let job = agent.jobs.vlans().pop().unwrap();
    agent.take(Input::Vlan(job, None));
    agent.take(Input::Links(vec![parent(), the_vlan(), Arc::new(own)]));
    assert!(agent.jobs.vlans().is_empty());
    agent.see(3, &json!({}), false);
    let jobs = agent.jobs.vlans();
    assert!(
        matches!(jobs.as_slice(), [VlanJob::Remove { index: 8, .. }]),
        "{jobs:?}"
    );
}
