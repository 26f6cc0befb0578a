//! One connection of the plugin.

use std::{
    io,
    os::unix::net::UnixStream as BlockingStream,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use landfall_core::agent::{Event, Token};
use landfall_link::crash;
use landfall_plugin::{
    spec::{CniError, Code, Verb},
    wire::{self, Attached, Response},
};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use tokio::{
    io::Interest,
    net::UnixStream,
    runtime::Handle,
    sync::oneshot::{self, Receiver, error::RecvError},
    time::sleep,
};

use super::{Call, Numbers, Server, answer};
use crate::engine::{Answer, Input};

/// An ADD waits no longer for a grant: a longer wait would hold the runtime's reload lock, and with it
/// every pod of the node.
const ADD_LIMIT: Duration = Duration::from_secs(2);
/// A plugin that has connected sends at once.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// An answer fits into the socket's buffer.
const WRITE_LIMIT: Duration = Duration::from_millis(500);
/// An answer that takes longer than a few attaches is waited for elsewhere.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Who waits for an answer.
struct Asker {
    stream: BlockingStream,
    verb: Verb,
    since: Instant,
}

/// An answer, or who will have one. An ADD has a token by which to end it.
enum Told {
    Answered(Result<Vec<Attached>, CniError>),
    Add(Token, Receiver<Answer>),
    Del(Receiver<Answer>),
    /// What asks more than one question.
    Later(Call),
}

impl Server {
    /// Serves a connection, or hands it over to the runtime.
    pub(super) fn connection(
        self: &Arc<Self>,
        stream: BlockingStream,
        runtime: &Handle,
        numbers: &mut Numbers,
    ) -> io::Result<()> {
        let since = (self.now)();
        if getsockopt(&stream, PeerCredentials)?.uid() != 0 {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        stream.set_read_timeout(Some(READ_LIMIT))?;
        let (request, netns) = wire::receive_request(&stream).map_err(io::Error::other)?;
        let verb = request.verb;
        let mut told = match Call::of(&request, netns, numbers) {
            Ok(call) => self.tell(call),
            Err(error) => Told::Answered(Err(error)),
        };
        let at_once = match &mut told {
            Told::Add(_, answer) => self.at_once(answer, AT_ONCE),
            // Its link is removed by now, or in its turn elsewhere: a wave of them waits here for nobody,
            // or an ADD behind it would wait for all.
            Told::Del(answer) => self.at_once(answer, Duration::ZERO),
            Told::Answered(_) | Told::Later(_) => None,
        };
        if let Some(answer) = at_once {
            told = Told::Answered(answer::result(answer.ok()));
        }
        let asker = Asker {
            stream,
            verb,
            since,
        };
        let answered = match told {
            Told::Answered(result) => self.respond(asker, result),
            told @ (Told::Add(..) | Told::Del(_) | Told::Later(_)) => {
                let server = Arc::clone(self);
                runtime.spawn(async move {
                    if let Err(error) = server.later(asker, told).await {
                        tracing::debug!(%error, "a plugin's connection ended");
                    }
                });
                Ok(())
            }
        };
        // Not before the answer: it wakes a thread, and nobody waits for that.
        if matches!(verb, Verb::Add | Verb::Del) {
            self.engine.ring();
        }
        answered
    }

    fn tell(&self, call: Call) -> Told {
        match call {
            Call::Add(add) => {
                let (token, container) = (self.token(), add.container.clone());
                let (reply, answer) = oneshot::channel();
                let input = Input::Add {
                    request: add.request(token),
                    sandbox: add.sandbox,
                    reply,
                };
                self.engine.serve(input, &container);
                Told::Add(token, answer)
            }
            Call::Del {
                container,
                interface,
                netns,
            } => {
                let (input, answer) = self.del_input(container.clone(), interface, netns);
                self.engine.serve(input, &container);
                Told::Del(answer)
            }
            Call::Status { door } => Told::Answered(self.status(door).map(|()| Vec::new())),
            Call::Nothing => Told::Answered(Ok(Vec::new())),
            Call::Check { .. } | Call::Gc { .. } => Told::Later(call),
        }
    }

    /// Takes an answer that is there, or waits on this thread for one that is about to come.
    fn at_once(
        &self,
        answer: &mut Receiver<Answer>,
        limit: Duration,
    ) -> Option<Result<Answer, RecvError>> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let end = (self.now)() + limit;
        loop {
            if let Poll::Ready(answer) = Pin::new(&mut *answer).poll(&mut context) {
                return Some(answer);
            }
            let left = end.saturating_duration_since((self.now)());
            if left.is_zero() {
                return None;
            }
            thread::park_timeout(left);
        }
    }

    async fn later(&self, asker: Asker, told: Told) -> io::Result<()> {
        let result = match told {
            Told::Answered(result) => result,
            Told::Del(answer) => answer::result(answer.await.ok()),
            Told::Later(Call::Check {
                container,
                interface,
            }) => self.check(container, interface).await,
            Told::Later(Call::Gc { valid }) => self.gc(valid).await.map(|()| Vec::new()),
            // Told at once, all of them.
            Told::Later(_) => Ok(Vec::new()),
            Told::Add(token, answer) => {
                let stream = asker.stream.try_clone()?;
                stream.set_nonblocking(true)?;
                let Some(result) = self.add(token, answer, UnixStream::from_std(stream)?).await
                else {
                    let took = (self.now)() - asker.since;
                    self.metrics.count(asker.verb, "aborted", took);
                    return Ok(());
                };
                asker.stream.set_nonblocking(false)?;
                result
            }
        };
        self.respond(asker, result)
    }

    /// `None`: the plugin has closed its connection.
    async fn add(
        &self,
        token: Token,
        mut answer: Receiver<Answer>,
        stream: UnixStream,
    ) -> Option<Result<Vec<Attached>, CniError>> {
        let mut timed_out = false;
        loop {
            tokio::select! {
                answered = &mut answer => return Some(answer::result(answered.ok())),
                () = sleep(ADD_LIMIT), if !timed_out => {
                    timed_out = true;
                    self.engine.tell(Input::Event(Event::Timeout(token)));
                }
                () = closed(&stream) => {
                    self.engine.tell(Input::Event(Event::Abort(token)));
                    return None;
                }
            }
        }
    }

    fn respond(&self, asker: Asker, result: Result<Vec<Attached>, CniError>) -> io::Result<()> {
        let Asker {
            stream,
            verb,
            since,
        } = asker;
        let outcome = outcome(&result);
        let response = match result {
            Ok(attached) => Response::done(attached),
            Err(error) => Response::failed(answer::worded(verb, self.said(error))),
        };
        stream.set_write_timeout(Some(WRITE_LIMIT))?;
        let sent = crash::around("send", "an answer", || {
            wire::send_response(&stream, &response)
        });
        // The plugin goes on when the connection ends, and this can wait for it.
        drop(stream);
        self.metrics.count(verb, outcome, (self.now)() - since);
        sent.map_err(io::Error::other)
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

fn outcome(result: &Result<Vec<Attached>, CniError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(error) if error.code == Code::TryAgainLater => "try_again",
        Err(error) if error.code == Code::InvalidConfig => "refused",
        Err(_) => "failed",
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
