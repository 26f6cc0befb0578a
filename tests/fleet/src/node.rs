//! A played node: the shipped agent's engine and status, with a watch of its own object.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use futures::StreamExt as _;
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watcher},
    },
};
use landfall_agent::{
    engine::{Engine, Input, Outlets, Published, Sandbox},
    identity::Machine,
    install::Installed,
    records::Store,
    status::{self, Shown},
};
use landfall_core::{
    agent::{AddRequest, Asked, Event, Outcome, Token},
    id::{Seq, Uid},
};
use landfall_crds::node::LandfallNode;
use landfall_link::Netns;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    grants::{Grant, Grants},
    kernel,
};

/// As the agent has it.
const WATCH_SECONDS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(250);

/// See the module.
pub(crate) struct Node {
    /// The Node's name.
    pub(crate) name: String,
    engine: Mutex<Engine>,
    state: watch::Receiver<Arc<Published>>,
    /// Every sandbox is said to be this one: nobody goes in.
    netns: Arc<Netns>,
    tokens: AtomicU64,
    /// Grants that were seen.
    seen: Mutex<BTreeSet<(IpAddr, Seq)>>,
    grants: Arc<Grants>,
    start: Instant,
}

/// The pod of a request.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    /// Its name, in the namespace `default`.
    pub(crate) name: String,
    /// Its UID.
    pub(crate) uid: Uid,
    /// The network that it asks for.
    pub(crate) network: &'static str,
}

/// The machine of that place among all.
pub(crate) fn machine(index: usize) -> String {
    format!("{:032x}", index.saturating_add(0xf1ee_7001))
}

// === impl Node ===

impl Node {
    /// Starts it; it runs until the process ends.
    pub(crate) fn start(
        index: usize,
        client: &Client,
        run_dir: &Path,
        grants: &Arc<Grants>,
        start: Instant,
    ) -> Result<Arc<Self>> {
        let name = name(index);
        let machine = Machine {
            id: Uid::of(&machine(index)),
            boot: Uid(1),
        };
        let (published, state) = watch::channel(Arc::new(Published::default()));
        let asked = Arc::new(Notify::new());
        let (announce, mut announced) = mpsc::unbounded_channel();
        let outlets = Outlets {
            published,
            quorum_read: Arc::clone(&asked),
            announce,
        };
        let store = Store::open(&run_dir.join(&name))?;
        let node = Arc::new(Self {
            engine: Mutex::new(Engine::start(store, machine, outlets)?),
            state: state.clone(),
            netns: Arc::new(Netns::open(Path::new("/proc/self/ns/net"))?),
            tokens: AtomicU64::new(1),
            seen: Mutex::default(),
            grants: Arc::clone(grants),
            start,
            name: name.clone(),
        });
        node.tell(Input::Links(kernel::links()))?;
        node.tell(Input::Event(Event::Scanned(BTreeSet::new())))?;
        asked.notify_one();
        let api: Api<LandfallNode> = Api::all(client.clone());
        let (show, shown) = watch::channel(Shown::default());
        tokio::spawn(Arc::clone(&node).watch(api.clone(), Arc::clone(&asked), show));
        tokio::spawn(Arc::clone(&node).read(api, asked));
        let statuses = status::api(client.clone());
        // Nobody in this LAN listens.
        tokio::spawn(async move { while announced.recv().await.is_some() {} });
        tokio::spawn(async move {
            // Its end would be the status's.
            let (_installed, install) = watch::channel(Installed::default());
            let sources = status::Sources {
                engine: state,
                install,
                shown,
            };
            let clock = || Time(Timestamp::now());
            status::publish(statuses, name, sources, machine, clock).await;
        });
        Ok(node)
    }

    /// Whether it serves.
    pub(crate) fn is_ready(&self) -> bool {
        self.state.borrow().ready
    }

    /// The runtime has a sandbox of the pod attached.
    pub(crate) async fn add(&self, pod: &Pod) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let token = self.token();
        let request = AddRequest {
            token,
            container: pod.name.as_str().into(),
            owner: pod.uid,
            asked: vec![Asked {
                network: pod.network.into(),
                interface: "net1".into(),
                addresses: Vec::new(),
            }],
        };
        let sandbox = Sandbox {
            netns: Arc::clone(&self.netns),
            path: self.netns.path().to_owned(),
            cookie: token.0,
            number: None,
            pod: format!("default/{}", pod.name),
        };
        self.tell(Input::Add {
            request,
            sandbox,
            reply,
        })?;
        done("ADD", pod, &answer.await?.outcome)
    }

    /// The runtime has the sandbox detached.
    pub(crate) async fn del(&self, pod: &Pod) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.tell(Input::Del {
            token: self.token(),
            container: pod.name.as_str().into(),
            interface: None,
            netns: Some(Arc::clone(&self.netns)),
            reply,
        })?;
        done("DEL", pod, &answer.await?.outcome)
    }

    /// Tells the engine, and has the kernel do what it asks for.
    fn tell(&self, input: Input) -> Result<()> {
        let mut engine = self.engine();
        let mut jobs = engine.take(input)?;
        while let Some(job) = jobs.pop() {
            if let Some(input) = kernel::does(job) {
                jobs.extend(engine.take(input)?);
            }
        }
        engine.say();
        Ok(())
    }

    /// The watch of the agent (`landfall_agent::config`), whose every version is looked at.
    async fn watch(
        self: Arc<Self>,
        api: Api<LandfallNode>,
        asked: Arc<Notify>,
        shown: watch::Sender<Shown>,
    ) {
        let config = watcher::Config::default()
            .fields(&format!("metadata.name={}", self.name))
            .timeout(WATCH_SECONDS);
        let mut events = watcher(api, config).default_backoff().boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                    shown.send_replace(Shown::of(&object.metadata, object.status.as_ref()));
                    self.see(object, false);
                }
                Ok(watcher::Event::Delete(_) | watcher::Event::Init | watcher::Event::InitDone) => {
                }
                Err(error) => {
                    eprintln!("{}: the watch ended: {error}", self.name);
                    asked.notify_one();
                }
            }
        }
    }

    async fn read(self: Arc<Self>, api: Api<LandfallNode>, asked: Arc<Notify>) {
        loop {
            asked.notified().await;
            self.told(Input::ReadBegins);
            match api.get_opt(&self.name).await {
                Ok(Some(object)) => self.see(object, true),
                // The watch tells when it is made.
                Ok(None) => {}
                Err(error) => {
                    eprintln!("{}: {error}", self.name);
                    tokio::time::sleep(PAUSE).await;
                    asked.notify_one();
                }
            }
        }
    }

    fn see(&self, mut object: LandfallNode, quorum: bool) {
        let at = self.start.elapsed();
        object.metadata.managed_fields = None;
        let grants = object.spec.grants.clone();
        self.told(Input::Object {
            object: Box::new(object),
            quorum,
        });
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for grant in grants {
            if let (Some(address), Some(seq)) = (grant.address, grant.seq)
                && seen.insert((address, seq))
            {
                self.grants.seen(grant.owner, Grant { address, at });
            }
        }
    }

    fn told(&self, input: Input) {
        if let Err(error) = self.tell(input) {
            // Nothing is served from here on, which whoever measures will see.
            eprintln!("{}: the agent ended: {error:#}", self.name);
        }
    }

    fn token(&self) -> Token {
        Token(self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Node's name.
pub(crate) fn name(index: usize) -> String {
    format!("node{}", index.saturating_add(1))
}

fn done(verb: &str, pod: &Pod, outcome: &Outcome) -> Result<()> {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::TryAgain(why) | Outcome::Refused(why) | Outcome::Failed(why) => {
            bail!("{verb} of {}: {why}", pod.name)
        }
    }
}
