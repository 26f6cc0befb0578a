use std::{cell::RefCell, path::PathBuf, rc::Rc};

use landfall_core::{
    agent::{AddRequest, Asked, Outcome, Phase},
    id::Uid,
    link::{Observed, ObservedDriver},
};
use serde_json::json;

use super::*;
use crate::{
    execute::{AttachJob, DetachJob, Job, LookJob, NodeLinkJob, RemakeJob},
    records::{Loaded, tests::Folder},
};

mod links;
mod repairs;
mod requests;
mod restore;
mod starts;
mod vlans;

const MACHINE: Machine = Machine {
    id: Uid(0x11),
    boot: Uid(0x22),
};
const NETWORK: &str = "00000000-0000-0000-0000-000000000002";
const POD: &str = "00000000-0000-0000-0000-000000000003";

/// Jobs that nobody has done.
#[derive(Default)]
struct Jobs {
    attach: Vec<AttachJob>,
    detach: Vec<DetachJob>,
    node_link: Vec<NodeLinkJob>,
    look: Vec<LookJob>,
    remake: Vec<RemakeJob>,
}

impl Jobs {
    fn add(&mut self, job: Job) {
        match job {
            Job::Attach(job) => self.attach.push(job),
            Job::Detach(job) => self.detach.push(job),
            Job::NodeLink(job) => self.node_link.push(job),
            Job::Look(job) => self.look.push(job),
            Job::Remake(job) => self.remake.push(*job),
            // No network of these tests is probed; see tests/node/probe.rs.
            Job::Probe(job) => panic!("{job:?}"),
        }
    }

    fn attached(&mut self) -> Vec<AttachJob> {
        std::mem::take(&mut self.attach)
    }

    fn detached(&mut self) -> Vec<DetachJob> {
        std::mem::take(&mut self.detach)
    }

    fn looks(&mut self) -> Vec<LookJob> {
        std::mem::take(&mut self.look)
    }

    fn remade(&mut self) -> Vec<RemakeJob> {
        std::mem::take(&mut self.remake)
    }

    fn node_links(&mut self) -> Vec<NodeLinkJob> {
        std::mem::take(&mut self.node_link)
    }
}

struct Agent {
    folder: Rc<RefCell<Folder>>,
    engine: Engine,
    jobs: Jobs,
    published: watch::Receiver<Arc<Published>>,
    asked: Arc<Notify>,
    announced: mpsc::UnboundedReceiver<Announcement>,
}

fn parent() -> Arc<HostLink> {
    Arc::new(HostLink::sketch(7, "eth1"))
}

fn start(folder: Rc<RefCell<Folder>>) -> Agent {
    let store = Store::open(&folder.borrow().0).unwrap();
    let (published, receiver) = watch::channel(Arc::new(Published::default()));
    let asked = Arc::new(Notify::new());
    let (announce, announced) = mpsc::unbounded_channel();
    let outlets = Outlets {
        published,
        quorum_read: Arc::clone(&asked),
        announce,
    };
    let mut agent = Agent {
        folder,
        engine: Engine::start(store, MACHINE, outlets).unwrap(),
        jobs: Jobs::default(),
        published: receiver,
        asked,
        announced,
    };
    agent.take(Input::Links(vec![parent()]));
    agent
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
        for job in self.engine.take(input).unwrap() {
            self.jobs.add(job);
        }
        self.engine.say();
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
            match key.as_str() {
                "status" => value["status"] = part.clone(),
                _ => value["spec"][key] = part.clone(),
            }
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
