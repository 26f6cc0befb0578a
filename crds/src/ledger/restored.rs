//! `kubectl landfall restored`: says that etcd was restored from a backup (docs/restore.md).
//!
//! ```text
//!  refuse evidence of the backup, and node objects that can't be read
//!    ─> draw an epoch ─> note it ─> each node object: that epoch, no grants
//! ```
//!
//! It may end anywhere and be run again: each run draws an epoch of its own, the highest counts, and an
//! operator that finds a node object with an older one empties it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::restore;
use crate::{
    guarded::{self, Guarded, Unread},
    keys::{LEDGER_CONFIG_MAP, annotation},
    node::LandfallNode,
};

const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";
/// How often a lost write is repeated.
const TRIES: usize = 8;

/// Why it can't be said, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum RestoredError {
    /// The backup has brought back what speaks for machines being off.
    #[error(
        "{}: the taint {OUT_OF_SERVICE} is the backup's, and says that the machine is off; if it runs, \
         take the taint away (kubectl taint node NAME {OUT_OF_SERVICE}-), if it is off, name it with \
         --off NAME; nothing was written",
        .0.join(", ")
    )]
    Tainted(Vec<String>),
    /// Every node object must be written, and what one says is not known.
    #[error(
        "LandfallNode {name} can't be read, {why}: put that right (kubectl edit lfn {name}, for a status \
         with --subresource=status) and run it again"
    )]
    Unreadable {
        /// Whose it is.
        name: String,
        /// What is wrong, and at which path.
        why: String,
    },
    /// The API server does not answer, or refuses.
    #[error("{what} failed; run it again, it goes on where it stopped")]
    Api {
        /// What was done.
        what: String,
        /// Why it failed.
        #[source]
        source: kube::Error,
    },
    /// No API server that we know does that.
    #[error("the ConfigMap {LEDGER_CONFIG_MAP} has a resourceVersion that is no number")]
    NoEpoch,
    /// Somebody else writes it all the time.
    #[error(
        "the ConfigMap {LEDGER_CONFIG_MAP} is written by others all the time; is an operator running?"
    )]
    Lost,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The ledger's new epoch.
    pub epoch: u64,
    /// The node objects that were emptied, and how many grants each had.
    pub nodes: Vec<(String, usize)>,
}

/// Gives the ledger a new epoch and, in one write each, every node object that epoch and no grants.
/// `namespace` is the operator's; the machines of `off` are known to be off, whatever the backup says.
///
/// # Errors
/// If evidence of the backup is not confirmed, a node object can't be read, or the API server refuses.
/// Whatever was written then stays, and another run goes on.
pub async fn restored(
    client: Client,
    namespace: &str,
    off: &BTreeSet<String>,
) -> Result<Report, RestoredError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let listed = nodes.list(&ListParams::default()).await;
    let listed = listed.map_err(failed("listing the Nodes"))?;
    let tainted = listed.items.iter().filter(|node| is_tainted(node));
    let tainted = tainted.map(kube::ResourceExt::name_any);
    let tainted: Vec<String> = tainted.filter(|name| !off.contains(name)).collect();
    if !tainted.is_empty() {
        return Err(RestoredError::Tainted(tainted));
    }
    node_objects(&client).await?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let epoch = announce(&maps).await?;
    // Again: one may have been made since.
    let all = node_objects(&client).await?;
    let objects: Api<LandfallNode> = Api::all(client);
    let mut nodes = Vec::new();
    for object in all {
        let name = object.name_any();
        let patch = Patch::Merge(emptied(epoch));
        let written = objects.patch(&name, &PatchParams::default(), &patch).await;
        written.map_err(failed(&format!("emptying the LandfallNode {name}")))?;
        nodes.push((name, object.spec.grants.len()));
    }
    Ok(Report { epoch, nodes })
}

/// All node objects, if all can be read.
async fn node_objects(client: &Client) -> Result<Vec<LandfallNode>, RestoredError> {
    let objects: Api<Guarded<LandfallNode>> = Api::all(client.clone());
    let all = objects.list(&ListParams::default()).await;
    let all = all.map_err(failed("listing the LandfallNodes"))?;
    let read = all.items.into_iter().map(guarded::read);
    let read: Result<_, Box<Unread>> = read.collect();
    read.map_err(|unread| RestoredError::Unreadable {
        name: unread.meta.name.unwrap_or_default(),
        why: unread.why,
    })
}

/// What takes away, in one write, all that a backup has brought back: a reclaim record too, which said
/// then that the machine was off.
fn emptied(epoch: u64) -> Value {
    json!({
        "metadata": {"annotations": {annotation::RECLAIM: null}},
        "spec": {
            "ledgerEpoch": epoch,
            "grants": null, "recalls": null, "refusals": null, "fenced": null,
        },
    })
}

fn is_tainted(node: &Node) -> bool {
    let spec = node.spec.as_ref();
    let mut taints = spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.any(|taint| taint.key == OUT_OF_SERVICE)
}

fn failed(what: &str) -> impl FnOnce(kube::Error) -> RestoredError {
    let what = what.to_owned();
    |source| RestoredError::Api { what, source }
}

/// Draws an epoch and notes it, and nobody draws one in between: who draws a later one sees the note.
async fn announce(maps: &Api<ConfigMap>) -> Result<u64, RestoredError> {
    for _ in 0..TRIES {
        let mut object = change(maps, restore::draw).await?;
        let epoch = restore::drawn(&object).ok_or(RestoredError::NoEpoch)?;
        restore::note_restored(&mut object, epoch);
        let params = PostParams::default();
        match maps.replace(LEDGER_CONFIG_MAP, &params, &object).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            written => {
                written.map_err(failed("writing the ConfigMap landfall-ledger"))?;
                return Ok(epoch);
            }
        }
    }
    Err(RestoredError::Lost)
}

/// Changes the ConfigMap by compare-and-swap.
async fn change(
    maps: &Api<ConfigMap>,
    change: impl Fn(&mut ConfigMap),
) -> Result<ConfigMap, RestoredError> {
    let params = PostParams::default();
    for _ in 0..TRIES {
        let known = maps.get_opt(LEDGER_CONFIG_MAP).await;
        let known = known.map_err(failed("reading the ConfigMap landfall-ledger"))?;
        let written = if let Some(mut object) = known {
            change(&mut object);
            maps.replace(LEDGER_CONFIG_MAP, &params, &object).await
        } else {
            let mut object = restore::empty();
            change(&mut object);
            maps.create(&params, &object).await
        };
        match written {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            written => return written.map_err(failed("writing the ConfigMap landfall-ledger")),
        }
    }
    Err(RestoredError::Lost)
}

// === impl Report ===

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "the ledger's epoch is {}", self.epoch)?;
        for (name, grants) in &self.nodes {
            writeln!(
                f,
                "LandfallNode {name}: {grants} grants of the backup are taken out"
            )?;
        }
        write!(
            f,
            "{} nodes must say what they have in use before addresses are given again: \
             kubectl get landfallnodes -o custom-columns=\
             NAME:.metadata.name,ADOPTED:.status.ledgerEpoch",
            self.nodes.len()
        )
    }
}
