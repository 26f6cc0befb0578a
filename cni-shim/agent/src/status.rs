//! `LandfallNode.status`: what this node says of itself.
//!
//! Level-triggered: whatever the engine or the installation says last is composed into a whole status
//! and written if it differs from the last one that was, or if the object shows another one since. Its only
//! precondition is that the object is for this machine: the agent is the only writer, and one that lands late
//! is written over.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, Client,
    api::{ApiResource, PatchParams},
};
use landfall_crds::node::{LandfallNode, LandfallNodeStatus};
use tokio::{sync::watch, time::sleep};

use crate::{engine::Published, identity::Machine, install::Installed};

mod calm;
mod compose;
mod shown;

pub use compose::{compose, patch};
pub use shown::{Answer, Shown};

/// A node writes no more than ten a second, and one if nobody waits for what is new: a storm of attachments
/// is a few writes, and each write costs etcd the whole object.
const PAUSE: Duration = Duration::from_millis(100);
/// After a failure.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a status is made from.
#[derive(Debug)]
pub struct Sources {
    /// The engine's state.
    pub engine: watch::Receiver<Arc<Published>>,
    /// The installation's.
    pub install: watch::Receiver<Installed>,
    /// What the watch of the object shows.
    pub shown: watch::Receiver<Shown>,
}

/// Where statuses are written.
pub fn api(client: Client) -> Api<Answer> {
    Api::all_with(client, &ApiResource::erase::<LandfallNode>(&()))
}

/// Writes the status whenever it changes. Ends with the engine.
pub async fn publish(
    api: Api<Answer>,
    name: String,
    mut sources: Sources,
    machine: Machine,
    clock: fn() -> Time,
) {
    let mut written = Written::default();
    let mut wait = calm::Wait::default();
    loop {
        let published = Arc::clone(&sources.engine.borrow_and_update());
        let installed = sources.install.borrow_and_update().clone();
        let is_lost = written.shown.is_lost_in(&sources.shown.borrow_and_update());
        let status = compose(
            &published,
            &installed,
            machine,
            &written.status.conditions,
            &clock(),
        );
        let news = status.filter(|status| is_lost || !written.is(&published, status));
        if let Some(status) = news {
            if is_lost || written.lacks(&published, &status) || wait.is_over() {
                match write(&api, &name, &status, machine).await {
                    Ok(shown) => written = Written::new(&published, status, shown),
                    Err(error) => {
                        tracing::warn!(%error, "cannot write the LandfallNode's status");
                        sleep(PATIENCE).await;
                        continue;
                    }
                }
                wait.clear();
            }
        } else {
            wait.clear();
        }
        sleep(PAUSE).await;
        let ended = tokio::select! {
            () = wait.over() => false,
            changed = sources.engine.changed() => changed.is_err(),
            changed = sources.install.changed() => changed.is_err(),
            changed = sources.shown.changed() => changed.is_err(),
        };
        if ended {
            return;
        }
    }
}

async fn write(
    api: &Api<Answer>,
    name: &str,
    status: &LandfallNodeStatus,
    machine: Machine,
) -> Result<Shown, kube::Error> {
    let patch = patch(status, machine).map_err(kube::Error::SerdeError)?;
    let params = PatchParams::default();
    let answer = api.patch_status(name, &params, &patch).await?;
    Ok(Shown::of(&answer.metadata, answer.status.as_ref()))
}

/// The last status that was written, and to which object.
#[derive(Debug, Default)]
struct Written {
    object: Option<landfall_core::id::Uid>,
    status: LandfallNodeStatus,
    /// The same, as the API server answered.
    shown: Shown,
}

// === impl Written ===

impl Written {
    fn new(published: &Published, status: LandfallNodeStatus, shown: Shown) -> Self {
        Self {
            object: published.object,
            status,
            shown,
        }
    }

    /// An object that was deleted and made again has no status yet.
    fn is(&self, published: &Published, status: &LandfallNodeStatus) -> bool {
        self.object == published.object && self.status == *status
    }

    /// Whether somebody waits for what the status says and this does not.
    fn lacks(&self, published: &Published, status: &LandfallNodeStatus) -> bool {
        self.object != published.object || calm::is_urgent(&self.status, status)
    }
}

#[cfg(test)]
mod tests;
