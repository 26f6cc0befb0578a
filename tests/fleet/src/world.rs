//! All nodes, and the API server.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use tokio::sync::Semaphore;

use crate::{
    cluster::Cluster,
    grants::Grants,
    node::{self, Node},
};

/// How long nodes may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests of users and controllers under way at once.
pub(crate) const AT_ONCE: usize = 16;

/// See the module.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) grants: Arc<Grants>,
    pub(crate) nodes: Vec<Arc<Node>>,
    /// Requests of the scheduler and of kubelets.
    pub(crate) turns: Semaphore,
    start: Instant,
}

// === impl World ===

impl World {
    /// Registers nodes and waits until all of them serve.
    pub(crate) async fn start(client: Client, nodes: usize, run_dir: &Path) -> Result<Arc<Self>> {
        let (cluster, start) = (Cluster::new(&client), Instant::now());
        let grants = Arc::new(Grants::default());
        let registered = stream::iter(0..nodes).map(|index| {
            let cluster = &cluster;
            async move {
                cluster
                    .register(&node::name(index), &node::machine(index))
                    .await
            }
        });
        registered
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        let nodes = (0..nodes).map(|index| Node::start(index, &client, run_dir, &grants, start));
        let world = Self {
            nodes: nodes.collect::<Result<_>>()?,
            cluster,
            grants,
            turns: Semaphore::new(AT_ONCE),
            start,
        };
        world.wait().await?;
        Ok(Arc::new(world))
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The node of that place; places beyond the last begin anew.
    pub(crate) fn node(&self, index: usize) -> Result<&Arc<Node>> {
        let place = index.checked_rem(self.nodes.len()).unwrap_or_default();
        self.nodes.get(place).context("there is no node")
    }

    async fn wait(&self) -> Result<()> {
        let start = self.now();
        loop {
            let late = self.nodes.iter().find(|node| !node.is_ready());
            let Some(late) = late else { return Ok(()) };
            if self.now().saturating_sub(start) > PATIENCE {
                bail!("{} does not serve: does an operator run?", late.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
