//! IPAMClaims. Their definition is the NPWG's, and need not be there.

use std::time::Duration;

use futures::StreamExt as _;
use kube::{
    Api, Client,
    api::ListParams,
    core::{ApiResource, DynamicObject},
    runtime::watcher::{self, Event},
};
use tokio::{sync::mpsc, time::sleep};

use super::ClaimFacts;
use crate::watches::Change;

/// Between two looks for the definition of IPAMClaims.
const PAUSE: Duration = Duration::from_secs(10);
/// After a watch that failed otherwise.
const RETRY: Duration = Duration::from_secs(1);

pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: "k8s.cni.cncf.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "k8s.cni.cncf.io/v1alpha1".to_owned(),
        kind: "IPAMClaim".to_owned(),
        plural: "ipamclaims".to_owned(),
    }
}

/// All of them, by a quorum read; none where there is no such thing.
pub(crate) async fn list_ipam_claims(client: &Client) -> kube::Result<Vec<ClaimFacts>> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource());
    match api.list(&ListParams::default()).await {
        Ok(list) => Ok(list.items.into_iter().map(ClaimFacts::ipam).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Watches them as long as there are such things. Ends when nobody listens any more.
pub(crate) async fn watch_ipam_claims(client: Client, to: mpsc::Sender<Change>) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource());
    let mut is_known_absent = false;
    loop {
        match api.list(&ListParams::default().limit(1)).await {
            Ok(_) => {
                is_known_absent = false;
                if !follow(&api, &to).await {
                    return;
                }
                sleep(RETRY).await;
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => {
                if !is_known_absent && !tell_none(&to).await {
                    return;
                }
                is_known_absent = true;
                sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(%error, "IPAMClaims can't be read");
                sleep(RETRY).await;
            }
        }
    }
}

/// Returns whether somebody listens.
async fn follow(api: &Api<DynamicObject>, to: &mpsc::Sender<Change>) -> bool {
    let mut events = watcher::watcher(api.clone(), watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let event = crate::watches::map(event, ClaimFacts::ipam);
                if to.send(Change::IpamClaim(event)).await.is_err() {
                    return false;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the watch of IPAMClaims ended");
                return true;
            }
        }
    }
    true
}

/// A list of none. Returns whether somebody listens.
async fn tell_none(to: &mpsc::Sender<Change>) -> bool {
    to.send(Change::IpamClaim(Event::Init)).await.is_ok()
        && to.send(Change::IpamClaim(Event::InitDone)).await.is_ok()
}
