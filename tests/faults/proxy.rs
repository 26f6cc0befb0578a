//! A proxy between one of our programs and the API server, which does one thing wrong, once.
//!
//! Writes are numbered by what they are: `PUT addressblocks#2` is the second replacement of a block since
//! [`Proxy::begin`]. Everything else passes as it is.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    header::{self, HeaderName},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use kube::{Client, client::Body};
use tokio::{net::TcpListener, runtime::Handle, sync::Notify, task::AbortHandle};

type Error = anyhow::Error;
type Answer = Response<UnsyncBoxBody<Bytes, Error>>;

/// A write that waits for the next one goes on after this time if there is none.
const NEXT: Duration = Duration::from_millis(1500);

/// What is done to one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It arrives after the next write.
    Delay,
    /// It does not arrive.
    Drop,
    /// It is done, and the answer does not arrive.
    LoseAnswer,
    /// It is done and answered, and arrives once more after the next write.
    Repeat,
    /// It is refused with this status and Retry-After.
    Refuse(u16),
    /// All watches of the program end before it.
    CutWatches,
    /// The program dies before it.
    DieBefore,
    /// It is done, and the program dies before it hears of it.
    DieAfter,
}

/// All faults.
pub(crate) const FAULTS: [Fault; 10] = [
    Fault::Delay,
    Fault::Drop,
    Fault::LoseAnswer,
    Fault::Repeat,
    Fault::Refuse(429),
    Fault::Refuse(500),
    Fault::Refuse(503),
    Fault::CutWatches,
    Fault::DieBefore,
    Fault::DieAfter,
];

/// Stands before the API server for one program.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Shared>);

struct Shared {
    client: Client,
    state: Mutex<State>,
    /// A write has arrived.
    arrived: Notify,
}

#[derive(Default)]
struct State {
    /// How often each kind of write has been asked for.
    counts: BTreeMap<String, usize>,
    /// All of them, in their order.
    writes: Vec<String>,
    /// The write to do something to.
    plan: Option<(String, Fault)>,
    /// It was done.
    done: bool,
    /// How to end the program.
    die: Option<Arc<dyn Fn() + Send + Sync>>,
    connections: Vec<Connection>,
}

struct Connection {
    watches: Arc<AtomicBool>,
    task: AbortHandle,
}

// === impl Proxy ===

impl Proxy {
    /// Serves on an address, on the threads of a runtime.
    pub(crate) fn serve(runtime: &Handle, address: SocketAddr, client: Client) -> Self {
        let proxy = Self(Arc::new(Shared {
            client,
            state: Mutex::default(),
            arrived: Notify::new(),
        }));
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        runtime.spawn(proxy.clone().accept(listener));
        proxy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts writes from here, and does something to one of them.
    pub(crate) fn begin(&self, plan: Option<(String, Fault)>) {
        let mut state = self.state();
        state.counts.clear();
        state.writes.clear();
        state.plan = plan;
        state.done = false;
    }

    /// The writes since then, and whether one met its fault.
    pub(crate) fn end(&self) -> (Vec<String>, bool) {
        let mut state = self.state();
        state.plan = None;
        (std::mem::take(&mut state.writes), state.done)
    }

    /// Says how the program ends.
    pub(crate) fn dies_by(&self, die: impl Fn() + Send + Sync + 'static) {
        self.state().die = Some(Arc::new(die));
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let watches = Arc::new(AtomicBool::new(false));
            let (proxy, mark) = (self.clone(), Arc::clone(&watches));
            let service = service_fn(move |request| {
                let (proxy, mark) = (proxy.clone(), Arc::clone(&mark));
                async move { proxy.pass(request, &mark).await }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // An error of the service is a connection that breaks: that is what it is for.
            let task = tokio::spawn(async { drop(served.await) }).abort_handle();
            let mut state = self.state();
            state.connections.retain(|one| !one.task.is_finished());
            state.connections.push(Connection { watches, task });
        }
    }

    /// Breaks connections: those of watches, or all.
    fn cut(&self, all: bool) {
        for connection in &self.state().connections {
            if all || connection.watches.load(Ordering::Relaxed) {
                connection.task.abort();
            }
        }
    }

    async fn pass(
        &self,
        request: Request<Incoming>,
        watches: &AtomicBool,
    ) -> Result<Answer, Error> {
        let query = request.uri().query().unwrap_or_default();
        if query.contains("watch=true") {
            watches.store(true, Ordering::Relaxed);
        }
        let (mut parts, body) = request.into_parts();
        // The client has its own server, user and connection.
        for name in [header::HOST, header::AUTHORIZATION, header::CONNECTION] {
            parts.headers.remove(name);
        }
        let body = body.collect().await?.to_bytes();
        let fault = self.fault(&parts.method, parts.uri.path());
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse()?;
        let sent = Sent { parts, body };
        match fault {
            None => self.forward(&sent).await,
            Some(Fault::Delay) => {
                self.next().await;
                self.forward(&sent).await
            }
            Some(Fault::Drop) => Err(anyhow!("dropped")),
            Some(Fault::LoseAnswer) => {
                self.commit(&sent).await?;
                Err(anyhow!("the answer is lost"))
            }
            Some(Fault::Repeat) => {
                let answer = self.forward(&sent).await?;
                let (proxy, sent) = (self.clone(), sent);
                tokio::spawn(async move {
                    proxy.next().await;
                    drop(proxy.commit(&sent).await);
                });
                Ok(answer)
            }
            Some(Fault::Refuse(status)) => {
                let body = refusal(status);
                let answer = Response::builder().status(status);
                let answer = answer.header("content-type", "application/json");
                let body = Full::from(body).map_err(Error::from).boxed_unsync();
                Ok(answer.header("retry-after", "1").body(body)?)
            }
            Some(Fault::CutWatches) => {
                self.cut(false);
                self.forward(&sent).await
            }
            Some(Fault::DieBefore) => {
                self.die();
                Err(anyhow!("it died"))
            }
            Some(Fault::DieAfter) => {
                self.commit(&sent).await?;
                self.die();
                Err(anyhow!("it died"))
            }
        }
    }

    /// Numbers a write; says what is to be done to it.
    fn fault(&self, method: &Method, path: &str) -> Option<Fault> {
        if method == Method::GET {
            return None;
        }
        let mut state = self.state();
        let kind = format!("{method} {}", resource(path));
        let count = state.counts.entry(kind.clone()).or_default();
        *count += 1;
        let name = format!("{kind}#{count}");
        state.writes.push(name.clone());
        let fault = state.plan.take_if(|(planned, _)| *planned == name);
        state.done |= fault.is_some();
        drop(state);
        self.0.arrived.notify_waiters();
        fault.map(|(_, fault)| fault)
    }

    /// Waits for the next write to arrive, and for what is done with it.
    async fn next(&self) {
        let next = self.0.arrived.notified();
        if tokio::time::timeout(NEXT, next).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn die(&self) {
        let die = self.state().die.clone();
        die.expect("a way to end the program")();
        self.cut(true);
    }

    async fn forward(&self, sent: &Sent) -> Result<Answer, Error> {
        let answer = self.0.client.send(sent.request()).await?;
        let (mut parts, body) = answer.into_parts();
        for name in [header::TRANSFER_ENCODING, header::CONNECTION] {
            parts.headers.remove::<HeaderName>(name);
        }
        Ok(Response::from_parts(
            parts,
            body.map_err(Error::from).boxed_unsync(),
        ))
    }

    /// Has it done, to the end.
    async fn commit(&self, sent: &Sent) -> Result<(), Error> {
        let answer = self.0.client.send(sent.request()).await?;
        answer.into_body().collect().await?;
        Ok(())
    }
}

/// A request that can be sent again.
struct Sent {
    parts: hyper::http::request::Parts,
    body: Bytes,
}

// === impl Sent ===

impl Sent {
    fn request(&self) -> Request<Body> {
        Request::from_parts(self.parts.clone(), Body::from(self.body.to_vec()))
    }
}

/// `/apis/GROUP/VERSION[/namespaces/NAMESPACE]/RESOURCE[/NAME[/SUBRESOURCE]]` without the names.
fn resource(path: &str) -> String {
    let mut words = path.split('/').skip(1);
    // /api/v1 or /apis/GROUP/VERSION.
    let to_skip = if words.next() == Some("api") { 1 } else { 2 };
    let words: Vec<_> = words.skip(to_skip).collect();
    let words = match words.as_slice() {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    match words {
        [resource, _, part] => format!("{resource}/{part}"),
        [resource, ..] => (*resource).to_owned(),
        [] => String::new(),
    }
}

fn refusal(status: u16) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Status","status":"Failure","message":"not now","reason":"{}","code":{status}}}"#,
        match status {
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalError",
        }
    )
}
