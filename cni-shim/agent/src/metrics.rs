//! /metrics, /healthz and /readyz.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use landfall_plugin::spec::Verb;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    engine::{ProbeCounts, Published},
    install::Installed,
};

/// Seconds: an attach takes half a millisecond, a wait for a grant up to two seconds.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// Counts and times of the plugin's requests.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Histogram>,
    attachments: Family<Phases, Gauge>,
    grants: Gauge,
    released: Gauge,
    blocked: Gauge,
    waiting: Gauge,
    ready: Gauge,
    probes: Family<Outcomes, Counter>,
    silent_gateways: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Phases {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcomes {
    outcome: &'static str,
}

/// What the probes and the metrics read.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Counts and times.
    pub metrics: Arc<Metrics>,
    /// The engine's state.
    pub published: watch::Receiver<Arc<Published>>,
    /// The installation's.
    pub installed: watch::Receiver<Installed>,
}

// === impl Metrics ===

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("landfall_agent");
        let requests: Family<Labels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "request_duration",
            "Requests of the plugin, from connect to answer",
            Unit::Seconds,
            requests.clone(),
        );
        let attachments = Family::default();
        registry.register("attachments", "Attachments by phase", attachments.clone());
        let probes = Family::default();
        let help = "Addresses that the LAN was asked for before their first use, by who had them";
        registry.register("probes", help, probes.clone());
        let mut gauge = |name, help| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Self {
            grants: gauge("grants", "Grants in the node's object"),
            released: gauge("released", "Acknowledged addresses not yet taken back"),
            blocked: gauge("blocked", "Addresses of interfaces that no record explains"),
            waiting: gauge(
                "waiting",
                "ADDs that wait for a grant, a parent or another sandbox",
            ),
            ready: gauge("ready", "1 if grants are served"),
            silent_gateways: gauge(
                "silent_gateways",
                "Gateways of probed networks that do not answer",
            ),
            probes,
            registry,
            requests,
            attachments,
        }
    }
}

impl Metrics {
    /// Counts a request.
    pub fn count(&self, verb: Verb, outcome: &'static str, took: Duration) {
        let verb = verb.as_str();
        self.requests
            .get_or_create(&Labels { verb, outcome })
            .observe(took.as_secs_f64());
    }

    fn text(&self, published: &Published) -> String {
        let set = |gauge: &Gauge, n: usize| {
            gauge.set(i64::try_from(n).unwrap_or(i64::MAX));
        };
        for (phase, count) in ["pending", "active", "detaching"]
            .into_iter()
            .zip(published.phases)
        {
            set(&self.attachments.get_or_create(&Phases { phase }), count);
        }
        set(&self.grants, published.granted);
        set(&self.released, published.released.len());
        set(&self.blocked, published.blocked.len());
        set(&self.waiting, published.waiting);
        set(&self.ready, usize::from(published.ready));
        let ProbeCounts {
            clear,
            foreign,
            not_asked,
        } = published.probes;
        for (outcome, count) in [
            ("clear", clear),
            ("foreign", foreign),
            ("not-asked", not_asked),
        ] {
            let counter = self.probes.get_or_create(&Outcomes { outcome });
            counter.inner().store(count, Ordering::Relaxed);
        }
        set(&self.silent_gateways, published.silent_gateways.len());
        let mut text = String::new();
        // Writing to a string can't fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

/// Serves. Does not end.
pub async fn serve(address: SocketAddr, sources: Sources) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(sources);
    axum::serve(TcpListener::bind(address).await?, router).await
}

async fn metrics(State(sources): State<Sources>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = sources.metrics.text(&sources.published.borrow());
    ([("content-type", kind)], text)
}

/// The operator grants to nodes whose agent is ready: one that runtimes don't call, or that may not
/// serve yet, must not be.
async fn ready(State(sources): State<Sources>) -> impl IntoResponse {
    let (published, installed) = (sources.published.borrow(), sources.installed.borrow());
    if let Some(other) = published.other_machine {
        let text = format!("the LandfallNode is for the machine {other}, which this is not");
        return (StatusCode::SERVICE_UNAVAILABLE, text);
    }
    if !published.ready {
        let text = "the LandfallNode was not read yet, or the namespaces were not scanned yet";
        return (StatusCode::SERVICE_UNAVAILABLE, text.to_owned());
    }
    // A feud over the configuration is a condition of the node: it must not take grants from the pods
    // that were attached before, nor hold up a rollout.
    if !installed.in_place && installed.blocked.is_none() {
        let text = "the plugin is not in the node's CNI configuration";
        return (StatusCode::SERVICE_UNAVAILABLE, text.to_owned());
    }
    (StatusCode::OK, "ok".to_owned())
}
