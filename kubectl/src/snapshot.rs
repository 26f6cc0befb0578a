//! The state of the cluster at one moment.
//!
//! The first list says which version of the cluster's state it shows; all others ask for exactly that
//! one. So what is only in transit between two objects is never taken for a contradiction.

use std::collections::BTreeMap;

use anyhow::Context as _;
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ListParams, VersionMatch},
};
use landfall_core::{
    id::{Name, Uid},
    ledger::{
        BlockId, View,
        audit::Attached,
        fresh::Seen,
        unread::Unread,
        view::{NetworkView, NodeView},
    },
    network::Network,
};
use landfall_crds::{
    block::AddressBlock,
    convert::NetworkObject as _,
    guarded::Guarded,
    ipvlan::IpvlanNetwork,
    ledger::{block, node},
    macvlan::MacvlanNetwork,
    network_spec::NetworkStatus,
    node::LandfallNode,
};
use serde::de::DeserializeOwned;

use crate::unreadable::{Unreadable, readable};

/// How often it is read again if the version that was begun with is not kept any more.
const ATTEMPTS: usize = 3;

/// The objects of the ledger, and what hangs on them.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// The resourceVersion that all of it is of.
    pub(crate) version: String,
    /// Networks of both kinds.
    pub(crate) networks: BTreeMap<Uid, NetworkFacts>,
    /// Node objects by name.
    pub(crate) nodes: BTreeMap<Name, LandfallNode>,
    /// The ledger.
    pub(crate) blocks: BTreeMap<BlockId, AddressBlock>,
    /// Objects that are called AddressBlock under a name that is not their addresses'.
    pub(crate) strangers: Vec<AddressBlock>,
    /// What is there and says nothing.
    pub(crate) unread: Vec<Unreadable>,
}

/// What is kept of a network.
#[derive(Debug)]
pub(crate) struct NetworkFacts {
    pub(crate) name: String,
    /// `None` if its spec makes no sense, or the object can't be read.
    pub(crate) network: Option<Network>,
    pub(crate) status: NetworkStatus,
}

// === impl Snapshot ===

impl Snapshot {
    /// Reads everything, and names on stderr what can't be read.
    pub(crate) async fn read(client: &Client) -> anyhow::Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::read_once(client).await {
                Err(kube::Error::Api(status)) if status.code == 410 && attempt < ATTEMPTS => {
                    attempt += 1;
                }
                Err(kube::Error::Api(status)) if status.is_not_found() => {
                    anyhow::bail!(
                        "this cluster does not know Landfall's objects: is it installed?"
                    );
                }
                other => {
                    let snapshot = other.context("the ledger could not be read")?;
                    for unread in &snapshot.unread {
                        tracing::warn!("{unread}");
                    }
                    return Ok(snapshot);
                }
            }
        }
    }

    async fn read_once(client: &Client) -> kube::Result<Self> {
        let mut unread = Vec::new();
        let nodes: Api<Guarded<LandfallNode>> = Api::all(client.clone());
        let nodes = nodes.list(&ListParams::default()).await?;
        let version = nodes.metadata.resource_version.unwrap_or_default();
        let nodes = readable(nodes.items, &mut unread);
        let exact = ListParams::default()
            .at(&version)
            .matching(VersionMatch::Exact);
        let blocks: Vec<AddressBlock> = list(client, &exact, &mut unread).await?;
        let macvlan: Vec<MacvlanNetwork> = list(client, &exact, &mut unread).await?;
        let ipvlan: Vec<IpvlanNetwork> = list(client, &exact, &mut unread).await?;
        Ok(Self::of(version, nodes, blocks, &macvlan, &ipvlan, unread))
    }

    pub(crate) fn of(
        version: String,
        nodes: Vec<LandfallNode>,
        blocks: Vec<AddressBlock>,
        macvlan: &[MacvlanNetwork],
        ipvlan: &[IpvlanNetwork],
        unread: Vec<Unreadable>,
    ) -> Self {
        let (blocks, strangers): (Vec<_>, Vec<_>) = blocks.into_iter().partition(block::is_own);
        let networks = macvlan
            .iter()
            .map(|n| facts(n, n.validate().ok(), n.status.as_ref()));
        let networks = networks.chain(
            ipvlan
                .iter()
                .map(|n| facts(n, n.validate().ok(), n.status.as_ref())),
        );
        let networks = networks.chain(unread.iter().filter_map(unread_facts));
        Self {
            version,
            networks: networks.collect(),
            nodes: nodes
                .into_iter()
                .map(|node| (Name::from(node.name_any().as_str()), node))
                .collect(),
            blocks: blocks
                .into_iter()
                .map(|object| (block::id(&object), object))
                .collect(),
            strangers,
            unread,
        }
    }

    /// The ledger's view, as far as the auditor looks at it.
    pub(crate) fn view(&self) -> View {
        let networks = self.networks.iter().filter_map(|(uid, facts)| {
            let network = facts.network.clone()?;
            let closed = None;
            Some((*uid, NetworkView { network, closed }))
        });
        let blocks = self.blocks.iter();
        let blocks = blocks.map(|(id, object)| (id.clone(), Seen::cached(block::read(object))));
        let nodes = self.nodes.iter();
        let unread_nodes = self.unread.iter().filter_map(Unreadable::node);
        View {
            networks: networks.collect(),
            blocks: blocks.collect(),
            nodes: nodes
                .map(|(name, node)| (name.clone(), view_of(node)))
                .collect(),
            unread: Unread {
                blocks: self.unread.iter().filter_map(Unreadable::block).collect(),
                nodes: unread_nodes.map(Name::from).collect(),
                ..Unread::default()
            },
            ..View::default()
        }
    }

    /// What all agents say is attached.
    pub(crate) fn attached(&self) -> Attached {
        let nodes = self.nodes.iter();
        let statuses = nodes.filter_map(|(name, node)| Some((name, node.status.as_ref()?)));
        statuses
            .map(|(name, status)| (name.clone(), node::keys(&status.attached)))
            .collect()
    }

    /// The object of a node; `None` if there is none.
    ///
    /// # Errors
    /// It is there and can't be read.
    pub(crate) fn node(&self, name: &str) -> anyhow::Result<Option<&LandfallNode>> {
        let mut unread = self.unread.iter();
        match unread.find(|one| one.node() == Some(name)) {
            Some(unread) => anyhow::bail!("{unread}"),
            None => Ok(self.nodes.get(&Name::from(name))),
        }
    }

    /// A network's name; its UID if it is gone.
    pub(crate) fn network_name(&self, uid: Uid) -> String {
        let facts = self.networks.get(&uid);
        facts.map_or_else(|| uid.to_string(), |facts| facts.name.clone())
    }
}

async fn list<K>(
    client: &Client,
    params: &ListParams,
    unread: &mut Vec<Unreadable>,
) -> kube::Result<Vec<K>>
where
    K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<Guarded<K>> = Api::all(client.clone());
    Ok(readable(api.list(params).await?.items, unread))
}

fn facts(
    object: &impl kube::ResourceExt,
    network: Option<Network>,
    status: Option<&NetworkStatus>,
) -> (Uid, NetworkFacts) {
    let facts = NetworkFacts {
        name: object.name_any(),
        network,
        status: status.cloned().unwrap_or_default(),
    };
    (Uid::of(&object.uid().unwrap_or_default()), facts)
}

/// A network that can't be read has its name, at least.
fn unread_facts(unread: &Unreadable) -> Option<(Uid, NetworkFacts)> {
    let facts = NetworkFacts {
        name: unread.name.clone(),
        network: None,
        status: NetworkStatus::default(),
    };
    Some((unread.network()?, facts))
}

/// The auditor looks at grants, acknowledgements and the machine; it asks nothing about freshness or
/// evidence.
fn view_of(object: &LandfallNode) -> NodeView {
    let spec = &object.spec;
    let status = object.status.as_ref();
    NodeView {
        has_provider: spec.node.provider_id.is_some(),
        namespaces: node::namespaces(spec),
        ..NodeView::of_object(
            spec.node.uid,
            spec.node.machine_id,
            node::read_spec(spec),
            status.map(node::read_status).unwrap_or_default(),
        )
    }
}
