//! Events: what users must know about their pods, told once, by a task of its own, so that they
//! never slow a grant.

use std::{collections::BTreeSet, sync::Arc};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use landfall_core::ledger::view::Refusal;
use tokio::sync::mpsc;

use crate::{metrics::Metrics, pods::PodFacts};

/// The most sentences that wait to be told. Beyond, they are dropped: the same sentence stands in
/// the node's object, and kubelet repeats it.
const QUEUE: usize = 1024;
/// The most sentences that are remembered as told.
const REMEMBERED: usize = 10_000;

/// A sentence about a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Notice {
    namespace: String,
    name: String,
    uid: String,
    reason: String,
    message: String,
}

/// Where sentences go.
#[derive(Clone, Debug)]
pub(crate) struct Events(mpsc::Sender<Notice>);

// === impl Notice ===

impl Notice {
    pub(crate) fn warning(pod: &PodFacts, reason: &str, message: &str) -> Self {
        Self {
            namespace: pod.key.namespace.clone(),
            name: pod.key.name.clone(),
            uid: pod.uid.clone(),
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn refusal(pod: &PodFacts, refusal: &Refusal) -> Self {
        Self::warning(pod, &refusal.reason, &refusal.message)
    }

    fn event(&self) -> Event {
        Event {
            type_: EventType::Warning,
            reason: self.reason.clone(),
            note: Some(self.message.clone()),
            action: "Attach".to_owned(),
            secondary: None,
        }
    }

    fn regarding(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectReference::default()
        }
    }
}

// === impl Events ===

impl Events {
    /// Tells a sentence, unless too many wait.
    pub(crate) fn tell(&self, notice: Notice) {
        if let Err(error) = self.0.try_send(notice) {
            tracing::debug!(%error, "an Event was dropped");
        }
    }
}

/// The queue and the task that empties it.
pub(crate) fn start(
    client: Client,
    instance: Option<String>,
    metrics: Arc<Metrics>,
) -> (Events, impl Future<Output = ()>) {
    let (to, mut from) = mpsc::channel::<Notice>(QUEUE);
    let reporter = Reporter {
        controller: "landfall-operator".to_owned(),
        instance,
    };
    let recorder = Recorder::new(client, reporter);
    let task = async move {
        let mut told = BTreeSet::new();
        while let Some(notice) = from.recv().await {
            if told.contains(&notice) {
                continue;
            }
            let published = recorder.publish(&notice.event(), &notice.regarding()).await;
            metrics.event(&notice.reason, published.is_ok());
            match published {
                Ok(()) => {
                    // Forgetting all is rare, and only means that a sentence is told again.
                    if told.len() >= REMEMBERED {
                        told.clear();
                    }
                    told.insert(notice);
                }
                Err(error) => tracing::warn!(%error, pod = notice.name, "an Event was not taken"),
            }
        }
    };
    (Events(to), task)
}
