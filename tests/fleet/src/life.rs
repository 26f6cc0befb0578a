//! The life of a pod, and when what happened.

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{sync::oneshot, time};

use crate::{
    grants::Grant,
    node::{Node, Pod},
    world::{AT_ONCE, World},
};

/// How long a grant may take before it is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// A pod that exists and is not bound.
#[derive(Debug)]
pub(crate) struct Created {
    pod: Pod,
    grant: oneshot::Receiver<Grant>,
}

/// A pod that is bound.
pub(crate) struct Bound {
    created: Created,
    node: Arc<Node>,
    /// When the request was sent, since the start.
    at: Duration,
}

/// A pod that is attached. Times are since the start.
#[derive(Clone)]
pub(crate) struct Attached {
    pod: Pod,
    node: Arc<Node>,
    /// When the request to bind it was sent.
    pub(crate) bound: Duration,
    /// When its node saw the grant.
    pub(crate) granted: Duration,
    /// What it got.
    pub(crate) address: IpAddr,
}

/// A pod that was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// When the request to bind it was sent.
    pub(crate) bound: Duration,
    /// When its node saw the grant.
    pub(crate) granted: Duration,
    /// What it had.
    pub(crate) address: IpAddr,
    /// When it was deleted and its link was gone, both.
    pub(crate) freed: Duration,
}

// === impl World ===

impl World {
    /// A user creates a pod.
    pub(crate) async fn create(&self, name: String, network: &'static str) -> Result<Created> {
        let uid = self.cluster.pod(&name, Some(network)).await?;
        Ok(Created {
            grant: self.grants.expect(uid),
            pod: Pod { name, uid, network },
        })
    }

    /// A user creates many.
    pub(crate) async fn create_all(
        &self,
        count: usize,
        network: &'static str,
    ) -> Result<Vec<Created>> {
        let created = stream::iter(0..count)
            .map(|index| self.create(format!("{network}-{index}"), network))
            .buffer_unordered(AT_ONCE);
        created.try_collect().await
    }

    /// The scheduler binds it.
    pub(crate) async fn bind(&self, created: Created, node: usize) -> Result<Bound> {
        let node = Arc::clone(self.node(node)?);
        let _turn = self.turns.acquire().await?;
        let at = self.now();
        self.cluster.bind(&created.pod.name, &node.name).await?;
        Ok(Bound { created, node, at })
    }

    /// Waits for its grant, and its runtime attaches it.
    pub(crate) async fn granted(&self, bound: Bound) -> Result<Attached> {
        let Bound { created, node, at } = bound;
        let Created { pod, grant } = created;
        let seconds = PATIENCE.as_secs();
        let late = || format!("{} got no address in {seconds} s", pod.name);
        let grant = time::timeout(PATIENCE, grant).await.with_context(late)??;
        node.add(&pod).await?;
        self.grants.attach(grant.address, pod.uid)?;
        Ok(Attached {
            pod,
            node,
            bound: at,
            granted: grant.at,
            address: grant.address,
        })
    }

    /// All that makes it run.
    pub(crate) async fn attach(&self, created: Created, node: usize) -> Result<Attached> {
        let bound = self.bind(created, node).await?;
        let attached = self.granted(bound).await?;
        let _turn = self.turns.acquire().await?;
        self.cluster.running(&attached.pod.name).await?;
        Ok(attached)
    }

    /// Ends it.
    pub(crate) async fn end(&self, attached: Attached) -> Result<Ended> {
        let Attached { pod, node, .. } = &attached;
        self.cluster.delete(&pod.name).await?;
        self.grants.detach(attached.address);
        node.del(pod).await?;
        let freed = self.now();
        self.cluster.remove(&pod.name).await?;
        Ok(Ended {
            bound: attached.bound,
            granted: attached.granted,
            address: attached.address,
            freed,
        })
    }
}
