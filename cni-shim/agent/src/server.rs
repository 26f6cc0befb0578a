//! The plugin's socket: root only, one request a connection.
//!
//! ```text
//! accept ─ SO_PEERCRED ─ request + netns fd ─ call ─> engine ─> answer ─ response
//!                                              └ connection closed, 2 s over ─> Abort, Timeout
//! ```

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt as _, net::UnixStream as BlockingStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use landfall_core::{
    agent::{Event, Token},
    id::Name,
};
use landfall_plugin::{
    spec::{CniError, Code, Verb},
    wire::{self, Attached, Response},
};
use tokio::{
    io::Interest,
    net::{UnixListener, UnixStream},
    sync::{oneshot, watch},
    time::sleep,
};

use crate::{
    engine::{Answer, Handle, Input, Published},
    metrics::Metrics,
    records::Entry,
    scan::Roots,
};

mod answer;
mod call;
mod spool;
mod verbs;

pub use answer::error_of;
pub use call::Call;

/// An ADD waits no longer for a grant: a longer wait would hold the runtime's reload lock, and with it
/// every pod of the node.
const ADD_LIMIT: Duration = Duration::from_secs(2);
/// A plugin that has connected sends at once.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// An answer fits into the socket's buffer.
const WRITE_LIMIT: Duration = Duration::from_millis(500);

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    /// The way to the engine.
    pub engine: Handle,
    /// Its state.
    pub published: watch::Receiver<Arc<Published>>,
    /// Counts and times.
    pub metrics: Arc<Metrics>,
    /// Where network namespaces are.
    pub roots: Roots,
    /// For messages.
    pub node: String,
    /// The clock.
    pub now: fn() -> Instant,
    /// Names of requests.
    pub tokens: AtomicU64,
}

/// Binds the socket beside its place and renames it: a plugin meets the old agent or the new one.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    fs::rename(&new, path)?;
    Ok(listener)
}

// === impl Server ===

impl Server {
    /// Serves. Does not end.
    pub async fn serve(self: Arc<Self>, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(error) = server.connection(stream).await {
                            tracing::debug!(%error, "a plugin's connection ended");
                        }
                    });
                }
                Err(error) => {
                    // Out of descriptors: those in use will come back.
                    tracing::error!(%error, "cannot accept a plugin's connection");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(&self, stream: UnixStream) -> io::Result<()> {
        let start = (self.now)();
        if stream.peer_cred()?.uid() != 0 {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(READ_LIMIT))?;
        // Reading the namespace's cookie enters it, on a thread; so does whatever blocks.
        let received = tokio::task::spawn_blocking(move || {
            let received = wire::receive_request(&stream);
            (
                stream,
                received.map(|(request, netns)| (request.verb, Call::of(&request, netns))),
            )
        });
        let (stream, received) = received.await.map_err(io::Error::other)?;
        let (verb, call) = received.map_err(io::Error::other)?;
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        let result = match call {
            Ok(call) => self.perform(call, &stream).await,
            Err(error) => Some(Err(error)),
        };
        let Some(result) = result else {
            self.metrics.count(verb, "aborted", (self.now)() - start);
            return Ok(());
        };
        self.metrics
            .count(verb, outcome(&result), (self.now)() - start);
        respond(stream, verb, result.map_err(|error| self.said(error)))
    }

    /// `None`: the plugin has closed its connection.
    async fn perform(
        &self,
        call: Call,
        stream: &UnixStream,
    ) -> Option<Result<Vec<Attached>, CniError>> {
        match call {
            Call::Add(add) => self.add(*add, stream).await,
            Call::Del {
                container,
                interface,
                netns,
            } => Some(
                self.del(container, interface, netns)
                    .await
                    .map(|()| Vec::new()),
            ),
            Call::Check { container } => Some(self.check(container).await.map(|()| Vec::new())),
            Call::Gc { valid } => Some(self.gc(valid).await.map(|()| Vec::new())),
            Call::Status { door } => Some(self.status(door).map(|()| Vec::new())),
            Call::Nothing => Some(Ok(Vec::new())),
        }
    }

    async fn add(
        &self,
        add: call::Add,
        stream: &UnixStream,
    ) -> Option<Result<Vec<Attached>, CniError>> {
        let token = self.token();
        let (reply, answer) = oneshot::channel();
        self.engine.tell(Input::Add {
            request: add.request(token),
            sandbox: add.sandbox,
            reply,
        });
        tokio::pin!(answer);
        let mut timed_out = false;
        loop {
            tokio::select! {
                answered = &mut answer => return Some(answer::result(answered.ok())),
                () = sleep(ADD_LIMIT), if !timed_out => {
                    timed_out = true;
                    self.engine.tell(Input::Event(Event::Timeout(token)));
                }
                () = closed(stream) => {
                    self.engine.tell(Input::Event(Event::Abort(token)));
                    return None;
                }
            }
        }
    }

    /// Detaches a sandbox, or one interface of it.
    pub async fn del(
        &self,
        container: Name,
        interface: Option<Name>,
        netns: Option<Arc<landfall_link::Netns>>,
    ) -> Result<(), CniError> {
        let (reply, answer) = oneshot::channel::<Answer>();
        self.engine.tell(Input::Del {
            token: self.token(),
            container,
            interface,
            netns,
            reply,
        });
        answer::result(answer.await.ok()).map(drop)
    }

    /// All records.
    pub async fn records(&self) -> Vec<Entry> {
        let (reply, records) = oneshot::channel();
        self.engine.tell(Input::Records(reply));
        records.await.unwrap_or_default()
    }

    fn token(&self) -> Token {
        Token(self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// The user reads it in an Event of the pod, far from this node.
    fn said(&self, mut error: CniError) -> CniError {
        error.msg = format!("landfall on node {}: {}", self.node, error.msg);
        error
    }
}

/// Waits until the plugin closes the connection; it has nothing more to say before.
async fn closed(stream: &UnixStream) {
    loop {
        if stream.ready(Interest::READABLE).await.is_err() {
            return;
        }
        match stream.try_read(&mut [0; 64]) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

fn respond(
    stream: UnixStream,
    verb: Verb,
    result: Result<Vec<Attached>, CniError>,
) -> io::Result<()> {
    let response = match result {
        Ok(attached) => Response::done(attached),
        Err(error) => Response::failed(answer::worded(verb, error)),
    };
    let stream: BlockingStream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    wire::send_response(&stream, &response).map_err(io::Error::other)
}

fn outcome(result: &Result<Vec<Attached>, CniError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(error) if error.code == Code::TryAgainLater => "try_again",
        Err(error) if error.code == Code::InvalidConfig => "refused",
        Err(_) => "failed",
    }
}
