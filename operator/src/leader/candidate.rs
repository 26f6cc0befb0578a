//! The task that takes, renews and gives back the Lease.
//!
//! It is also who notices that etcd was restored from a backup while this operator ran: the Lease is
//! written all the time, and a read with quorum that shows an earlier version than was known is of a backup.
//! What the operator knows is then of a time that is no more, and what the backup says is not true either: it
//! leads no more, and ends, to start anew, once the restore is announced (docs/restore.md).

use std::{fs, sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _};
use k8s_openapi::{
    api::{
        coordination::v1::{Lease, LeaseSpec},
        core::v1::ConfigMap,
    },
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::PostParams,
    core::ObjectMeta,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watch_object},
    },
};
use landfall_core::ledger::Millis;
use landfall_crds::{keys::LEDGER_CONFIG_MAP, ledger::restore};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{
    Leadership,
    election::{Seen, Step, Times, step},
};
use crate::{metrics::Metrics, watches::Pauses};

/// How often the Lease is written anew before an operator that ends leaves it to run out.
const ATTEMPTS: usize = 3;
/// Between two looks whether a restore of etcd was announced.
const ASK: Duration = Duration::from_secs(1);

/// One of several operators.
pub(crate) struct Candidate {
    leases: Api<Lease>,
    /// Where restores of etcd are announced.
    restores: Api<ConfigMap>,
    /// The Lease's name.
    name: String,
    /// Its own name in the Lease.
    me: String,
    times: Times,
    leadership: Leadership,
    metrics: Arc<Metrics>,
    monotonic: fn() -> Duration,
    /// The time, in milliseconds since 1970: for people who read the Lease.
    wall: fn() -> Millis,
    /// What the Lease was when it was seen last.
    object: Option<Lease>,
    seen: Seen,
    led: bool,
    /// The version that the Lease had before etcd was restored.
    gone_back: Option<u64>,
}

/// Why a candidate has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to.
    Told,
    /// etcd was restored from a backup, which is announced: the operator must start anew.
    Restored,
}

/// The clocks of a candidate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// Time since the start.
    pub(crate) monotonic: fn() -> Duration,
    /// Milliseconds since 1970.
    pub(crate) wall: fn() -> Millis,
}

// === impl Candidate ===

impl Candidate {
    /// A candidate with a name that no other process has: one that was killed does not hold the Lease
    /// of the one that kubelet starts in its place.
    pub(crate) fn new(
        client: Client,
        (namespace, lease): (&str, &str),
        pod: Option<&str>,
        times: Times,
        (leadership, metrics): (Leadership, Arc<Metrics>),
        clocks: Clocks,
    ) -> Self {
        let pod = pod.unwrap_or("landfall-operator");
        let draw = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
        Self {
            leases: Api::namespaced(client.clone(), namespace),
            restores: Api::namespaced(client, namespace),
            name: lease.to_owned(),
            me: format!("{pod}_{}", draw.trim()),
            times,
            leadership,
            metrics,
            monotonic: clocks.monotonic,
            wall: clocks.wall,
            object: None,
            seen: Seen::Nothing,
            led: false,
            gone_back: None,
        }
    }

    /// Runs until it is told to end, or must; then what is being written is waited for, and the Lease given back.
    pub(crate) async fn run(self, end: oneshot::Receiver<()>) -> End {
        let sightings = watch_object(self.leases.clone(), &self.name).backoff(Pauses::default());
        self.follow(sightings, end).await
    }

    async fn follow(
        mut self,
        sightings: impl Stream<Item = watcher::Result<Option<Lease>>>,
        mut end: oneshot::Receiver<()>,
    ) -> End {
        let mut sightings = Box::pin(sightings);
        let why = loop {
            let now = (self.monotonic)();
            let step = step(&self.seen, &self.me, self.times, now);
            let act = async {
                if let Some(known) = self.gone_back {
                    return self.is_announced(known).await;
                }
                match step {
                    Step::Wait(until) => {
                        let wait = sleep(until.saturating_sub(now));
                        tokio::select! {
                            () = wait => {}
                            Some(seen) = sightings.next() => self.sight(seen),
                        }
                    }
                    Step::Look => self.look().await,
                    Step::Take | Step::Renew => self.write().await,
                }
                false
            };
            let is_over = tokio::select! {
                // Told, or nobody is left to tell.
                _ = &mut end => break End::Told,
                is_over = act => is_over,
            };
            self.tell();
            if is_over {
                break End::Restored;
            }
        };
        self.leave().await;
        why
    }

    /// Whether the restore of etcd that was noticed is announced; else a while later. The epoch of a restore
    /// with `--bump-revision` is above every version before it.
    async fn is_announced(&self, known: u64) -> bool {
        let read = self.restores.get_opt(LEDGER_CONFIG_MAP);
        let object = timeout(self.times.patience(), read).await;
        let object = object.ok().and_then(Result::ok);
        let restore = object.and_then(|object| restore::read(object.as_ref()).ok());
        let is_announced =
            restore.is_some_and(|restore| restore.is_under_way() || restore.epoch > known);
        if !is_announced {
            sleep(ASK).await;
        }
        is_announced
    }

    /// Whoever reads metrics and the log learns who leads.
    fn tell(&mut self) {
        let leads = self.leadership.holds();
        self.metrics.leads(leads);
        if leads != self.led {
            self.led = leads;
            let holder = self.object.as_ref().and_then(holder).unwrap_or_default();
            if leads {
                tracing::info!("this operator leads");
            } else {
                tracing::warn!(holder, "this operator leads no more");
            }
        }
    }

    fn sight(&mut self, seen: watcher::Result<Option<Lease>>) {
        match seen {
            Ok(lease) => self.take(lease),
            // What is not seen is not known to be renewed; taking it then fails, if it was.
            Err(error) => tracing::debug!(%error, "the watch of the Lease failed"),
        }
    }

    async fn look(&mut self) {
        let read = self.leases.get_opt(&self.name);
        match timeout(self.times.patience(), read).await {
            Ok(Ok(lease)) => {
                self.notice_restore(lease.as_ref());
                self.take(lease);
            }
            Ok(Err(error)) => self.failed(&error.to_string()).await,
            Err(_) => self.failed("no answer in time").await,
        }
    }

    /// A read with quorum has shown this; what is known was known before it.
    fn notice_restore(&mut self, read: Option<&Lease>) {
        let known = self.object.as_ref().and_then(version);
        let Some((known, read)) = known.zip(read.and_then(version)) else {
            return;
        };
        if read < known && self.gone_back.is_none() {
            tracing::error!(
                known,
                read,
                "etcd was restored from a backup while this operator ran: the Lease has an earlier version \
                 than before. It leads no more, and starts anew once `kubectl landfall restored` was run \
                 (docs/restore.md)"
            );
            self.gone_back = Some(known);
        }
    }

    /// Takes what the Lease is, unless something later is known.
    fn take(&mut self, lease: Option<Lease>) {
        if let (Some(new), Some(known)) = (&lease, &self.object)
            && new.uid() == known.uid()
            && version(new) <= version(known)
            && self.seen != Seen::Nothing
        {
            return;
        }
        self.seen = lease.as_ref().map_or(Seen::Absent, |lease| {
            let spec = lease.spec.as_ref();
            let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
            let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
            Seen::Lease {
                holder: holder(lease).map(str::to_owned),
                lasts: seconds.map_or(self.times.lease, Duration::from_secs),
                at: (self.monotonic)(),
            }
        });
        self.object = lease;
        if !self.is_mine() || self.gone_back.is_some() {
            self.leadership.lose();
        }
    }

    fn is_mine(&self) -> bool {
        let lease = self.object.as_ref();
        lease.is_some_and(|lease| holder(lease) == Some(self.me.as_str()))
    }

    /// Writes the Lease as this candidate's, if it is still the version that was seen.
    async fn write(&mut self) {
        let began = (self.monotonic)();
        let lease = self.lease(Some(self.me.clone()));
        let request = self.put(&lease);
        match timeout(self.times.patience(), request).await {
            Ok(Ok(lease)) => {
                self.take(Some(lease));
                // From the beginning: when the API server did it is not known.
                self.leadership.extend(began + self.times.deadline());
            }
            Ok(Err(kube::Error::Api(status)))
                if status.is_conflict() || status.is_already_exists() || status.is_not_found() =>
            {
                self.seen = Seen::Nothing;
            }
            Ok(Err(error)) => self.failed(&error.to_string()).await,
            Err(_) => self.failed("no answer in time").await,
        }
    }

    async fn put(&self, lease: &Lease) -> kube::Result<Lease> {
        let params = PostParams::default();
        if lease.metadata.resource_version.is_some() {
            self.leases.replace(&self.name, &params, lease).await
        } else {
            self.leases.create(&params, lease).await
        }
    }

    async fn failed(&self, error: &str) {
        tracing::warn!(error, "the Lease could not be read or written");
        sleep(self.times.pause()).await;
    }

    /// The Lease with this holder from now on.
    fn lease(&self, to: Option<String>) -> Lease {
        let millis = i64::try_from((self.wall)()).unwrap_or_default();
        let now = MicroTime(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH));
        let known = self.object.as_ref().and_then(|lease| lease.spec.clone());
        let before = known.unwrap_or_default();
        let is_new = before.holder_identity != to;
        let acquired = before.acquire_time.clone().filter(|_| !is_new);
        let transitions = before.lease_transitions.unwrap_or_default();
        let spec = LeaseSpec {
            acquire_time: Some(acquired.unwrap_or_else(|| now.clone())),
            lease_duration_seconds: i32::try_from(self.times.lease.as_secs()).ok(),
            lease_transitions: Some(transitions + i32::from(is_new && to.is_some())),
            renew_time: Some(now),
            holder_identity: to,
            ..before
        };
        let fresh = || ObjectMeta {
            name: Some(self.name.clone()),
            ..ObjectMeta::default()
        };
        Lease {
            metadata: self
                .object
                .as_ref()
                .map_or_else(fresh, |o| o.metadata.clone()),
            spec: Some(spec),
        }
    }

    /// Ends: finishes what is being written, and gives the Lease back, so that nobody waits for its end.
    async fn leave(mut self) {
        if timeout(self.times.lease, self.leadership.end())
            .await
            .is_err()
        {
            tracing::warn!("a write has no answer yet; whoever leads next reads what came of it");
        }
        for _ in 0..ATTEMPTS {
            self.seen = Seen::Nothing;
            self.look().await;
            if !self.is_mine() {
                return;
            }
            let lease = self.lease(None);
            if let Ok(Ok(_)) = timeout(self.times.patience(), self.put(&lease)).await {
                tracing::info!("the Lease is given back");
                return;
            }
        }
        tracing::warn!("the Lease could not be given back: it runs out by itself");
    }
}

/// etcd's revision at the write of the Lease: it grows, also when the Lease is made anew.
fn version(lease: &Lease) -> Option<u64> {
    lease.resource_version()?.parse().ok()
}

/// Who has a Lease.
fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    Some(holder).filter(|holder| !holder.is_empty())
}

#[cfg(test)]
mod tests;
