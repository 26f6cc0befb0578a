//! Watches of types whose definition is another project's, and need not be there.

use std::time::Duration;

use futures::StreamExt as _;
use kube::{
    Api, Client,
    api::ListParams,
    core::{ApiResource, DynamicObject},
    runtime::watcher::{self, Event},
};
use tokio::{sync::mpsc, time::sleep};

use super::{Change, map};

/// Between two looks for the definition.
const PAUSE: Duration = Duration::from_secs(10);
/// After a watch that failed otherwise.
const RETRY: Duration = Duration::from_secs(1);

/// A type that need not be there, and what its objects become.
pub(crate) struct Optional<T> {
    pub(crate) resource: ApiResource,
    pub(crate) read: fn(DynamicObject) -> T,
    pub(crate) change: fn(Event<T>) -> Change,
}

// === impl Optional ===

impl<T> Optional<T> {
    /// Watches all objects as long as there are such things; where there are none, says that once. Ends
    /// when nobody listens any more.
    pub(crate) async fn watch(self, client: Client, to: mpsc::Sender<Change>) {
        let kind = &self.resource.kind;
        let api: Api<DynamicObject> = Api::all_with(client, &self.resource);
        let mut is_known_absent = false;
        loop {
            match api.list(&ListParams::default().limit(1)).await {
                Ok(_) => {
                    is_known_absent = false;
                    if !self.follow(&api, &to).await {
                        return;
                    }
                    sleep(RETRY).await;
                }
                // By the code: where there is no such resource the body is plain text, without a reason
                // (seen with Kubernetes 1.36).
                Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => {
                    if !is_known_absent && !self.tell_none(&to).await {
                        return;
                    }
                    is_known_absent = true;
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "{kind}s can't be read");
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Returns whether somebody listens.
    async fn follow(&self, api: &Api<DynamicObject>, to: &mpsc::Sender<Change>) -> bool {
        let mut events = watcher::watcher(api.clone(), watcher::Config::default()).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let change = (self.change)(map(event, self.read));
                    if to.send(change).await.is_err() {
                        return false;
                    }
                }
                // The definition may have gone: it is looked for again.
                Err(error) => {
                    tracing::debug!(%error, "the watch of {}s ended", self.resource.kind);
                    return true;
                }
            }
        }
        true
    }

    /// A list of none. Returns whether somebody listens.
    async fn tell_none(&self, to: &mpsc::Sender<Change>) -> bool {
        to.send((self.change)(Event::Init)).await.is_ok()
            && to.send((self.change)(Event::InitDone)).await.is_ok()
    }
}
