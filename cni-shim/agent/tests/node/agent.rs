//! An agent on the node, with a hand that plays the operator.

use std::{
    collections::BTreeSet,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    thread,
    time::{Duration, Instant},
};

use landfall_agent::{
    announce,
    engine::{Engine, Handle, Input, Outlets, Published},
    execute::Pool,
    gc::{self, Sweep},
    identity::Machine,
    metrics::Metrics,
    parents,
    records::{Entry, Store},
    server::{self, Server},
};
use landfall_core::{id::Uid, network::Labels};
use landfall_crds::{
    convert::NetworkObject as _,
    macvlan::MacvlanNetwork,
    node::{LandfallNode, ServedNetwork},
};
use landfall_plugin::{
    spec::{CniError, Verb},
    spool,
    wire::{self, Annotations, Attached, Door, Pod, Request, Response},
};
use serde_json::{Value, json};
use tokio::{
    runtime::Runtime,
    sync::{Notify, mpsc, watch},
};

use crate::rig::{Namespace, Node};

pub(crate) const MACHINE: Machine = Machine {
    id: Uid(1),
    boot: Uid(2),
};
const NETWORK: &str = "00000000-0000-0000-0000-0000000000aa";
const PATIENCE: Duration = Duration::from_secs(5);

/// A running agent. It ends with this, as after a kill: nothing is tidied up.
pub(crate) struct Agent<'a> {
    node: &'a Node,
    pub(crate) runtime: Runtime,
    pub(crate) server: Arc<Server>,
    published: watch::Receiver<Arc<Published>>,
}

impl<'a> Agent<'a> {
    /// Starts, in the node's namespace.
    pub(crate) fn start(node: &'a Node) -> Self {
        // What the agent says is shown with a failure.
        tracing_subscriber::fmt().with_test_writer().try_init().ok();
        let started = node.host.open().enter(|_| Self::start_here(node));
        started.unwrap()
    }

    fn start_here(node: &'a Node) -> Self {
        // As the agent's own has it.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(16)
            .enable_all()
            .build()
            .unwrap();
        let inside = runtime.enter();
        let store = Store::open(&node.folder).unwrap();
        let (published, state) = watch::channel(Arc::new(Published::default()));
        let (announce, told) = mpsc::unbounded_channel();
        let outlets = Outlets {
            published,
            quorum_read: Arc::new(Notify::new()),
            announce,
        };
        let roots = node.roots();
        runtime.spawn(announce::run(told, roots.clone()));
        let (pool, workers) = Pool::open(Path::new("/proc/sys"), &roots).unwrap();
        let engine = Engine::start(store, MACHINE, outlets).unwrap();
        let (handle, _ended) = Handle::new(engine, pool);
        workers.start(&handle).unwrap();
        runtime.spawn(handle.clone().publish());
        parents::watch(handle.clone()).unwrap();
        let server = Arc::new(Server {
            engine: handle,
            published: state.clone(),
            metrics: Arc::new(Metrics::default()),
            roots,
            node: "node1".to_owned(),
            now: Instant::now,
            tokens: AtomicU64::new(1),
        });
        runtime.spawn(gc::first_scan(Arc::clone(&server)));
        let listener = server::bind(&node.folder.join(wire::SOCKET)).unwrap();
        runtime.block_on(server.empty_spool(&node.folder.join(spool::SPOOL)));
        runtime.block_on(gc::compare(&server));
        runtime.spawn(Arc::clone(&server).serve(listener));
        drop(inside);
        Self {
            node,
            runtime,
            server,
            published: state,
        }
    }

    /// The operator writes the node's object.
    pub(crate) fn see(&self, generation: u64, grants: &[Value], recalls: &[Value]) {
        self.see_refusals(generation, grants, recalls, &[]);
    }

    /// As [`Self::see`], with pods that get no grant.
    pub(crate) fn see_refusals(
        &self,
        generation: u64,
        grants: &[Value],
        recalls: &[Value],
        refusals: &[Value],
    ) {
        let network = served();
        self.see_object(
            generation,
            &json!({
                "networks": [network],
                "grants": grants, "recalls": recalls, "refusals": refusals,
            }),
        );
    }

    /// The operator serves a network as its user wrote it: fields of a MacvlanNetwork's spec, beside those
    /// that it needs.
    pub(crate) fn see_network(&self, generation: u64, spec: &Value, grants: &[Value]) {
        self.see_object(
            generation,
            &json!({"networks": [network(spec)], "grants": grants}),
        );
    }

    /// As [`Self::see`], with changes of the network as the operator writes it.
    pub(crate) fn see_served(&self, generation: u64, changes: &Value, grants: &[Value]) {
        let mut network = served();
        for (field, value) in changes.as_object().into_iter().flatten() {
            network[field] = value.clone();
        }
        self.see_object(
            generation,
            &json!({"networks": [network], "grants": grants}),
        );
    }

    fn see_object(&self, generation: u64, spec: &Value) {
        let mut spec = spec.clone();
        spec["node"] = json!({"uid": "0b", "machineID": MACHINE.id.to_string()});
        let object: LandfallNode = serde_json::from_value(json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
            "metadata": {"name": "node1", "uid": "u1", "generation": generation},
            "spec": spec,
        }))
        .unwrap();
        self.server.engine.tell(Input::Object {
            object: Box::new(object),
            quorum: true,
        });
        self.until("the object is seen", |state| {
            state.generation.and_then(|seen| u64::try_from(seen).ok()) == Some(generation)
        });
    }

    pub(crate) fn state(&self) -> Arc<Published> {
        Arc::clone(&self.published.borrow())
    }

    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Published) -> bool) {
        let start = Instant::now();
        while !holds(&self.state()) {
            assert!(start.elapsed() < PATIENCE, "{what}: {:?}", self.state());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The agent ends, and nobody listens at its socket any more.
    pub(crate) fn go_away(self) {
        let socket = self.node.folder.join(wire::SOCKET);
        drop(self);
        std::fs::remove_file(socket).unwrap();
    }

    pub(crate) fn ready(node: &'a Node, grants: &[Value]) -> Self {
        let agent = Self::start(node);
        agent.see(1, grants, &[]);
        agent.until("the agent is ready", |state| state.ready);
        agent
    }

    pub(crate) fn add(
        &self,
        container: &str,
        owner: &str,
        pod: &Namespace,
    ) -> Result<Vec<Attached>, CniError> {
        self.call(Verb::Add, container, owner, Some(pod))
    }

    pub(crate) fn del(
        &self,
        container: &str,
        pod: Option<&Namespace>,
    ) -> Result<Vec<Attached>, CniError> {
        self.call(Verb::Del, container, "", pod)
    }

    pub(crate) fn check(
        &self,
        container: &str,
        pod: &Namespace,
    ) -> Result<Vec<Attached>, CniError> {
        self.call(Verb::Check, container, "", Some(pod))
    }

    pub(crate) fn send(
        &self,
        request: &Request,
        pod: Option<&Namespace>,
    ) -> Result<Vec<Attached>, CniError> {
        let stream = UnixStream::connect(self.node.folder.join(wire::SOCKET)).unwrap();
        let netns = pod.map(Namespace::open);
        wire::send_request(&stream, request, netns.as_ref().map(|netns| netns.as_fd())).unwrap();
        wire::receive_response(&stream).unwrap().into_result()
    }

    fn call(
        &self,
        verb: Verb,
        container: &str,
        owner: &str,
        pod: Option<&Namespace>,
    ) -> Result<Vec<Attached>, CniError> {
        let stream = self.ask(verb, container, owner, pod);
        let response: Response = wire::receive_response(&stream).unwrap();
        response.into_result()
    }

    /// Sends a request, and leaves the answer to be read.
    pub(crate) fn ask(
        &self,
        verb: Verb,
        container: &str,
        owner: &str,
        pod: Option<&Namespace>,
    ) -> UnixStream {
        let stream = UnixStream::connect(self.node.folder.join(wire::SOCKET)).unwrap();
        let netns = pod.map(Namespace::open);
        let fd = netns.as_ref().map(|netns| netns.as_fd());
        wire::send_request(&stream, &request(verb, container, owner, pod), fd).unwrap();
        stream
    }

    /// One look of the sweep, and what follows; returns how many sandboxes it gave up.
    pub(crate) fn sweep(&self, sweep: &mut Sweep) -> usize {
        let records = self.server.records();
        let gone = sweep.observe(&records, &self.node.roots()).unwrap();
        let count = gone.len();
        for container in gone {
            let detached = self.server.del(container, None, None);
            self.runtime.block_on(detached).unwrap();
        }
        count
    }

    /// How many acknowledgements lie in the folder. What is published lags behind a little.
    pub(crate) fn released(&self) -> usize {
        let loaded = Store::open(&self.node.folder).unwrap().load();
        loaded.released.len()
    }

    /// The records that lie in the folder.
    pub(crate) fn stored(&self) -> BTreeSet<String> {
        let loaded = Store::open(&self.node.folder).unwrap().load();
        let names = loaded.entries.into_values();
        names
            .map(|entry| format!("{} {:?}", entry.key.container, entry.record.phase))
            .collect()
    }
}

pub(crate) fn request(
    verb: Verb,
    container: &str,
    owner: &str,
    pod: Option<&Namespace>,
) -> Request {
    Request {
        version: wire::VERSION,
        verb,
        door: Door::Chained,
        config_name: "cluster".to_owned(),
        network: None,
        container_id: container.to_owned(),
        // As runtimes say it; our folder has the same name.
        netns: pod.map(|pod| format!("/var/run/netns/{}", pod.name)),
        interface: "eth0".to_owned(),
        pod: Pod {
            namespace: "default".to_owned(),
            name: "a".to_owned(),
            uid: owner.to_owned(),
        },
        annotations: Annotations {
            npwg: None,
            landfall: Some("storage".to_owned()),
        },
        ips: Vec::new(),
        mac: None,
        valid: Vec::new(),
    }
}

/// A network as the agent gets it: through the user's door and the operator's words.
fn network(fields: &Value) -> ServedNetwork {
    let mut spec = json!({
        "namespaces": {},
        "parents": [{"interface": "eth1"}],
        "ipam": {"subnets": [{"cidr": "10.9.0.0/24"}, {"cidr": "fd00:9::/64"}]},
    });
    for (name, value) in fields.as_object().unwrap() {
        spec[name] = value.clone();
    }
    let object: MacvlanNetwork = serde_json::from_value(json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "MacvlanNetwork",
        "metadata": {"name": "storage", "uid": NETWORK}, "spec": spec,
    }))
    .unwrap();
    assert_eq!(object.not_implemented(), None);
    ServedNetwork::new(&object.validate().unwrap(), &Labels::new())
}

/// A network as the operator writes it.
fn served() -> Value {
    json!({
        "uid": NETWORK, "name": "storage", "kind": "Macvlan", "segment": "default",
        "mode": "bridge", "ipam": "Cluster", "defaultRoute": "Never",
        "parents": [{"interface": "eth1"}],
        "subnets": [{"cidr": "10.9.0.0/24"}, {"cidr": "fd00:9::/64"}],
    })
}

/// Both grants of a pod.
pub(crate) fn grants(owner: &str, host: u8) -> Vec<Value> {
    let addresses = [
        (format!("10.9.0.{host}"), 24),
        (format!("fd00:9::{host:x}"), 64),
    ];
    addresses
        .iter()
        .map(|(address, length)| {
            json!({
                "address": address, "prefixLength": length, "seq": format!("1.{host}"),
                "network": NETWORK, "networkName": "storage", "owner": owner,
                "pod": {"namespace": "default", "name": "a"}, "interface": "net1",
                "mac": format!("0a:58:0a:09:00:{host:02x}"),
            })
        })
        .collect()
}

/// The recall of what was granted.
pub(crate) fn recalls(grants: &[Value]) -> Vec<Value> {
    grants
        .iter()
        .map(|grant| json!({"address": grant["address"], "seq": grant["seq"]}))
        .collect()
}

/// Changes all records of a folder, behind the back of an agent that has ended.
pub(crate) fn edit(folder: &Path, change: impl Fn(&mut Entry)) {
    let store = Store::open(folder).unwrap();
    for mut entry in store.load().entries.into_values() {
        change(&mut entry);
        store.save_entry(&entry).unwrap();
    }
}

/// Puts a folder's records out of the way, as a lost /run does.
pub(crate) fn lose(folder: &Path) {
    std::fs::remove_dir_all(folder).unwrap();
}
