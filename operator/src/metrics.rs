//! What the operator tells Prometheus and kubelet.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use landfall_core::{id::Uid, ledger::view::Refusal};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::grants::Failure;

pub(crate) mod serve;

/// Silence of the deciding task after which kubelet should restart the operator: it wakes up every
/// 30 s even if nothing happens, and no request takes it longer than 10 s.
const STUCK: Duration = Duration::from_secs(180);

/// All metrics, and the health of the deciding task.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Time since the start.
    monotonic: fn() -> Duration,
    requests: Family<RequestLabels, Counter>,
    decisions: Histogram,
    events: Family<EventLabels, Counter>,
    watch_failures: Family<WatchLabels, Counter>,
    addresses: Family<AddressLabels, Gauge>,
    waiting: Family<ReasonLabels, Gauge>,
    findings: Family<InvariantLabels, Gauge>,
    unreadable: Family<KindLabels, Gauge>,
    leader: Gauge,
    is_synced: AtomicBool,
    /// Milliseconds from the start to the last turn of the deciding task.
    last_turn: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    kind: &'static str,
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    reason: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WatchLabels {
    watch: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AddressLabels {
    network: String,
    family: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InvariantLabels {
    invariant: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

/// Measures until it is dropped.
pub(crate) struct Timer<'a> {
    metrics: &'a Metrics,
    start: Duration,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new(monotonic: fn() -> Duration) -> Self {
        let mut registry = Registry::with_prefix("landfall_operator");
        let requests = Family::default();
        let help = "Requests about the ledger's objects, by outcome";
        registry.register("requests", help, Family::clone(&requests));
        let decisions = Histogram::new(exponential_buckets(0.000_05, 2.0, 16));
        let help = "Time that one decision on everything takes, in seconds";
        registry.register("decision_seconds", help, decisions.clone());
        let events = Family::default();
        let help = "Sentences told to users about their pods";
        registry.register("events", help, Family::clone(&events));
        let watch_failures = Family::default();
        let help = "Watches that failed and began again";
        registry.register("watch_failures", help, Family::clone(&watch_failures));
        let addresses = Family::default();
        let help = "Addresses of a network, by state";
        registry.register("addresses", help, Family::clone(&addresses));
        let waiting = Family::default();
        let help = "Pods that get no attachment now, by reason";
        registry.register("pods_waiting", help, Family::clone(&waiting));
        let findings = Family::default();
        let help = "Contradictions in the ledger that lasted, by the number of the invariant";
        registry.register("ledger_findings", help, Family::clone(&findings));
        let unreadable = Family::default();
        let help = "Objects of ours that can't be read and are set aside, by kind";
        registry.register("unreadable_objects", help, Family::clone(&unreadable));
        let leader = Gauge::default();
        let help = "1 while this operator decides and writes, 0 while it waits";
        registry.register("leader", help, leader.clone());
        Self {
            registry,
            monotonic,
            requests,
            decisions,
            events,
            watch_failures,
            addresses,
            waiting,
            findings,
            unreadable,
            leader,
            is_synced: AtomicBool::new(false),
            last_turn: AtomicU64::new(0),
        }
    }

    /// A request was answered.
    pub(crate) fn request<T>(
        &self,
        kind: &'static str,
        verb: &'static str,
        result: &Result<T, Failure>,
    ) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(Failure::Lost(_) | Failure::Exists) => "lost",
            Err(Failure::Refused(_)) => "refused",
            Err(Failure::Gone) => "gone",
            Err(Failure::Silence) => "silence",
            Err(Failure::NotLeading(_)) => "not-leading",
            Err(Failure::Answer(_) | Failure::Api(_)) => "error",
        };
        let labels = RequestLabels {
            kind,
            verb,
            outcome,
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// A decision begins.
    pub(crate) fn decision(&self) -> Timer<'_> {
        Timer {
            metrics: self,
            start: (self.monotonic)(),
        }
    }

    /// An Event was sent.
    pub(crate) fn event(&self, reason: &str, taken: bool) {
        let labels = EventLabels {
            reason: reason.to_owned(),
            outcome: if taken { "ok" } else { "error" },
        };
        self.events.get_or_create(&labels).inc();
    }

    /// A watch failed.
    pub(crate) fn watch_failed(&self, watch: &'static str) {
        self.watch_failures
            .get_or_create(&WatchLabels { watch })
            .inc();
    }

    /// How many addresses of a network are in a state.
    pub(crate) fn addresses(
        &self,
        network: &str,
        family: &'static str,
        state: &'static str,
        count: i64,
    ) {
        let labels = AddressLabels {
            network: network.to_owned(),
            family,
            state,
        };
        self.addresses.get_or_create(&labels).set(count);
    }

    /// A network is gone.
    pub(crate) fn forget_network(&self, network: &str) {
        for family in ["ipv4", "ipv6"] {
            for state in [
                "granted",
                "quarantined",
                "foreign",
                "cooling",
                "claimed",
                "free",
            ] {
                self.addresses.remove(&AddressLabels {
                    network: network.to_owned(),
                    family,
                    state,
                });
            }
        }
    }

    /// How many pods wait, by reason.
    pub(crate) fn waiting(&self, refusals: &BTreeMap<Uid, Refusal>) {
        self.waiting.clear();
        for Refusal { reason, .. } in refusals.values() {
            let labels = ReasonLabels {
                reason: reason.clone(),
            };
            self.waiting.get_or_create(&labels).inc();
        }
    }

    /// What the auditor found, by invariant. All invariants that it can see are there, most at 0.
    pub(crate) fn findings(&self, counts: &BTreeMap<u8, i64>) {
        for (invariant, count) in counts {
            let labels = InvariantLabels {
                invariant: *invariant,
            };
            self.findings.get_or_create(&labels).set(*count);
        }
    }

    /// The kind of each object that can't be read.
    pub(crate) fn unreadable(&self, kinds: impl Iterator<Item = &'static str>) {
        self.unreadable.clear();
        for kind in kinds {
            self.unreadable.get_or_create(&KindLabels { kind }).inc();
        }
    }

    /// What only whoever decides can say is no longer said.
    pub(crate) fn follow(&self) {
        self.unreadable.clear();
        self.addresses.clear();
        self.waiting.clear();
        self.findings.clear();
    }

    /// Whether this operator leads.
    pub(crate) fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// The deciding task has everything that was there at the start.
    pub(crate) fn synced(&self) {
        self.is_synced.store(true, Ordering::Relaxed);
    }

    /// The deciding task turns.
    pub(crate) fn turn(&self) {
        let now = u64::try_from((self.monotonic)().as_millis()).unwrap_or(u64::MAX);
        self.last_turn.store(now, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.is_synced.load(Ordering::Relaxed)
    }

    fn is_alive(&self) -> bool {
        let last = Duration::from_millis(self.last_turn.load(Ordering::Relaxed));
        (self.monotonic)().saturating_sub(last) < STUCK
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let took = (self.metrics.monotonic)().saturating_sub(self.start);
        self.metrics.decisions.observe(took.as_secs_f64());
    }
}
