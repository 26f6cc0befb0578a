//! Parents that go, come back and change below attachments.

use std::collections::BTreeSet;

use super::{links::attached, *};
use crate::execute::Looked;

/// The parent under another index, as a NIC that was plugged in again.
fn anew() -> Arc<HostLink> {
    let mut link = HostLink::clone(&parent());
    link.index = 9;
    Arc::new(link)
}

fn with_mtu(mtu: u32) -> Arc<HostLink> {
    let mut link = HostLink::clone(&parent());
    link.mtu = mtu;
    Arc::new(link)
}

fn key() -> Key {
    Key {
        container: "c1".into(),
        interface: "net1".into(),
    }
}

fn there(parent: u32, mtu: u32) -> Looked {
    Looked::There {
        parent: Some(parent),
        mtu,
    }
}

/// An agent with one attachment, after the start's look at it.
fn repairing() -> Agent {
    let mut agent = attached();
    agent.take(Input::Compared);
    agent.looked(Some(1500), there(7, 1500));
    assert!(agent.jobs.looks().is_empty());
    agent
}

impl Agent {
    /// There is one look, for that MTU, which finds this.
    fn looked(&mut self, mtu: Option<u32>, looked: Looked) {
        let [job] = <[LookJob; 1]>::try_from(self.jobs.looks()).unwrap();
        assert_eq!((job.key, job.mtu), (key(), mtu));
        self.take(Input::Looked(key(), Ok(looked)));
    }

    /// The parent goes and comes back; the link is being made anew.
    fn remaking(&mut self) -> RemakeJob {
        self.take(Input::Links(Vec::new()));
        assert!(self.jobs.looks().is_empty(), "nothing to hang it from");
        self.take(Input::Links(vec![anew()]));
        self.looked(None, Looked::Gone);
        let [job] = <[RemakeJob; 1]>::try_from(self.jobs.remade()).unwrap();
        job
    }

    fn remade(&mut self, job: RemakeJob) {
        let made = Made {
            link: Observed::sketch(&job.link.device),
            created: true,
        };
        self.take(Input::Remade(job.key, Ok(Box::new(made))));
    }

    fn stored_parent(&self) -> u32 {
        let stored = self.stored().entries.remove(&key()).unwrap();
        stored.facts.unwrap().parent
    }
}

#[test]
fn a_link_that_went_with_its_parent_is_made_anew_and_announced() {
    let mut agent = repairing();
    let job = agent.remaking();
    assert_eq!(job.link.device.parent, 9);
    assert_eq!(job.link.addresses, ["10.1.0.5/24".parse().unwrap()]);
    assert_eq!(agent.stored_parent(), 9, "written before it is made");
    agent.remade(job);
    assert!(agent.announced.try_recv().is_ok());
    assert!(agent.jobs.looks().is_empty());
    agent.del(2, "c1");
    assert_eq!(agent.jobs.detached()[0].facts.parent, 9);
}

#[test]
fn nothing_is_repaired_before_the_records_were_compared_with_the_kernel() {
    let mut agent = attached();
    agent.take(Input::Links(Vec::new()));
    agent.take(Input::Links(vec![anew()]));
    assert!(agent.jobs.looks().is_empty());
    agent.take(Input::Compared);
    agent.looked(None, Looked::Gone);
}

#[test]
fn a_parent_that_is_there_again_under_its_index_is_looked_at() {
    let mut agent = repairing();
    agent.take(Input::Replaced(BTreeSet::from([8])));
    assert!(agent.jobs.looks().is_empty(), "another link");
    agent.take(Input::Replaced(BTreeSet::from([7])));
    agent.looked(Some(1500), Looked::Gone);
    assert_eq!(agent.jobs.remade().len(), 1);
}

/// As ipvlan's is after each change of the parent, and macvlan's after a raise.
#[test]
fn an_mtu_follows_the_parents() {
    let mut agent = repairing();
    for mtu in [9000, 1400] {
        agent.take(Input::Links(vec![with_mtu(mtu)]));
        agent.looked(Some(mtu), there(7, mtu));
        assert!(agent.jobs.looks().is_empty());
    }
}

#[test]
fn an_mtu_of_the_networks_own_is_set_again_as_far_as_the_parent_carries_it() {
    let mut agent = ready();
    let mut spec = json!({"networks": [{
        "uid": NETWORK, "name": "storage", "kind": "Macvlan", "segment": "default",
        "mode": "bridge", "ipam": "Cluster", "defaultRoute": "Never", "mtu": 1450,
        "parents": [{"interface": "eth1"}], "subnets": [{"cidr": "10.1.0.0/24"}],
    }]});
    spec["grants"] = grants();
    agent.see(2, &spec, false);
    agent.add(1, "c1");
    agent.make_all();
    agent.take(Input::Compared);
    agent.looked(Some(1450), there(7, 1450));
    for (parents, own) in [(1400, 1400), (9000, 1450), (2000, 1450)] {
        agent.take(Input::Links(vec![with_mtu(parents)]));
        agent.looked(Some(own), there(7, own));
    }
}

#[test]
fn a_del_waits_for_the_repair_of_its_link() {
    let mut agent = repairing();
    let job = agent.remaking();
    agent.del(2, "c1");
    assert!(agent.jobs.detached().is_empty());
    agent.remade(job);
    assert_eq!(agent.jobs.detached().len(), 1);
    assert!(agent.jobs.remade().is_empty() && agent.jobs.looks().is_empty());
}

#[test]
fn nothing_is_made_for_a_pod_that_is_detached_while_its_link_is_looked_for() {
    let mut agent = repairing();
    agent.take(Input::Links(vec![anew()]));
    agent.del(2, "c1");
    agent.looked(None, Looked::Gone);
    assert!(agent.jobs.remade().is_empty());
    assert_eq!(agent.jobs.detached().len(), 1);
}

#[test]
fn an_add_of_the_same_sandbox_waits_for_the_repair() {
    let mut agent = repairing();
    let job = agent.remaking();
    agent.add(2, "c1");
    assert!(agent.jobs.attached().is_empty());
    agent.remade(job);
    assert_eq!(agent.jobs.attached().len(), 1);
}

#[test]
fn a_grant_under_recall_is_not_attached_again() {
    let mut agent = repairing();
    let recalls = json!([{"address": "10.1.0.5", "seq": "1.1"}]);
    agent.see(3, &json!({"grants": grants(), "recalls": recalls}), false);
    agent.take(Input::Links(vec![anew()]));
    agent.looked(None, Looked::Gone);
    assert!(agent.jobs.remade().is_empty() && agent.jobs.looks().is_empty());
    assert_eq!(agent.stored_parent(), 7);
}

#[test]
fn a_repair_that_failed_is_tried_again_after_a_while_and_after_a_change() {
    let mut agent = repairing();
    let job = agent.remaking();
    agent.take(Input::Remade(job.key, Err("the kernel refused".to_owned())));
    assert!(agent.jobs.looks().is_empty(), "not at once");
    agent.take(Input::Retry);
    agent.looked(Some(1500), Looked::Gone);
    let job = agent.jobs.remade().pop().unwrap();
    agent.take(Input::Remade(job.key, Err("again".to_owned())));
    let mut other = HostLink::clone(&parent());
    (other.index, other.name) = (12, "eth5".into());
    agent.take(Input::Links(vec![anew(), Arc::new(other)]));
    agent.looked(Some(1500), Looked::Gone);
    let job = agent.jobs.remade().pop().unwrap();
    agent.remade(job);
}

/// A NIC that was moved into another namespace took its links along: they are alive.
#[test]
fn a_link_whose_parent_is_away_and_alive_is_left_alone_and_known_again_by_its_new_index() {
    let mut agent = repairing();
    let mut other = HostLink::clone(&parent());
    (other.index, other.name) = (11, "eth1".into());
    agent.take(Input::Links(vec![Arc::new(other)]));
    agent.looked(None, there(42, 1500));
    assert!(agent.jobs.remade().is_empty() && agent.jobs.looks().is_empty());
    assert_eq!(agent.stored_parent(), 7);
    agent.take(Input::Links(vec![anew()]));
    agent.looked(None, there(9, 1500));
    assert_eq!(agent.stored_parent(), 9);
}

#[test]
fn a_parent_that_goes_again_while_the_link_is_made_is_looked_at_again() {
    let mut agent = repairing();
    let job = agent.remaking();
    agent.take(Input::Replaced(BTreeSet::from([9])));
    agent.remade(job);
    agent.looked(Some(1500), Looked::Gone);
    assert_eq!(agent.jobs.remade().len(), 1);
}
