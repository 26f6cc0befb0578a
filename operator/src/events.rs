//! Events: what users must know about their pods, and administrators about the ledger, told once, by
//! a task of its own, so that they never slow a grant.

use std::{collections::BTreeSet, sync::Arc};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use landfall_core::ledger::view::Refusal;
use landfall_crds::keys::{self, event};
use tokio::sync::mpsc;

use crate::{metrics::Metrics, pods::PodFacts};

/// The most sentences that wait to be told. Beyond, they are dropped: the same sentence stands in
/// the node's object, and kubelet repeats it.
const QUEUE: usize = 1024;
/// The most sentences that are remembered as told.
const REMEMBERED: usize = 10_000;

/// A sentence about an object: a pod, or one of the ledger's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Notice {
    about: About,
    is_warning: bool,
    action: &'static str,
    reason: String,
    message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct About {
    api_version: String,
    kind: &'static str,
    namespace: Option<String>,
    name: String,
    uid: Option<String>,
}

/// Where sentences go.
#[derive(Clone, Debug)]
pub(crate) struct Events(mpsc::Sender<Notice>);

// === impl Notice ===

impl Notice {
    pub(crate) fn warning(pod: &PodFacts, reason: &str, message: &str) -> Self {
        Self {
            about: About {
                api_version: "v1".to_owned(),
                kind: "Pod",
                namespace: Some(pod.key.namespace.clone()),
                name: pod.key.name.clone(),
                uid: Some(pod.uid.clone()),
            },
            is_warning: true,
            action: "Attach",
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn refusal(pod: &PodFacts, refusal: &Refusal) -> Self {
        Self::warning(pod, &refusal.reason, &refusal.message)
    }

    /// About an object of the ledger, which was edited by hand and put right.
    pub(crate) fn repaired(
        kind: &'static str,
        name: &str,
        uid: Option<String>,
        what: &str,
    ) -> Self {
        Self {
            is_warning: false,
            action: "Repair",
            reason: event::LEDGER_REPAIRED.to_owned(),
            ..Self::of_ledger(kind, name, uid, what)
        }
    }

    /// About an object of the ledger, which contradicts the protocol and stays as it is.
    pub(crate) fn inconsistent(
        kind: &'static str,
        name: &str,
        uid: Option<String>,
        what: &str,
    ) -> Self {
        Self::of_ledger(kind, name, uid, what)
    }

    fn of_ledger(kind: &'static str, name: &str, uid: Option<String>, what: &str) -> Self {
        Self {
            about: About {
                api_version: format!("{}/{}", keys::GROUP, keys::VERSION),
                kind,
                namespace: None,
                name: name.to_owned(),
                uid,
            },
            is_warning: true,
            action: "Audit",
            reason: event::LEDGER_INCONSISTENT.to_owned(),
            message: what.to_owned(),
        }
    }

    /// As `kubectl get events` shows it.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let kind = if self.is_warning { "Warning" } else { "Normal" };
        let About { kind: of, name, .. } = &self.about;
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

    fn regarding(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(self.about.api_version.clone()),
            kind: Some(self.about.kind.to_owned()),
            namespace: self.about.namespace.clone(),
            name: Some(self.about.name.clone()),
            uid: self.about.uid.clone(),
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
                Err(error) => {
                    let About { kind, name, .. } = &notice.about;
                    tracing::warn!(%error, kind, name, "an Event was not taken");
                }
            }
        }
    };
    (Events(to), task)
}
