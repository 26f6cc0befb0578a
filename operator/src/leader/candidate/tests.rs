use std::{
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
    routing::any,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

use super::{Candidate, Clocks, End, Leadership, Times};
use crate::metrics::Metrics;

/// The one Lease of an API server in memory, the version of its last write, and what is known of restores
/// of etcd.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Stored>>);

type Stored = (Option<Value>, u64, Option<Value>);

#[expect(
    clippy::unused_async,
    reason = "axum takes asynchronous functions only"
)]
impl Server {
    fn client(&self) -> kube::Client {
        let router = Router::new().fallback(any(Self::answer));
        kube::Client::new(router.with_state(self.clone()), "home")
    }

    fn lease(&self) -> Value {
        self.0.lock().unwrap().0.clone().unwrap_or_default()
    }

    fn give(&self, to: &str) {
        let (lease, version, _) = &mut *self.0.lock().unwrap();
        *version += 1;
        let lease = lease.as_mut().unwrap();
        lease["metadata"]["resourceVersion"] = version.to_string().into();
        lease["spec"]["holderIdentity"] = to.into();
    }

    fn version(&self) -> u64 {
        self.0.lock().unwrap().1
    }

    /// etcd is restored with this Lease; versions go on from far above.
    fn restore(&self, backup: Value) {
        let (lease, version, _) = &mut *self.0.lock().unwrap();
        *version += 1_000_000;
        *lease = Some(backup);
    }

    /// `kubectl landfall restored`.
    fn announce(&self) {
        let (_, version, restores) = &mut *self.0.lock().unwrap();
        *version += 1;
        *restores = Some(json!({
            "metadata": {"name": "landfall-ledger"},
            "data": {"restored": version.to_string()},
        }));
    }

    async fn answer(
        State(server): State<Self>,
        uri: Uri,
        method: Method,
        body: String,
    ) -> Response {
        let (lease, version, restores) = &mut *server.0.lock().unwrap();
        let refuse = |code: StatusCode, reason: &str| {
            let status = json!({"status": "Failure", "reason": reason, "code": code.as_u16()});
            (code, status.to_string()).into_response()
        };
        if uri.path().ends_with("/configmaps/landfall-ledger") {
            return match restores {
                Some(restores) => restores.to_string().into_response(),
                None => refuse(StatusCode::NOT_FOUND, "NotFound"),
            };
        }
        let new: Value = serde_json::from_str(&body).unwrap_or_default();
        let versions = [lease.clone().unwrap_or_default(), new.clone()]
            .map(|lease| lease["metadata"]["resourceVersion"].clone());
        match (&lease, method) {
            (None, Method::GET | Method::PUT) => refuse(StatusCode::NOT_FOUND, "NotFound"),
            (Some(lease), Method::GET) => lease.to_string().into_response(),
            (Some(_), Method::POST) => refuse(StatusCode::CONFLICT, "AlreadyExists"),
            (Some(_), Method::PUT) if versions[0] != versions[1] => {
                refuse(StatusCode::CONFLICT, "Conflict")
            }
            (_, _) => {
                *version += 1;
                let mut new = new;
                new["metadata"]["uid"] = "u".into();
                new["metadata"]["resourceVersion"] = version.to_string().into();
                let text = new.to_string();
                *lease = Some(new);
                text.into_response()
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own clock")]
fn monotonic() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

struct Operator {
    leadership: Leadership,
    end: oneshot::Sender<()>,
    task: JoinHandle<End>,
}

impl Operator {
    /// Its watch shows nothing, as behind a connection that died without a word: what it knows it has read.
    fn start(server: &Server, name: &str) -> Self {
        let leadership = Leadership::new(monotonic);
        let metrics = Arc::new(Metrics::new(monotonic));
        let wall = || 1_000;
        let candidate = Candidate::new(
            server.client(),
            ("home", "lease"),
            Some(name),
            Times::of(Duration::from_secs(2)),
            (leadership.clone(), metrics),
            Clocks { monotonic, wall },
        );
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(candidate.follow(stream::pending(), ended));
        Self {
            leadership,
            end,
            task,
        }
    }

    async fn leads(&self) {
        while !self.leadership.holds() {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn holder(server: &Server) -> String {
    let lease = server.lease();
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    holder.split('_').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn one_leads_and_the_next_one_after_it_died_without_a_word() {
    let server = Server::default();
    let first = Operator::start(&server, "first");
    first.leads().await;
    let second = Operator::start(&server, "second");
    // Over several renewals.
    while server.version() < 4 {
        sleep(Duration::from_millis(5)).await;
        assert!(!second.leadership.holds(), "while {}", holder(&server));
    }
    assert_eq!(holder(&server), "first");
    first.task.abort();
    second.leads().await;
    assert_eq!(holder(&server), "second");
    assert!(!first.leadership.holds(), "it ended before");
    assert_eq!(server.lease()["spec"]["leaseTransitions"], 2);
}

#[tokio::test]
async fn a_leader_that_ends_gives_the_lease_back() {
    let server = Server::default();
    let first = Operator::start(&server, "first");
    first.leads().await;
    first.end.send(()).unwrap();
    first.task.await.unwrap();
    assert_eq!(holder(&server), "");
    assert!(!first.leadership.holds());
    let second = Operator::start(&server, "second");
    second.leads().await;
    assert_eq!(holder(&server), "second");
}

#[tokio::test]
async fn a_follower_that_ends_leaves_the_lease_alone() {
    let server = Server::default();
    let first = Operator::start(&server, "first");
    first.leads().await;
    let second = Operator::start(&server, "second");
    sleep(Duration::from_millis(100)).await;
    second.end.send(()).unwrap();
    second.task.await.unwrap();
    assert_eq!(holder(&server), "first");
    assert!(first.leadership.holds());
}

/// Somebody else wrote the Lease: a leader that sees that does not wait for its own time to pass.
#[tokio::test]
async fn a_leader_whose_lease_another_has_stops() {
    let server = Server::default();
    let first = Operator::start(&server, "first");
    first.leads().await;
    server.give("second_x");
    while first.leadership.holds() {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(holder(&server), "second");
}

/// Its pod's watch of the Lease is as silent as ever: its own writes tell it.
#[tokio::test]
async fn who_lives_through_a_restore_of_etcd_leads_no_more_and_ends_once_that_is_announced() {
    let server = Server::default();
    let first = Operator::start(&server, "first");
    first.leads().await;
    let backup = server.lease();
    while server.version() < 3 {
        sleep(Duration::from_millis(5)).await;
    }
    server.restore(backup);
    while first.leadership.holds() {
        sleep(Duration::from_millis(5)).await;
    }
    let version = server.version();
    // Longer than a Lease lasts.
    sleep(Duration::from_millis(2_500)).await;
    assert!(!first.leadership.holds() && !first.task.is_finished());
    assert_eq!(server.version(), version, "it writes nothing");
    // One that starts now knows nothing of before.
    let second = Operator::start(&server, "second");
    second.leads().await;
    server.announce();
    assert_eq!(first.task.await.unwrap(), End::Restored);
    assert_eq!(holder(&server), "second");
}
