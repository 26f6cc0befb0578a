//! Links are made and removed here, on threads of our own: a netlink request holds its caller in the
//! kernel (RTM_DELLINK for 20 ms), and a tokio worker that is held serves nobody.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use landfall_core::{
    agent::{Event, Key},
    id::Name,
    link::Link,
};
use landfall_link::{Chain, Hint, NetlinkError, Netns, Node, VlanError, VlanLink};

use crate::{
    detach,
    engine::{Handle, Input},
    records::Facts,
    scan::Roots,
};

mod again;

pub use again::Wanted;

/// The kernel makes links under one lock: two threads make 1.3 times as many a second as one, eight
/// no more than two, and each single one slower.
const ATTACH_THREADS: usize = 2;
/// A removal waits most of its time without that lock.
const DETACH_THREADS: usize = 4;

/// A link to make.
#[derive(Debug)]
pub struct AttachJob {
    /// The attachment.
    pub key: Key,
    /// The pod's network namespace.
    pub netns: Arc<Netns>,
    /// The link.
    pub link: Link,
    /// The network's name, for messages.
    pub network: String,
    /// What may pass is tried again until this says no.
    pub wanted: Wanted,
}

/// A link to remove.
#[derive(Debug)]
pub struct DetachJob {
    /// The attachment.
    pub key: Key,
    /// Which link.
    pub facts: Facts,
    /// A namespace that may be the one, if somebody has it open.
    pub netns: Option<Arc<Netns>>,
}

/// A VLAN to make or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VlanJob {
    /// Make it.
    Make(VlanLink),
    /// Remove it.
    Remove {
        /// Its name.
        name: Name,
        /// Its index.
        index: u32,
    },
}

/// Who makes and removes links, and tells the engine.
pub trait Links: Send {
    /// Makes one, and reports `Made` or `NotMade`.
    fn attach(&self, job: AttachJob);
    /// Removes one, and reports `Gone` or `NotGone`.
    fn detach(&self, job: DetachJob);
    /// Makes or removes a VLAN, and reports how that went.
    fn vlan(&self, job: VlanJob);
}

/// The kernel's.
#[derive(Clone, Debug)]
pub struct Pool {
    attach: Sender<AttachJob>,
    detach: Sender<DetachJob>,
    vlan: Sender<VlanJob>,
}

/// The pool can't start.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No netlink.
    #[error("cannot open netlink in the node's network namespace")]
    Netlink(#[from] NetlinkError),
    /// No threads.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

// === impl Pool ===

impl Pool {
    /// Starts the threads, in the network namespace of the calling thread. `proc_sys` is the writable
    /// `/proc/sys`.
    pub fn start(proc_sys: &Path, roots: &Roots, engine: &Handle) -> Result<Self, PoolError> {
        let again = again::start(Node::open(proc_sys)?, engine.clone())?;
        let (attach, jobs) = mpsc::channel::<AttachJob>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..ATTACH_THREADS {
            let mut node = Node::open(proc_sys)?;
            let (engine, again) = (engine.clone(), again.clone());
            worker("attach", &jobs, move |job| {
                match make(&mut node, job) {
                    Attempt::Over(input) => engine.tell(input),
                    // Not here: who waits holds up everybody behind.
                    Attempt::Again(job, _) => drop(again.send(*job)),
                }
            })?;
        }
        let (detach, jobs) = mpsc::channel::<DetachJob>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..DETACH_THREADS {
            let engine = engine.clone();
            let roots = roots.clone();
            worker("detach", &jobs, move |job| {
                engine.tell(Input::Event(detach::remove(job, &roots)));
            })?;
        }
        let (vlan, jobs) = mpsc::channel::<VlanJob>();
        let mut node = Node::open(proc_sys)?;
        let engine = engine.clone();
        worker("vlan", &Arc::new(Mutex::new(jobs)), move |job| {
            let failure = tend(&mut node, &job).err();
            let why = failure.map(|error| Chain(&error).to_string());
            engine.tell(Input::Vlan(job, why));
        })?;
        Ok(Self {
            attach,
            detach,
            vlan,
        })
    }
}

impl Links for Pool {
    fn attach(&self, job: AttachJob) {
        self.attach.send(job).ok();
    }

    fn detach(&self, job: DetachJob) {
        self.detach.send(job).ok();
    }

    fn vlan(&self, job: VlanJob) {
        self.vlan.send(job).ok();
    }
}

fn worker<J: Send + 'static>(
    name: &str,
    jobs: &Arc<Mutex<Receiver<J>>>,
    mut work: impl FnMut(J) + Send + 'static,
) -> Result<(), std::io::Error> {
    let jobs = Arc::clone(jobs);
    let next = move || {
        // Held while waiting for a job, never while working on one.
        let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.recv()
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            while let Ok(job) = next() {
                work(job);
            }
        })
        .map(drop)
}

fn tend(node: &mut Node, job: &VlanJob) -> Result<(), VlanError> {
    match job {
        VlanJob::Make(vlan) => node.make_vlan(vlan).map(drop),
        VlanJob::Remove { index, .. } => node.remove_vlan(*index),
    }
}

/// How an attempt to make a link ended.
enum Attempt {
    Over(Input),
    /// What failed may pass in a moment: why it did.
    Again(Box<AttachJob>, String),
}

fn make(node: &mut Node, job: AttachJob) -> Attempt {
    match node.attach(&job.netns, &job.link) {
        Ok(made) => Attempt::Over(Input::Made(job.key, Box::new(made))),
        Err(error) => {
            let why = format!("network {}: {}", job.network, Chain(&error));
            if error.hint().is_some_and(Hint::may_pass) {
                return Attempt::Again(Box::new(job), why);
            }
            Attempt::Over(not_made(job, why))
        }
    }
}

fn not_made(job: AttachJob, why: String) -> Input {
    tracing::warn!(container = %job.key.container, "{why}");
    Input::Event(Event::NotMade(job.key, why))
}
