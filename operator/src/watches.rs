//! Watches: everything that the operator knows of the cluster comes in here, as one stream.

use std::{fmt::Debug, sync::Arc};

use futures::StreamExt as _;
use k8s_openapi::api::{
    apps::v1::{ReplicaSet, StatefulSet},
    core::v1::{Namespace, Node, Pod},
};
use kube::{
    Api, Client, Resource,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event},
    },
};
use landfall_core::network::NetworkKind;
use landfall_crds::{
    block::AddressBlock,
    guarded::{self, Guarded, Unread},
    node::LandfallNode,
};
use serde::de::DeserializeOwned;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    claims::{self, ClaimFacts, ReplicaSetFacts, StatefulSetFacts},
    definitions::{self, DefinitionFacts},
    metrics::Metrics,
    namespace_default,
    network::NetworkObject,
    nodes::NodeFacts,
    pods::{AgentPods, PodFacts},
    world::NamespaceFacts,
};

mod optional;
mod pauses;

pub(crate) use optional::Optional;
pub(crate) use pauses::Pauses;

/// An object of ours, or that it can't be read.
pub(crate) type Read<K> = Result<Box<K>, Box<Unread>>;

/// What a watch saw.
#[derive(Debug)]
pub(crate) enum Change {
    Pod(Event<PodFacts>),
    Node(Event<NodeFacts>),
    Namespace(Event<NamespaceFacts>),
    Macvlan(Event<NetworkObject>),
    Ipvlan(Event<NetworkObject>),
    NodeObject(Event<Read<LandfallNode>>),
    Block(Event<Read<AddressBlock>>),
    Definition(Event<DefinitionFacts>),
    Claim(Event<ClaimFacts>),
    IpamClaim(Event<ClaimFacts>),
    StatefulSet(Event<StatefulSetFacts>),
    ReplicaSet(Event<ReplicaSetFacts>),
    /// Whether the API server can give pods the networks of their namespace.
    NamespaceDefault(bool),
}

/// The end of all watches.
pub(crate) struct Watches {
    client: Client,
    metrics: Arc<Metrics>,
    to: mpsc::Sender<Change>,
}

// === impl Watches ===

impl Watches {
    pub(crate) fn new(client: Client, metrics: Arc<Metrics>, to: mpsc::Sender<Change>) -> Self {
        Self {
            client,
            metrics,
            to,
        }
    }

    /// Starts all watches. They never end by themselves, except when nobody listens any more.
    pub(crate) fn start(self, agents: AgentPods, tasks: &mut JoinSet<()>) {
        let all = watcher::Config::default();
        // Pods that can start no sandbox never come here: they count as gone, which they are.
        let bound = all
            .clone()
            .fields("spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed");
        tasks.spawn(self.watch("pods", bound, move |event| {
            pod_event(event, &agents).map(Change::Pod)
        }));
        tasks.spawn(self.watch("nodes", all.clone(), |event: Event<Node>| {
            Some(Change::Node(map(event, NodeFacts::of)))
        }));
        tasks.spawn(self.watch("namespaces", all.clone(), |event| {
            let read = |object: PartialObjectMeta<Namespace>| NamespaceFacts::of(object.metadata);
            Some(Change::Namespace(map(event, read)))
        }));
        tasks.spawn(self.ours("macvlannetworks", all.clone(), |event| {
            Change::Macvlan(map(event, |object| {
                let unread = |unread| NetworkObject::unread(NetworkKind::Macvlan, unread);
                object.map_or_else(unread, NetworkObject::macvlan)
            }))
        }));
        tasks.spawn(self.ours("ipvlannetworks", all.clone(), |event| {
            Change::Ipvlan(map(event, |object| {
                let unread = |unread| NetworkObject::unread(NetworkKind::Ipvlan, unread);
                object.map_or_else(unread, NetworkObject::ipvlan)
            }))
        }));
        tasks.spawn(self.ours("landfallnodes", all.clone(), |event| {
            Change::NodeObject(map(event, boxed))
        }));
        tasks.spawn(self.ours("addressclaims", all.clone(), |event| {
            Change::Claim(map(event, |object| {
                object.map_or_else(ClaimFacts::unread, ClaimFacts::address)
            }))
        }));
        tasks.spawn(
            self.watch("statefulsets", all.clone(), |event: Event<StatefulSet>| {
                let read = |set: StatefulSet| StatefulSetFacts::of(&set);
                Some(Change::StatefulSet(map(event, read)))
            }),
        );
        tasks.spawn(self.watch("replicasets", all.clone(), |event| {
            let read = |set: PartialObjectMeta<ReplicaSet>| ReplicaSetFacts::of(&set);
            Some(Change::ReplicaSet(map(event, read)))
        }));
        tasks.spawn(self.ours("addressblocks", all, |event| {
            Change::Block(map(event, boxed))
        }));
        let (client, to) = (self.client.clone(), self.to.clone());
        tasks.spawn(namespace_default::watch(client, to));
        let (client, to) = (self.client.clone(), self.to.clone());
        tasks.spawn(claims::optional_ipam_claims().watch(client, to));
        tasks.spawn(definitions::optional().watch(self.client, self.to));
    }

    /// Watches a kind of ours: an object that can't be read is named and set aside, and the watch goes on.
    fn ours<K>(
        &self,
        name: &'static str,
        config: watcher::Config,
        read: impl Fn(Event<Result<K, Box<Unread>>>) -> Change + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        self.watch(name, config, move |event: Event<Guarded<K>>| {
            let event = map(event, |object| {
                let object = guarded::read(object);
                if let Err(unread) = &object {
                    let Unread { meta, why } = &**unread;
                    let (namespace, object) = (&meta.namespace, &meta.name);
                    tracing::error!(
                        watch = name,
                        ?namespace,
                        ?object,
                        why,
                        "the object can't be read"
                    );
                }
                object
            });
            Some(read(event))
        })
    }

    fn watch<K>(
        &self,
        name: &'static str,
        config: watcher::Config,
        read: impl Fn(Event<K>) -> Option<Change> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let api: Api<K> = Api::all(self.client.clone());
        let (metrics, to) = (Arc::clone(&self.metrics), self.to.clone());
        async move {
            let strip = |object: &mut K| object.meta_mut().managed_fields = None;
            let mut events = watcher::watcher(api, config)
                .backoff(Pauses::default())
                .modify(strip)
                .boxed();
            while let Some(event) = events.next().await {
                let change = match event {
                    Ok(event) => read(event),
                    Err(error) => {
                        metrics.watch_failed(name);
                        tracing::warn!(watch = name, %error, "the watch failed; it begins again");
                        None
                    }
                };
                if let Some(change) = change
                    && to.send(change).await.is_err()
                {
                    return;
                }
            }
        }
    }
}

/// Nearly all pods of a cluster ask for nothing: they are dropped here, before they queue.
fn pod_event(event: Event<Pod>, agents: &AgentPods) -> Option<Event<PodFacts>> {
    let read = |pod: Pod| PodFacts::of(pod, agents);
    match event {
        Event::Apply(pod) => {
            let facts = read(pod);
            Some(if facts.concerns_us() {
                Event::Apply(facts)
            } else {
                Event::Delete(facts)
            })
        }
        Event::InitApply(pod) => Some(read(pod))
            .filter(PodFacts::concerns_us)
            .map(Event::InitApply),
        Event::Delete(pod) => Some(Event::Delete(read(pod))),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}

fn boxed<K>(object: Result<K, Box<Unread>>) -> Read<K> {
    object.map(Box::new)
}

/// The same event about something else.
pub(crate) fn map<K, T>(event: Event<K>, read: impl Fn(K) -> T) -> Event<T> {
    match event {
        Event::Apply(object) => Event::Apply(read(object)),
        Event::Delete(object) => Event::Delete(read(object)),
        Event::InitApply(object) => Event::InitApply(read(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}
