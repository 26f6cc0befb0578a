//! Frames over the socket.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use nix::{
    cmsg_space,
    errno::Errno,
    sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{MAX_FRAME, Request, Response, VERSION};

/// A frame that did not come through.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It was not sent.
    #[error("cannot send")]
    Send(#[source] io::Error),
    /// It was not received.
    #[error("cannot receive")]
    Receive(#[source] io::Error),
    /// The other side closed the connection before it said anything.
    #[error("the other side closed the connection")]
    Closed,
    /// Longer than [`MAX_FRAME`].
    #[error("a message of {0} bytes is longer than the {MAX_FRAME} that are allowed")]
    TooLong(usize),
    /// No JSON, or other JSON than expected.
    #[error("a message can't be read")]
    Garbled(#[source] serde_json::Error),
    /// A version that is not ours.
    #[error("the other side speaks version {0} of the protocol, this is version {VERSION}")]
    Version(u32),
}

/// Sends a request, with the sandbox's namespace where there is one.
pub fn send_request(
    stream: &UnixStream,
    request: &Request,
    netns: Option<BorrowedFd<'_>>,
) -> Result<(), WireError> {
    let frame = frame(request)?;
    let fds: Vec<_> = netns.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = ControlMessage::ScmRights(&fds);
    let control = if fds.is_empty() {
        &[]
    } else {
        std::slice::from_ref(&rights)
    };
    // Not sent in one piece if it is longer than the socket's buffer; the descriptor is with its first
    // byte.
    let sent = loop {
        let flags = MsgFlags::MSG_NOSIGNAL;
        match sendmsg::<()>(
            stream.as_raw_fd(),
            &[IoSlice::new(&frame)],
            control,
            flags,
            None,
        ) {
            Err(Errno::EINTR) => {}
            other => break other.map_err(|errno| WireError::Send(errno.into()))?,
        }
    };
    let mut stream = stream;
    stream
        .write_all(frame.get(sent..).unwrap_or_default())
        .map_err(WireError::Send)
}

/// Receives a request, and the sandbox's namespace if one came along.
pub fn receive_request(stream: &UnixStream) -> Result<(Request, Option<OwnedFd>), WireError> {
    let (length, netns) = receive_length(stream)?;
    let request: Request = receive_body(stream, length)?;
    if request.version == VERSION {
        Ok((request, netns))
    } else {
        Err(WireError::Version(request.version))
    }
}

/// Sends a response.
pub fn send_response(mut stream: &UnixStream, response: &Response) -> Result<(), WireError> {
    stream.write_all(&frame(response)?).map_err(WireError::Send)
}

/// Receives a response.
pub fn receive_response(stream: &UnixStream) -> Result<Response, WireError> {
    let (length, _) = receive_length(stream)?;
    let response: Response = receive_body(stream, length)?;
    if response.version == VERSION {
        Ok(response)
    } else {
        Err(WireError::Version(response.version))
    }
}

/// A message as a frame.
fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).map_err(WireError::Garbled)?;
    let length = frame.len() - 4;
    let bytes = u32::try_from(length)
        .ok()
        .filter(|_| length <= MAX_FRAME)
        .ok_or(WireError::TooLong(length))?
        .to_be_bytes();
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = byte;
    }
    Ok(frame)
}

fn receive_length(stream: &UnixStream) -> Result<(usize, Option<OwnedFd>), WireError> {
    let mut length = [0; 4];
    let (received, netns) = receive_first(stream, &mut length)?;
    let rest = length.get_mut(received..).unwrap_or_default();
    let mut stream = stream;
    stream.read_exact(rest).map_err(WireError::Receive)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Err(WireError::TooLong(length));
    }
    Ok((length, netns))
}

/// The first bytes of a frame, and the descriptor that came with them.
fn receive_first(
    stream: &UnixStream,
    bytes: &mut [u8],
) -> Result<(usize, Option<OwnedFd>), WireError> {
    let mut space = cmsg_space!([i32; 1]);
    let mut slices = [IoSliceMut::new(bytes)];
    let message = loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), flags) {
            Err(Errno::EINTR) => {}
            other => break other.map_err(|errno| WireError::Receive(errno.into()))?,
        }
    };
    if message.bytes == 0 {
        return Err(WireError::Closed);
    }
    let control = message
        .cmsgs()
        .map_err(|errno| WireError::Receive(errno.into()))?;
    let mut netns = None;
    for control in control {
        if let ControlMessageOwned::ScmRights(fds) = control {
            netns = fds.into_iter().map(own).next_back();
        }
    }
    Ok((message.bytes, netns))
}

#[expect(
    unsafe_code,
    reason = "nix hands received descriptors out as numbers; each is taken exactly once, here"
)]
fn own(fd: i32) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us (SCM_RIGHTS), and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn receive_body<T: DeserializeOwned>(
    mut stream: &UnixStream,
    length: usize,
) -> Result<T, WireError> {
    let mut body = vec![0; length];
    stream.read_exact(&mut body).map_err(WireError::Receive)?;
    serde_json::from_slice(&body).map_err(WireError::Garbled)
}
