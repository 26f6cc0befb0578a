//! Everything that runs, and what all threads share.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    daemon::Daemon,
    history::{History, Id},
    networks,
    node::Node,
    operators::Operators,
    plugin::{self, Outcome, Pod},
    sandbox::Sandbox,
};
use crate::stage::kube::Kube;

/// What is shared.
pub(super) struct World {
    pub(super) kube: Kube,
    pub(super) etcd: Daemon,
    pub(super) server: Daemon,
    pub(super) operators: Operators,
    pub(super) nodes: Vec<Node>,
    goal: Goal,
    pub(super) sandboxes: Mutex<BTreeMap<Id, Arc<Sandbox>>>,
    history: Mutex<History>,
    counts: Mutex<BTreeMap<String, u64>>,
    times: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
    operations: AtomicU64,
    next: AtomicU64,
    has_failed: AtomicBool,
    start: Instant,
    /// The last sandbox that nobody detached.
    last_leak: Mutex<Instant>,
}

/// When enough was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// Executions of the plugin.
    pub(super) operations: u64,
    /// Or this time is over.
    pub(super) time: Duration,
}

/// Sandboxes that nobody detaches block their addresses for a minute: not more often than this.
const LEAKS: Duration = Duration::from_secs(3);

// === impl World ===

impl World {
    pub(super) fn new(
        kube: Kube,
        [etcd, server]: [Daemon; 2],
        operators: Operators,
        nodes: Vec<Node>,
        goal: Goal,
    ) -> Self {
        let start = Instant::now();
        Self {
            kube,
            etcd,
            server,
            operators,
            nodes,
            goal,
            sandboxes: Mutex::default(),
            history: Mutex::default(),
            counts: Mutex::default(),
            times: Mutex::default(),
            operations: AtomicU64::new(0),
            next: AtomicU64::new(1),
            has_failed: AtomicBool::new(false),
            start,
            last_leak: Mutex::new(start),
        }
    }

    /// Time of the run.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// What happened.
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Something that happens: for the report, and for who reads a failure's history.
    pub(super) fn note(&self, what: String) {
        let now = self.now();
        self.history().note(now, what);
    }

    /// Counts.
    pub(super) fn count(&self, what: &str) {
        let mut counts = lock(&self.counts);
        let count = counts.entry(what.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// Does something and notes how long that took.
    pub(super) fn timed<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        let took = start.elapsed();
        lock(&self.times).entry(what).or_default().push(took);
        done
    }

    /// Median and worst, in milliseconds, by what was done.
    pub(super) fn times(&self) -> Vec<(&'static str, [u128; 2])> {
        let mut times = lock(&self.times);
        let figures = times.iter_mut().map(|(what, all)| {
            all.sort();
            let at = |place: usize| all.get(place).copied().unwrap_or_default().as_millis();
            let (middle, last) = (all.len().div_euclid(2), all.len().saturating_sub(1));
            (*what, [at(middle), at(last)])
        });
        figures.collect()
    }

    /// All counts.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).clone()
    }

    /// Executions of the plugin so far.
    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// A number that nobody else has.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether it is time to end: enough was done, or something is wrong.
    pub(super) fn is_over(&self) -> bool {
        let Goal { operations, time } = self.goal;
        self.has_failed() || self.operations() >= operations || self.now() >= time
    }

    /// Something is wrong.
    pub(super) fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Whether something is.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Whether a sandbox may be forgotten now.
    pub(super) fn may_leak(&self) -> bool {
        let mut last = lock(&self.last_leak);
        let may = last.elapsed() > LEAKS;
        if may {
            *last = Instant::now();
        }
        may
    }

    /// The node of that place.
    pub(super) fn node(&self, index: usize) -> Result<&Node> {
        self.nodes.get(index).context("no such node")
    }

    /// A new sandbox of a pod.
    pub(super) fn make_sandbox(&self, pod: &Pod) -> Result<Arc<Sandbox>> {
        let node = self.node(pod.node)?;
        let _on = node.power.read().unwrap_or_else(PoisonError::into_inner);
        let sandbox = Arc::new(Sandbox::make(self.number(), &node.netns_dir(), node.index)?);
        let what = format!("{} on {}", pod.name, node.name);
        self.history().made(sandbox.id, what);
        self.count("sandboxes");
        lock(&self.sandboxes).insert(sandbox.id, Arc::clone(&sandbox));
        Ok(sandbox)
    }

    /// Removes a sandbox, whatever is in it.
    pub(super) fn remove_sandbox(&self, sandbox: &Sandbox, why: &str) -> Result<()> {
        let now = self.now();
        self.history().leaves(now, sandbox.id, why);
        lock(&self.sandboxes).remove(&sandbox.id);
        if sandbox.remove()? {
            let now = self.now();
            self.history().gone(now, sandbox.id);
        }
        Ok(())
    }

    /// ADD. Of one that was answered well the history knows the addresses: those that the kernel shows
    /// at once, because the answer of a chained plugin names only the primary network's.
    pub(super) fn add(
        &self,
        pod: &Pod,
        sandbox: &Sandbox,
        kill: Option<Duration>,
    ) -> Result<Option<BTreeSet<IpAddr>>> {
        let node = self.node(pod.node)?;
        let _on = node.power.read().unwrap_or_else(PoisonError::into_inner);
        let Outcome::Done = self.execute("ADD", node, sandbox, pod, kill)? else {
            return Ok(None);
        };
        let Some(addresses) = sandbox.addresses()? else {
            return Ok(None);
        };
        let now = self.now();
        let wanted = networks::addresses(&pod.networks);
        self.history().given(now, sandbox.id, &addresses, wanted);
        Ok(Some(addresses))
    }

    /// ADD that nobody waits for.
    pub(super) fn add_unheard(&self, pod: &Pod, sandbox: &Sandbox) -> Result<()> {
        let node = self.node(pod.node)?;
        let _on = node.power.read().unwrap_or_else(PoisonError::into_inner);
        self.execute("ADD", node, sandbox, pod, None).map(drop)
    }

    /// DEL. Whether it was answered well.
    pub(super) fn del(&self, pod: &Pod, sandbox: &Sandbox, kill: Option<Duration>) -> Result<bool> {
        let node = self.node(pod.node)?;
        let _on = node.power.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        self.history().leaves(now, sandbox.id, "DEL");
        let outcome = self.execute("DEL", node, sandbox, pod, kill)?;
        Ok(matches!(outcome, Outcome::Done))
    }

    fn execute(
        &self,
        verb: &'static str,
        node: &Node,
        sandbox: &Sandbox,
        pod: &Pod,
        kill: Option<Duration>,
    ) -> Result<Outcome> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        let outcome = self.timed(verb, || plugin::execute(verb, node, sandbox, pod, kill))?;
        match &outcome {
            Outcome::Done => self.count(&format!("{verb} done")),
            Outcome::Killed => self.count(&format!("{verb} killed")),
            Outcome::Failed(text) => {
                self.count(&format!("{verb} failed"));
                self.count(&format!("  {verb}: {}", kind(text)));
            }
        }
        Ok(outcome)
    }
}

/// An error without what is of one pod only.
fn kind(text: &str) -> String {
    let error: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let of = |key: &str| error.get(key).cloned().unwrap_or_default();
    let (code, message) = (of("code"), of("msg"));
    let words = message.as_str().unwrap_or(text).split(' ');
    let plain = words.map(|word| {
        let is_name = word.chars().any(|c| c.is_ascii_digit());
        if is_name { "…" } else { word }
    });
    let line = plain.collect::<Vec<_>>().join(" ");
    format!("{code} {}", line.chars().take(100).collect::<String>())
}

/// A mutex whose last holder has panicked is still of use: its threads end the run.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
