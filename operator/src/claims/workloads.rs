//! What stands behind pods: StatefulSets, and the owners of ReplicaSets.

use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use kube::core::{ObjectMeta, PartialObjectMeta};

/// The most ordinals that one claim keeps addresses for: as many as its status has room for.
const MOST: u32 = 1024;

/// An object in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SetKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// The controller of an object, in its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// What is kept of a StatefulSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatefulSetFacts {
    pub(crate) key: SetKey,
    /// The first ordinal.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
}

/// What is kept of a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaSetFacts {
    pub(crate) key: SetKey,
    /// Mostly a Deployment.
    pub(crate) controller: Option<Controller>,
}

// === impl StatefulSetFacts ===

impl StatefulSetFacts {
    pub(crate) fn of(set: &StatefulSet) -> Self {
        let spec = &set.spec;
        let first = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start);
        let number = |number: Option<i32>, default| {
            number.map_or(default, |number| u32::try_from(number).unwrap_or_default())
        };
        Self {
            key: key(&set.metadata),
            first: number(first, 0),
            count: number(spec.replicas, 1).min(MOST),
        }
    }
}

// === impl ReplicaSetFacts ===

impl ReplicaSetFacts {
    pub(crate) fn of(set: &PartialObjectMeta<ReplicaSet>) -> Self {
        Self {
            key: key(&set.metadata),
            controller: Controller::of(&set.metadata),
        }
    }
}

// === impl Controller ===

impl Controller {
    /// The owner reference that says who manages an object.
    pub(crate) fn of(meta: &ObjectMeta) -> Option<Self> {
        let mut owners = meta.owner_references.iter().flatten();
        let controller = owners.find(|owner| owner.controller == Some(true))?;
        Some(Self {
            kind: controller.kind.clone(),
            name: controller.name.clone(),
        })
    }
}

/// The ordinal of a pod of a StatefulSet: from its name behind that of its controller, and no other than
/// its label says.
pub(crate) fn ordinal(pod: &str, set: &str, label: Option<&str>) -> Option<u32> {
    let suffix = pod.strip_prefix(set)?.strip_prefix('-')?;
    let ordinal: u32 = suffix.parse().ok()?;
    // "+1" and "01" are numbers too, and no ordinals.
    let is_plain = ordinal.to_string() == suffix;
    (is_plain && label.is_none_or(|label| label == suffix)).then_some(ordinal)
}

fn key(meta: &ObjectMeta) -> SetKey {
    SetKey {
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
    }
}
