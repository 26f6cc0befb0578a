//! How users' objects are kept up to date: our finalizer, and a status of ours, written by a task of its
//! own.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
    jiff::Timestamp,
};
use kube::api::{Patch, PatchParams};
use landfall_core::{id::Uid, ledger::Millis};
use landfall_crds::keys::{self, finalizer};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// The most writes of a kind that wait; beyond, an object is looked at again later.
pub(crate) const QUEUE: usize = 256;
/// How often statuses are brought up to date at most.
pub(crate) const PERIOD: Millis = 1_000;
/// Requests under way at once.
const CONCURRENT: usize = 8;
/// When finalizers are sent again that nothing came of.
const AGAIN: Millis = 10_000;
/// The field manager of statuses.
const MANAGER: &str = "landfall-operator";

/// The version of each object whose finalizers were sent, and when.
#[derive(Debug, Default)]
pub(crate) struct Sent(BTreeMap<Uid, (Option<String>, Millis)>);

// === impl Sent ===

impl Sent {
    /// The patch of an object's finalizers that is due and was not sent: ours stands on what lives, and
    /// goes from what is being deleted once nobody needs that.
    pub(crate) fn due(
        &self,
        uid: Uid,
        meta: &ObjectMeta,
        is_needed: impl FnOnce() -> bool,
        now: Millis,
    ) -> Option<Value> {
        let is_due = match (meta.deletion_timestamp.is_some(), has_finalizer(meta)) {
            (false, false) => true,
            (true, true) => !is_needed(),
            (false, true) | (true, false) => false,
        };
        let sent = self.0.get(&uid);
        let is_sent = sent.is_some_and(|(version, at)| {
            *version == meta.resource_version && now < at.saturating_add(AGAIN)
        });
        (is_due && !is_sent).then(|| finalizers(meta))
    }

    /// They were sent.
    pub(crate) fn note(&mut self, uid: Uid, meta: &ObjectMeta, now: Millis) {
        self.0.insert(uid, (meta.resource_version.clone(), now));
        if self.0.len() > QUEUE {
            self.0.retain(|_, (_, at)| now < at.saturating_add(AGAIN));
        }
    }

    /// What was sent may not have been written: this operator did not lead.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether our finalizer is in place.
pub(crate) fn has_finalizer(meta: &ObjectMeta) -> bool {
    let mut all = meta.finalizers.iter().flatten();
    all.any(|one| one == finalizer::ADDRESSES)
}

/// All finalizers as they should be, under the version that was seen.
fn finalizers(meta: &ObjectMeta) -> Value {
    let mut all = meta.finalizers.clone().unwrap_or_default();
    all.retain(|one| one != finalizer::ADDRESSES);
    if meta.deletion_timestamp.is_none() {
        all.push(finalizer::ADDRESSES.to_owned());
    }
    json!({"metadata": {
        "uid": meta.uid,
        "resourceVersion": meta.resource_version,
        "finalizers": all,
    }})
}

/// A status of ours, whole.
pub(crate) fn status_patch(kind: &str, status: &impl Serialize) -> (PatchParams, Patch<Value>) {
    let patch = json!({
        "apiVersion": format!("{}/{}", keys::GROUP, keys::VERSION),
        "kind": kind,
        "status": status,
    });
    (PatchParams::apply(MANAGER).force(), Patch::Apply(patch))
}

/// A time as conditions have it.
pub(crate) fn time(now: Millis) -> Time {
    let millis = i64::try_from(now).unwrap_or_default();
    Time(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Writes what comes, some at once.
pub(crate) async fn write_all<W, F>(mut from: mpsc::Receiver<W>, write: impl Fn(W) -> F)
where
    F: Future<Output = ()>,
{
    let queue = futures::stream::poll_fn(move |context| from.poll_recv(context));
    queue.for_each_concurrent(CONCURRENT, write).await;
}

/// The failure of a write that somebody should know of. An object that has changed, or is gone, is none:
/// the watch says so, and it is looked at again.
pub(crate) fn failure(written: kube::Result<()>) -> Option<kube::Error> {
    match written {
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => None,
        written => written.err(),
    }
}
