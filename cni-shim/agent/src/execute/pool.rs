//! Threads for what no request waits for on its own.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use landfall_link::{Chain, NetlinkError, Node};

use super::{
    AttachJob, Attempt, DetachJob, Job, NodeLinkJob, ProbeJob, again, gate::Gate, make,
    node_link::tend, nodes::Nodes, probe,
};
use crate::{
    detach,
    engine::{Handle, Input},
    scan::Roots,
};

/// So many make links at a time; see [`Nodes`].
const AT_A_TIME: usize = 2;
/// For those whose request waits elsewhere.
const ATTACH_THREADS: usize = 1;
/// So many links are removed at a time; see [`Gate`].
const REMOVALS: usize = 2;
/// More than that: one may search for its namespace, or wait for one to end.
const DETACH_THREADS: usize = 4;

/// Where links are made and removed.
#[derive(Clone, Debug)]
pub struct Pool {
    nodes: Arc<Nodes>,
    gate: Arc<Gate>,
    roots: Roots,
    attach: Sender<AttachJob>,
    again: Sender<AttachJob>,
    detach: Sender<DetachJob>,
    node_link: Sender<NodeLinkJob>,
    mend: Sender<Job>,
    probe: Sender<ProbeJob>,
}

/// The pool's threads, before they start.
#[derive(Debug)]
pub struct Workers {
    pool: Pool,
    attach: Receiver<AttachJob>,
    again: Receiver<AttachJob>,
    detach: Receiver<DetachJob>,
    node_link: Receiver<NodeLinkJob>,
    mend: Receiver<Job>,
    probe: Receiver<ProbeJob>,
    retrying: Node,
    tending: Node,
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
    /// Opens what links are made with, in the network namespace of the calling thread. `proc_sys` is the
    /// writable `/proc/sys`.
    pub fn open(proc_sys: &Path, roots: &Roots) -> Result<(Self, Workers), PoolError> {
        let node = || Node::open(proc_sys);
        let nodes: Vec<Node> = (0..AT_A_TIME).map(|_| node()).collect::<Result<_, _>>()?;
        let (attach, attaches) = mpsc::channel();
        let (again, agains) = mpsc::channel();
        let (detach, detaches) = mpsc::channel();
        let (node_link, node_links) = mpsc::channel();
        let (mend, mends) = mpsc::channel();
        let (probe, probes) = mpsc::channel();
        let pool = Self {
            nodes: Arc::new(Nodes::new(nodes)),
            gate: Arc::new(Gate::new(REMOVALS)),
            roots: roots.clone(),
            attach,
            again,
            detach,
            node_link,
            mend,
            probe,
        };
        let workers = Workers {
            pool: pool.clone(),
            attach: attaches,
            again: agains,
            detach: detaches,
            node_link: node_links,
            mend: mends,
            probe: probes,
            retrying: node()?,
            tending: node()?,
        };
        Ok((pool, workers))
    }

    /// Does a job later, elsewhere.
    pub(crate) fn give(&self, job: Job) {
        // Nobody takes it when the agent is ending.
        match job {
            Job::Attach(job) => drop(self.attach.send(job)),
            Job::Detach(job) => drop(self.detach.send(job)),
            Job::NodeLink(job) => drop(self.node_link.send(job)),
            Job::Probe(job) => drop(self.probe.send(job)),
            job @ (Job::Look(_) | Job::Remake(_)) => drop(self.mend.send(job)),
        }
    }

    /// Does a job now, here; says what to tell the engine. `None`: it will be told later.
    pub(crate) fn run(&self, job: Job) -> Option<Input> {
        match job {
            Job::Attach(job) => match self.attach(|node| make(node, job)) {
                Attempt::Over(input) => Some(input),
                // Not here: who waits holds up everybody behind.
                Attempt::Again(job, _) => {
                    drop(self.again.send(*job));
                    None
                }
            },
            // A request's thread that waits is one that serves nobody.
            Job::Detach(_) if self.gate.is_closed() => {
                self.give(job);
                None
            }
            Job::Detach(job) => Some(self.remove(job)),
            Job::Look(job) => Some(job.run(&self.roots)),
            Job::Remake(job) => Some(job.run(&self.roots, |netns, link| {
                self.attach(|node| node.attach(netns, link))
            })),
            Job::NodeLink(_) | Job::Probe(_) => {
                self.give(job);
                None
            }
        }
    }

    fn attach<T>(&self, work: impl FnOnce(&mut Node) -> T) -> T {
        let _pass = self.gate.attach();
        self.nodes.with(work)
    }

    fn remove(&self, job: DetachJob) -> Input {
        Input::Event(detach::remove(job, &self.roots, &self.gate))
    }
}

// === impl Workers ===

impl Workers {
    /// Starts the threads, in the network namespace of the calling thread.
    pub fn start(self, engine: &Handle) -> Result<(), PoolError> {
        let Self {
            pool,
            attach,
            again,
            detach,
            node_link,
            mend,
            probe,
            retrying,
            mut tending,
        } = self;
        again::start(retrying, engine.clone(), again)?;
        probe::start(engine.clone(), probe)?;
        let run = |job: Job, pool: &Pool, engine: &Handle| {
            if let Some(input) = pool.run(job) {
                engine.tell(input);
            }
        };
        for (pool, engine, jobs) in shared(ATTACH_THREADS, &pool, engine, attach) {
            worker("attach", jobs, move |job| {
                run(Job::Attach(job), &pool, &engine);
            })?;
        }
        for (pool, engine, jobs) in shared(DETACH_THREADS, &pool, engine, detach) {
            worker("detach", jobs, move |job| engine.tell(pool.remove(job)))?;
        }
        let mender = (pool.clone(), engine.clone());
        worker("mend", Arc::new(Mutex::new(mend)), move |job| {
            run(job, &mender.0, &mender.1);
        })?;
        let (engine, roots) = (engine.clone(), pool.roots);
        worker("node-link", Arc::new(Mutex::new(node_link)), move |job| {
            let failure = tend(&mut tending, &job, &roots).err();
            let why = failure.map(|error| Chain(&error).to_string());
            engine.tell(Input::NodeLink(job, why));
        })?;
        Ok(())
    }
}

type Jobs<J> = Arc<Mutex<Receiver<J>>>;

/// What each of so many threads needs.
fn shared<J>(
    threads: usize,
    pool: &Pool,
    engine: &Handle,
    jobs: Receiver<J>,
) -> impl Iterator<Item = (Pool, Handle, Jobs<J>)> {
    let jobs = Arc::new(Mutex::new(jobs));
    (0..threads).map(move |_| (pool.clone(), engine.clone(), Arc::clone(&jobs)))
}

fn worker<J: Send + 'static>(
    name: &str,
    jobs: Jobs<J>,
    mut work: impl FnMut(J) + Send + 'static,
) -> Result<(), std::io::Error> {
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
