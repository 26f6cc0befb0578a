//! Events: what users must know about their pods and other objects, told once, by a task of its own, so
//! that they never slow a grant.

use std::{collections::BTreeSet, sync::Arc};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use landfall_core::{ledger::view::Refusal, network::NetworkKind};
use landfall_crds::keys::{self, event};
use tokio::sync::mpsc;

use crate::{metrics::Metrics, network::NetworkObject, pods::PodFacts};

/// The most sentences that wait to be told. Beyond, they are dropped: the same sentence stands in
/// the node's object, and kubelet repeats it.
const QUEUE: usize = 1024;
/// The most sentences that are remembered as told.
const REMEMBERED: usize = 10_000;

/// A sentence about an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Notice {
    regarding: Regarding,
    is_warning: bool,
    action: &'static str,
    reason: String,
    message: String,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Regarding {
    pub(crate) api_version: String,
    pub(crate) kind: &'static str,
    /// `None` of an object that is in no namespace.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) uid: Option<String>,
}

/// Where sentences go.
#[derive(Clone, Debug)]
pub(crate) struct Events(mpsc::Sender<Notice>);

// === impl Notice ===

impl Notice {
    pub(crate) fn warning(pod: &PodFacts, reason: &str, message: &str) -> Self {
        let pod = Regarding {
            api_version: "v1".to_owned(),
            kind: "Pod",
            namespace: Some(pod.key.namespace.clone()),
            name: pod.key.name.clone(),
            uid: Some(pod.uid.clone()),
        };
        Self {
            action: "Attach",
            ..Self::about(pod, reason, message)
        }
    }

    /// A warning about any object.
    pub(crate) fn about(regarding: Regarding, reason: &str, message: &str) -> Self {
        Self {
            regarding,
            is_warning: true,
            action: "Reconcile",
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn refusal(pod: &PodFacts, refusal: &Refusal) -> Self {
        Self::warning(pod, &refusal.reason, &refusal.message)
    }

    /// About an object of the ledger, which was edited by hand and put right.
    pub(crate) fn repaired(regarding: Regarding, what: &str) -> Self {
        Self {
            is_warning: false,
            action: "Repair",
            ..Self::about(regarding, event::LEDGER_REPAIRED, what)
        }
    }

    /// About an object of the ledger, which contradicts the protocol and stays as it is.
    pub(crate) fn inconsistent(regarding: Regarding, what: &str) -> Self {
        Self {
            action: "Audit",
            ..Self::about(regarding, event::LEDGER_INCONSISTENT, what)
        }
    }

    /// As `kubectl get events` shows it.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let kind = if self.is_warning { "Warning" } else { "Normal" };
        let Regarding { kind: of, name, .. } = &self.regarding;
        format!("{kind} {} {of}/{name}: {}", self.reason, self.message)
    }

    fn event(&self) -> Event {
        Event {
            type_: if self.is_warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: self.reason.clone(),
            note: Some(self.message.clone()),
            action: self.action.to_owned(),
            secondary: None,
        }
    }
}

// === impl Regarding ===

impl Regarding {
    /// An object of ours, none of which is in a namespace.
    pub(crate) fn ours(kind: &'static str, name: &str, uid: Option<String>) -> Self {
        Self {
            api_version: format!("{}/{}", keys::GROUP, keys::VERSION),
            kind,
            namespace: None,
            name: name.to_owned(),
            uid,
        }
    }

    /// A network.
    pub(crate) fn network(object: &NetworkObject) -> Self {
        let kind = match object.kind() {
            NetworkKind::Macvlan => "MacvlanNetwork",
            NetworkKind::Ipvlan => "IpvlanNetwork",
        };
        Self::ours(kind, object.name().as_str(), object.meta().uid.clone())
    }

    fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(self.api_version.clone()),
            kind: Some(self.kind.to_owned()),
            namespace: self.namespace.clone(),
            name: Some(self.name.clone()),
            uid: self.uid.clone(),
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

/// Where sentences come that nobody sends.
#[cfg(test)]
pub(crate) fn heard() -> (Events, mpsc::Receiver<Notice>) {
    let (to, from) = mpsc::channel(QUEUE);
    (Events(to), from)
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
    let task = async move {
        let mut told = BTreeSet::new();
        while let Some(notice) = from.recv().await {
            if told.contains(&notice) {
                continue;
            }
            // One each: a recorder that is kept takes another sentence of the same reason about the same
            // object for the first, and counts that up instead (kube-runtime 5, events.rs, EventKey).
            let recorder = Recorder::new(client.clone(), reporter.clone());
            let published = recorder
                .publish(&notice.event(), &notice.regarding.reference())
                .await;
            metrics.event(&notice.reason, published.is_ok());
            match published {
                Ok(()) => {
                    // Forgetting all is rare, and only means that a sentence is told again.
                    if told.len() >= REMEMBERED {
                        told.clear();
                    }
                    told.insert(notice);
                }
                Err(error) => {
                    let Regarding { kind, name, .. } = &notice.regarding;
                    tracing::warn!(%error, kind, name, "an Event was not taken");
                }
            }
        }
    };
    (Events(to), task)
}
