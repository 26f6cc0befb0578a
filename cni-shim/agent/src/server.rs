//! The plugin's socket: root only, one request a connection.
//!
//! ```text
//! accept ─ SO_PEERCRED ─ request + netns fd ─ call ─> engine ─> answer ─ response
//!                                              └ connection closed, 2 s over ─> Abort, Timeout
//! ```
//!
//! Each switch between threads costs more than what is done between them, so one thread takes a
//! request, tells the engine, makes or removes the links, and sends the answer. What must wait (for a
//! grant, a parent, another sandbox) waits in the runtime, where waiting is cheap.

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt as _, net::UnixListener as BlockingListener},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use landfall_core::{agent::Token, id::Name};
use landfall_link::crash;
use landfall_plugin::spec::CniError;
use tokio::{
    net::UnixListener,
    runtime::Handle,
    sync::{oneshot, watch},
};

use crate::{
    engine::{Answer, Handle as Engine, Input, Published},
    metrics::Metrics,
    records::Entry,
    scan::Roots,
};

mod answer;
mod call;
mod connection;
mod numbers;
mod spool;
mod verbs;

pub use answer::error_of;
pub use call::Call;
pub use numbers::Numbers;

/// Threads that take requests. More than wait in the kernel's lock for links at a time; and one that
/// a silent peer holds is not missed.
const THREADS: usize = 8;

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    /// The way to the engine.
    pub engine: Engine,
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
    let listener = crash::around("bind", "the socket", || UnixListener::bind(&new))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    crash::around("rename", "the socket", || fs::rename(&new, path))?;
    Ok(listener)
}

// === impl Server ===

impl Server {
    /// Serves. Does not end.
    pub async fn serve(self: Arc<Self>, listener: UnixListener) {
        if let Err(error) = self.start(listener) {
            tracing::error!(%error, "no plugin is served");
        }
        std::future::pending::<()>().await;
    }

    /// Starts the threads; what must wait does so in the runtime of the caller.
    fn start(self: Arc<Self>, listener: UnixListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        listener.set_nonblocking(false)?;
        let runtime = Handle::current();
        for _ in 0..THREADS {
            let (server, listener) = (Arc::clone(&self), listener.try_clone()?);
            let runtime = runtime.clone();
            thread::Builder::new()
                .name("request".to_owned())
                .spawn(move || server.accept(&listener, &runtime))?;
        }
        Ok(())
    }

    fn accept(self: Arc<Self>, listener: &BlockingListener, runtime: &Handle) {
        let mut numbers = Numbers::default();
        loop {
            let served = match listener.accept() {
                Ok((stream, _)) => self.connection(stream, runtime, &mut numbers),
                Err(error) => {
                    // Out of descriptors: those in use will come back.
                    tracing::error!(%error, "cannot accept a plugin's connection");
                    thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            if let Err(error) = served {
                tracing::debug!(%error, "a plugin's connection ended");
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
        let (input, answer) = self.del_input(container, interface, netns);
        self.engine.tell(input);
        answer::result(answer.await.ok()).map(drop)
    }

    fn del_input(
        &self,
        container: Name,
        interface: Option<Name>,
        netns: Option<Arc<landfall_link::Netns>>,
    ) -> (Input, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let input = Input::Del {
            token: self.token(),
            container,
            interface,
            netns,
            reply,
        };
        (input, answer)
    }

    /// All records.
    pub fn records(&self) -> Vec<Entry> {
        self.engine.records()
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
