//! VLANs that networks ask for.

use landfall_core::network::VlanProtocol;
use landfall_link::{Tag, VlanLink, vlan_alias};

use super::*;
use crate::parents::NodeLink;

const OTHER: &str = "00000000-0000-0000-0000-000000000009";

/// Networks that ask for VLAN 70 on eth1.
fn vlan_for(networks: &[&str]) -> serde_json::Value {
    let network = |uid: &&str| {
        json!({
            "uid": uid, "name": if *uid == NETWORK { "storage" } else { "backup" },
            "kind": "Macvlan", "segment": "default",
            "mode": "bridge", "ipam": "Cluster", "defaultRoute": "Never",
            "parents": [{"interface": "eth1", "vlan": {"id": 70, "protocol": "802.1Q"}}],
            "subnets": [{"cidr": "10.1.0.0/24"}],
        })
    };
    json!({"networks": networks.iter().map(network).collect::<Vec<_>>()})
}

/// The network asks for VLAN 70 on eth1.
fn on_a_vlan() -> serde_json::Value {
    vlan_for(&[NETWORK])
}

fn the_vlan() -> Arc<HostLink> {
    let mut vlan = HostLink::clone(&parent());
    vlan.index = 8;
    vlan.name = "eth1.70".into();
    vlan.below = Some(7);
    vlan.driver = ObservedDriver::Other("vlan".into());
    vlan.tag = Some(Tag {
        id: 70,
        protocol: VlanProtocol::Customer,
    });
    vlan.alias = Some(vlan_alias(Uid::of(NETWORK)));
    Arc::new(vlan)
}

#[test]
fn a_missing_vlan_is_made_once() {
    let mut agent = ready();
    agent.see(2, &on_a_vlan(), false);
    let jobs = agent.jobs.node_links();
    let [NodeLinkJob::Make(NodeLink::Vlan(vlan))] = jobs.as_slice() else {
        panic!("{jobs:?}");
    };
    assert_eq!(
        (vlan.name.as_str(), vlan.parent, vlan.tag.id),
        ("eth1.70", 7, 70)
    );
    agent.see(3, &on_a_vlan(), false);
    assert!(agent.jobs.node_links().is_empty());
    agent.take(Input::NodeLink(
        NodeLinkJob::Make(NodeLink::Vlan(vlan.clone())),
        None,
    ));
    agent.take(Input::Links(vec![parent(), the_vlan()]));
    let parents = &agent.state().parents;
    assert_eq!(parents[0].interface.as_deref(), Some("eth1.70"));
}

#[test]
fn a_vlan_that_cant_be_made_says_why_and_is_tried_again_after_a_change() {
    let mut agent = ready();
    agent.see(2, &on_a_vlan(), false);
    let job = agent.jobs.node_links().pop().unwrap();
    agent.take(Input::NodeLink(job, Some("no module".to_owned())));
    assert!(agent.jobs.node_links().is_empty());
    let message = agent.state().parents[0].message.clone().unwrap();
    assert!(message.contains("no module"), "{message}");
    agent.take(Input::Links(vec![parent()]));
    assert_eq!(agent.jobs.node_links().len(), 1);
}

#[test]
fn a_vlan_of_ours_goes_after_its_last_user_and_a_users_own_stays() {
    let mut agent = ready();
    let mut own = HostLink::clone(&the_vlan());
    own.alias = None;
    own.index = 9;
    own.name = "eth1.71".into();
    agent.see(2, &on_a_vlan(), false);
    let job = agent.jobs.node_links().pop().unwrap();
    agent.take(Input::NodeLink(job, None));
    agent.take(Input::Links(vec![parent(), the_vlan(), Arc::new(own)]));
    assert!(agent.jobs.node_links().is_empty());
    agent.see(3, &json!({}), false);
    let jobs = agent.jobs.node_links();
    assert!(
        matches!(jobs.as_slice(), [NodeLinkJob::Remove { index: 8, .. }]),
        "{jobs:?}"
    );
}

fn is_removed(agent: &mut Agent) -> bool {
    let jobs = agent.jobs.node_links();
    match jobs.as_slice() {
        [] => false,
        [NodeLinkJob::Remove { index: 8, .. }] => true,
        other => panic!("{other:?}"),
    }
}

/// An agent with the VLAN, whose spec asks for it.
fn with_the_vlan() -> Agent {
    let mut agent = ready();
    agent.see(2, &on_a_vlan(), false);
    let job = agent.jobs.node_links().pop().unwrap();
    agent.take(Input::NodeLink(job, None));
    agent.take(Input::Links(vec![parent(), the_vlan()]));
    agent
}

/// The mark in the kernel names the network that asked first.
#[test]
fn a_vlan_that_two_networks_share_goes_after_the_second_whichever_that_is() {
    for first in [NETWORK, OTHER] {
        let second = if first == NETWORK { OTHER } else { NETWORK };
        let mut agent = with_the_vlan();
        agent.see(3, &vlan_for(&[NETWORK, OTHER]), false);
        let parents = agent.state().parents.clone();
        assert!(parents.iter().all(|parent| parent.ready), "{parents:?}");
        agent.see(4, &vlan_for(&[second]), false);
        assert!(!is_removed(&mut agent));
        agent.see(5, &json!({}), false);
        assert!(is_removed(&mut agent));
    }
}

#[test]
fn a_vlan_stays_below_an_attachment_whose_network_has_gone() {
    let mut agent = with_the_vlan();
    let mut spec = on_a_vlan();
    spec["grants"] = grants();
    agent.see(3, &spec, false);
    agent.add(1, "c1");
    agent.make_all();
    agent.see(4, &json!({"networks": []}), false);
    assert!(!is_removed(&mut agent));
    agent.del(2, "c1");
    assert!(!is_removed(&mut agent), "its link is still there");
    agent.remove_all();
    assert!(is_removed(&mut agent));
}

#[test]
fn a_restarted_agent_knows_its_vlan_by_the_mark_in_the_kernel() {
    let agent = with_the_vlan();
    let mut agent = agent.restarted();
    // Of the links that the rig begins with.
    agent.jobs.node_links();
    agent.take(Input::Links(vec![parent(), the_vlan()]));
    assert!(!is_removed(&mut agent));
    agent.see(3, &json!({}), false);
    assert!(is_removed(&mut agent));

    // With nothing in its folder too; but not before it knows what the cluster wants.
    let mut agent = cold();
    agent.take(Input::Links(vec![parent(), the_vlan()]));
    assert!(!is_removed(&mut agent));
    agent.see(3, &json!({}), true);
    agent.event(Event::Scanned([].into()));
    agent.take(Input::Links(vec![the_vlan(), parent()]));
    assert!(is_removed(&mut agent));
}

#[test]
fn what_the_node_itself_uses_is_not_removed() {
    let (mut port, mut host) = (HostLink::clone(&the_vlan()), HostLink::clone(&the_vlan()));
    port.port_of = Some(9);
    host.addresses = vec!["10.9.9.9/24".parse().unwrap()];
    for used in [port, host] {
        let mut agent = with_the_vlan();
        agent.take(Input::Links(vec![parent(), Arc::new(used)]));
        agent.see(3, &json!({}), false);
        assert!(!is_removed(&mut agent));
    }
    let mut agent = with_the_vlan();
    let mut on_top = HostLink::clone(&parent());
    (on_top.index, on_top.name, on_top.below) = (9, "mv0".into(), Some(8));
    agent.take(Input::Links(vec![parent(), the_vlan(), Arc::new(on_top)]));
    agent.see(3, &json!({}), false);
    assert!(!is_removed(&mut agent));
    agent.take(Input::Links(vec![parent(), the_vlan()]));
    assert!(is_removed(&mut agent));
}

/// The kernel would take the new attachment away with the VLAN.
#[test]
fn nothing_is_hung_from_a_vlan_that_is_being_removed() {
    let mut agent = with_the_vlan();
    agent.see(3, &json!({}), false);
    let [job] = <[NodeLinkJob; 1]>::try_from(agent.jobs.node_links()).unwrap();
    let mut spec = on_a_vlan();
    spec["grants"] = grants();
    agent.see(4, &spec, false);
    assert!(!agent.state().parents[0].ready);
    assert!(
        agent.jobs.node_links().is_empty(),
        "not made before it is gone"
    );
    agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());

    agent.take(Input::NodeLink(job, None));
    agent.take(Input::Links(vec![parent()]));
    let jobs = agent.jobs.node_links();
    assert!(
        matches!(jobs.as_slice(), [NodeLinkJob::Make(NodeLink::Vlan(_))]),
        "{jobs:?}"
    );
    agent.take(Input::NodeLink(jobs[0].clone(), None));
    let mut anew = HostLink::clone(&the_vlan());
    anew.index = 12;
    agent.take(Input::Links(vec![parent(), Arc::new(anew)]));
    assert_eq!(agent.jobs.attached()[0].link.device.parent, 12);
}

#[test]
fn a_vlan_that_cant_be_removed_serves_on_and_is_tried_again_after_a_change() {
    let mut agent = with_the_vlan();
    agent.see(3, &json!({}), false);
    let job = agent.jobs.node_links().pop().unwrap();
    agent.take(Input::NodeLink(job, Some("net1 hangs from it".to_owned())));
    assert!(!is_removed(&mut agent), "not at once");
    agent.see(4, &on_a_vlan(), false);
    assert!(agent.state().parents[0].ready && !is_removed(&mut agent));
    agent.see(5, &json!({}), false);
    assert!(is_removed(&mut agent));
}

/// The second of two networks must not ask again and again for what the first was refused.
#[test]
fn a_failure_is_told_to_every_network_that_asks_for_the_same() {
    let mut agent = ready();
    agent.see(2, &vlan_for(&[NETWORK, OTHER]), false);
    let [job] = <[NodeLinkJob; 1]>::try_from(agent.jobs.node_links()).unwrap();
    let NodeLinkJob::Make(NodeLink::Vlan(VlanLink { name, .. })) = &job else {
        panic!("{job:?}");
    };
    assert_eq!(name.as_str(), "eth1.70");
    agent.take(Input::NodeLink(job, Some("no module".to_owned())));
    assert!(agent.jobs.node_links().is_empty());
    let parents = agent.state().parents.clone();
    assert_eq!(parents.len(), 2);
    for parent in parents {
        assert!(parent.message.unwrap().contains("no module"));
    }
}
