use std::{cell::RefCell, path::PathBuf, rc::Rc, sync::Mutex};

use landfall_core::{
    agent::{AddRequest, Asked, Outcome, Phase},
    id::Uid,
    link::ObservedDriver,
};
use serde_json::json;

use super::*;
use crate::{
    execute::{AttachJob, DetachJob, VlanJob},
    records::tests::Folder,
};

const MACHINE: Machine = Machine {
    id: Uid(0x11),
    boot: Uid(0x22),
};
const NETWORK: &str = "00000000-0000-0000-0000-000000000002";
const POD: &str = "00000000-0000-0000-0000-000000000003";

/// Keeps jobs instead of doing them.
#[derive(Clone, Default)]
struct Jobs(
    Arc<Mutex<(Vec<AttachJob>, Vec<DetachJob>)>>,
    Arc<Mutex<Vec<VlanJob>>>,
);

impl Links for Jobs {
    fn attach(&self, job: AttachJob) {
        self.0.lock().unwrap().0.push(job);
    }

    fn detach(&self, job: DetachJob) {
        self.0.lock().unwrap().1.push(job);
    }

    fn vlan(&self, job: VlanJob) {
        self.1.lock().unwrap().push(job);
    }
}

impl Jobs {
    fn attached(&self) -> Vec<AttachJob> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    fn vlans(&self) -> Vec<VlanJob> {
        std::mem::take(&mut self.1.lock().unwrap())
    }

    fn detached(&self) -> Vec<DetachJob> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

struct Agent {
    folder: Rc<RefCell<Folder>>,
    engine: Engine<Jobs>,
    jobs: Jobs,
    published: watch::Receiver<Arc<Published>>,
    asked: Arc<Notify>,
    announced: mpsc::UnboundedReceiver<Announcement>,
}

fn parent() -> Arc<HostLink> {
    Arc::new(HostLink {
        index: 7,
        name: "eth1".into(),
        driver: ObservedDriver::Other("".into()),
        ethernet: true,
        mac: None,
        permanent_mac: None,
        pci: None,
        mtu: 1500,
        up: true,
        carrier: true,
        below: None,
        port_of: None,
        alias: None,
        addresses: Vec::new(),
        default_route: None,
    })
}

fn start(folder: Rc<RefCell<Folder>>) -> Agent {
    let store = Store::open(&folder.borrow().0).unwrap();
    let jobs = Jobs::default();
    let (published, receiver) = watch::channel(Arc::new(Published::default()));
    let asked = Arc::new(Notify::new());
    let (announce, announced) = mpsc::unbounded_channel();
    let outlets = Outlets {
        published,
        quorum_read: Arc::clone(&asked),
        announce,
    };
    let mut engine = Engine::start(store, MACHINE, jobs.clone(), outlets).unwrap();
    engine.take(Input::Links(vec![parent()])).unwrap();
    Agent {
        folder,
        engine,
        jobs,
        published: receiver,
        asked,
        announced,
    }
}

fn cold() -> Agent {
    start(Rc::new(RefCell::new(Folder::new())))
}

/// A cold agent that has read its object and scanned its node.
fn ready() -> Agent {
    let mut agent = cold();
    agent.see(1, &json!({}), true);
    agent.event(Event::Scanned([].into()));
    assert!(agent.state().ready);
    agent
}

fn grants() -> serde_json::Value {
    json!([{
        "address": "10.1.0.5", "prefixLength": 24, "seq": "1.1",
        "network": NETWORK, "networkName": "storage", "owner": POD,
        "pod": {"namespace": "default", "name": "a"}, "interface": "net1",
        "mac": "0a:58:0a:01:00:05",
    }])
}

impl Agent {
    fn take(&mut self, input: Input) {
        self.engine.take(input).unwrap();
    }

    fn event(&mut self, event: Event) {
        self.take(Input::Event(event));
    }

    fn see(&mut self, generation: i64, spec: &serde_json::Value, quorum: bool) {
        let mut value = json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
            "metadata": {"name": "node1", "uid": "u1", "generation": generation},
            "spec": {
                "node": {"uid": "0b", "machineID": format!("{:032x}", 0x11)},
                "networks": [{
                    "uid": NETWORK, "name": "storage", "kind": "Macvlan", "segment": "default",
                    "mode": "bridge", "ipam": "Cluster", "defaultRoute": "Never",
                    "parents": [{"interface": "eth1"}], "subnets": [{"cidr": "10.1.0.0/24"}],
                }],
            },
        });
        for (key, part) in spec.as_object().unwrap() {
            value["spec"][key] = part.clone();
        }
        self.take(Input::Object {
            object: serde_json::from_value(value).unwrap(),
            quorum,
        });
    }

    fn add(&mut self, token: u64, container: &str) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        let path = PathBuf::from("/proc/self/ns/net");
        self.take(Input::Add {
            request: AddRequest {
                token: Token(token),
                container: container.into(),
                owner: Uid::of(POD),
                asked: vec![Asked {
                    network: "storage".into(),
                    interface: "net1".into(),
                    addresses: Vec::new(),
                }],
            },
            sandbox: Sandbox {
                netns: Arc::new(Netns::open(&path).unwrap()),
                path,
                cookie: 42,
                number: None,
                pod: "default/a".to_owned(),
            },
            reply,
        });
        answer
    }

    fn del(&mut self, token: u64, container: &str) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.take(Input::Del {
            token: Token(token),
            container: container.into(),
            interface: None,
            netns: None,
            reply,
        });
        answer
    }

    /// The kernel makes every link that is asked for.
    fn make_all(&mut self) {
        for job in self.jobs.attached() {
            self.event(Event::Made(job.key));
        }
    }

    fn remove_all(&mut self) {
        for job in self.jobs.detached() {
            self.event(Event::Gone(job.key));
        }
    }

    fn stored(&self) -> Loaded {
        Store::open(&self.folder.borrow().0).unwrap().load()
    }

    fn state(&self) -> Arc<Published> {
        Arc::clone(&self.published.borrow())
    }

    fn restarted(self) -> Self {
        start(self.folder)
    }
}

fn outcome(mut answer: oneshot::Receiver<Answer>) -> Option<Outcome> {
    answer.try_recv().ok().map(|answer| answer.outcome)
}

#[test]
fn a_cold_agent_is_ready_after_the_quorum_read_and_the_scan() {
    let mut agent = cold();
    assert!(agent.state().cold);
    agent.see(1, &json!({}), false);
    agent.event(Event::Scanned([].into()));
    assert!(!agent.state().ready);
    agent.see(1, &json!({}), true);
    assert!(agent.state().ready);
    assert_eq!(agent.state().epoch, 1);
    assert_eq!(agent.stored().mark.unwrap().epoch, 1);
}

#[tokio::test]
async fn a_version_from_the_watch_makes_a_cold_agent_ask_for_a_quorum_read() {
    let mut agent = cold();
    agent.see(1, &json!({}), false);
    tokio::time::timeout(std::time::Duration::from_secs(1), agent.asked.notified())
        .await
        .unwrap();
}

#[test]
fn an_add_is_pending_in_run_before_its_link_is_made_and_active_before_the_answer() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Pending);
    let facts = stored[0].facts.as_ref().unwrap();
    assert_eq!((facts.cookie, facts.parent), (42, 7));
    agent.make_all();
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Active);
    assert_eq!(outcome(answer), Some(Outcome::Done));
    assert_eq!(agent.state().attached.len(), 1);
}

#[test]
fn an_add_waits_for_its_grant() {
    let mut agent = ready();
    let answer = agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());
    agent.see(2, &json!({"grants": grants()}), false);
    agent.make_all();
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn without_a_parent_the_answer_is_to_try_again() {
    let mut agent = ready();
    agent.take(Input::Links(Vec::new()));
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    agent.event(Event::Timeout(Token(1)));
    let answer = outcome(answer);
    let Some(Outcome::TryAgain(why)) = answer else {
        panic!("{answer:?}");
    };
    assert!(why.contains("storage") && why.contains("eth1"), "{why}");
    assert!(agent.stored().entries.is_empty());
}

#[test]
fn an_add_waits_for_its_parent() {
    let mut agent = ready();
    agent.take(Input::Links(Vec::new()));
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());
    agent.take(Input::Links(vec![parent()]));
    agent.make_all();
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn an_attach_is_tried_no_longer_than_somebody_wants_it() {
    let enders: [fn(&mut Agent); 4] = [
        |agent| agent.event(Event::Timeout(Token(1))),
        |agent| agent.event(Event::Abort(Token(1))),
        |agent| drop(agent.del(2, "c1")),
        |agent| drop(agent.add(2, "c2")),
    ];
    for end in enders {
        let mut agent = ready();
        agent.see(2, &json!({"grants": grants()}), false);
        let _answer = agent.add(1, "c1");
        let jobs = agent.jobs.attached();
        assert!(jobs[0].wanted.is_wanted());
        end(&mut agent);
        assert!(!jobs[0].wanted.is_wanted());
    }
}

#[test]
fn a_del_removes_the_link_before_the_record() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    let answer = agent.del(2, "c1");
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Detaching);
    agent.remove_all();
    assert!(agent.stored().entries.is_empty());
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn a_recalled_address_is_released_once_its_link_is_gone() {
    let mut agent = ready();
    let recalls = json!([{"address": "10.1.0.5", "seq": "1.1"}]);
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent.see(3, &json!({"grants": grants(), "recalls": recalls}), false);
    assert!(agent.stored().released.is_empty());
    agent.del(2, "c1");
    agent.remove_all();
    assert_eq!(agent.stored().released.len(), 1);
    assert_eq!(agent.state().released.len(), 1);
}

#[test]
fn a_warm_start_serves_at_once_without_the_api_server() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let mut agent = agent.restarted();
    assert!(agent.state().ready && !agent.state().cold);
    let answer = agent.add(1, "c1");
    agent.make_all();
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn a_restart_finds_its_records_and_can_detach_them() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    let mut agent = agent.restarted();
    assert_eq!(agent.state().attached.len(), 1);
    agent.del(1, "c1");
    let jobs = agent.jobs.detached();
    assert_eq!(jobs[0].facts.cookie, 42);
}

#[test]
fn another_boot_is_a_cold_start() {
    let agent = ready();
    let store = Store::open(&agent.folder.borrow().0).unwrap();
    let mut mark = store.load().mark.unwrap();
    mark.boot = Uid(0x33);
    store.save_mark(&mark).unwrap();
    assert!(agent.restarted().state().cold);
}

#[test]
fn a_spec_for_another_machine_is_not_served() {
    let mut agent = ready();
    let node = json!({"uid": "0b", "machineID": format!("{:032x}", 0x99)});
    agent.see(2, &json!({"node": node, "grants": grants()}), true);
    assert!(!agent.state().ready);
    assert_eq!(agent.state().other_machine, Some(Uid(0x99)));
    let answer = agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());
    assert_eq!(outcome(answer), None);
}

#[test]
fn an_older_version_from_a_quorum_read_says_that_the_cluster_was_restored() {
    let mut agent = ready();
    agent.see(5, &json!({"grants": grants()}), false);
    agent.see(4, &json!({}), false);
    assert!(!agent.state().restore_suspected);
    agent.see(4, &json!({}), true);
    assert!(agent.state().restore_suspected);
    assert_eq!(agent.state().generation, Some(5));
}

#[test]
fn an_object_made_again_counts_only_with_quorum() {
    let mut agent = ready();
    agent.see(5, &json!({"grants": grants()}), false);
    let mut again: LandfallNode = serde_json::from_value(json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
        "metadata": {"name": "node1", "uid": "u2", "generation": 1},
        "spec": {"node": {"uid": "0b", "machineID": format!("{:032x}", 0x11)}},
    }))
    .unwrap();
    let seen = |agent: &mut Agent, object: &LandfallNode, quorum| {
        let object = Box::new(object.clone());
        agent.take(Input::Object { object, quorum });
        agent.state().generation
    };
    assert_eq!(seen(&mut agent, &again, false), Some(5));
    again.metadata.generation = Some(2);
    assert_eq!(seen(&mut agent, &again, true), Some(2));
}

#[test]
fn an_aborted_add_is_undone() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.event(Event::Abort(Token(1)));
    agent.make_all();
    agent.remove_all();
    assert!(agent.stored().entries.is_empty());
    assert!(agent.engine.flights.is_empty() && agent.engine.replies.is_empty());
}

#[test]
fn an_aborted_add_that_waits_keeps_nothing() {
    let mut agent = ready();
    agent.add(1, "c1");
    agent.event(Event::Abort(Token(1)));
    assert!(agent.engine.flights.is_empty() && agent.engine.replies.is_empty());
}

#[test]
fn a_link_that_cant_be_made_leaves_no_record() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    for job in agent.jobs.attached() {
        agent.event(Event::NotMade(job.key, "no".to_owned()));
    }
    assert_eq!(outcome(answer), Some(Outcome::Failed("no".to_owned())));
    assert!(agent.stored().entries.is_empty());
}

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
