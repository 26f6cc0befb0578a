//! The plugin's side of the connection.

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket},
};

use crate::{
    spec::Verb,
    wire::{self, Request, Response, WireError},
};

/// Until the agent takes the connection: connecting to a unix socket takes microseconds, unless the
/// agent is too busy to accept.
const CONNECT_ATTEMPTS: u32 = 8;
const CONNECT_PAUSE: Duration = Duration::from_millis(10);
/// Until the agent takes the request.
const SEND_LIMIT: Duration = Duration::from_millis(500);
/// The agent answers an ADD within 2 s, come what may: a longer wait would hold the runtime's lock and
/// with it every pod of the node.
const ADD_LIMIT: Duration = Duration::from_millis(2500);
/// A DEL waits for an ADD in flight to end, and for links to be removed.
const DEL_LIMIT: Duration = Duration::from_secs(10);

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The agent does not listen.
    #[error("Landfall's agent does not listen at {path}")]
    Away {
        /// Where it should.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The agent listens, and that is all.
    #[error("Landfall's agent does not answer")]
    Silent(#[source] WireError),
}

// === impl ClientError ===

impl ClientError {
    /// Whether the agent had ended, so that the next one may be there at once: not one that is too slow.
    pub fn is_gone(&self) -> bool {
        let is_slow = |error: &io::Error| {
            let kind = error.kind();
            matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
        };
        match self {
            Self::Away { .. } | Self::Silent(WireError::Closed) => true,
            Self::Silent(WireError::Send(error) | WireError::Receive(error)) => !is_slow(error),
            Self::Silent(_) => false,
        }
    }
}

/// Asks the agent.
pub fn call(
    path: &Path,
    request: &Request,
    netns: Option<BorrowedFd<'_>>,
) -> Result<Response, ClientError> {
    let stream = connect_to(path).map_err(|source| ClientError::Away {
        path: path.display().to_string(),
        source,
    })?;
    exchange(&stream, request, netns).map_err(ClientError::Silent)
}

fn exchange(
    stream: &UnixStream,
    request: &Request,
    netns: Option<BorrowedFd<'_>>,
) -> Result<Response, WireError> {
    let limit = match request.verb {
        Verb::Del | Verb::Gc => DEL_LIMIT,
        Verb::Add | Verb::Check | Verb::Status | Verb::Version => ADD_LIMIT,
    };
    stream
        .set_write_timeout(Some(SEND_LIMIT))
        .and_then(|()| stream.set_read_timeout(Some(limit)))
        .map_err(WireError::Send)?;
    wire::send_request(stream, request, netns)?;
    wire::receive_response(stream)
}

/// A blocking connect() waits without limit while the agent's queue is full; this one does not wait.
fn connect_to(path: &Path) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let address = UnixAddr::new(path)?;
    let mut attempt = 1;
    loop {
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => {
                let stream = UnixStream::from(socket);
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(Errno::EAGAIN | Errno::EINTR) if attempt < CONNECT_ATTEMPTS => {
                attempt += 1;
                thread::sleep(CONNECT_PAUSE);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}
