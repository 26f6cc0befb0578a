//! What the plugin and the agent say to each other.
//!
//! Over the unix socket, one request and one response a connection. Each is a frame: its length as four
//! bytes, most significant first, and that many bytes of JSON. The sandbox's network namespace travels
//! as a file descriptor with the first byte of the request, so the agent needs no path to it.
//!
//! Plugin and agent may be of different releases while a node is upgraded: both ignore fields that they
//! don't know, new fields have a default, and `version` changes only if that is not enough.
//!
//! Everything here blocks. A closed connection ends an ADD in flight: the plugin was killed.

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
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::spec::{CniError, Verb};

/// The version of this protocol.
pub const VERSION: u32 = 1;
/// The longest frame: 512 KiB of annotations may grow sixfold in JSON.
pub const MAX_FRAME: usize = 4 * 1024 * 1024;
/// The folder of everything that lives as long as the node is up.
pub const RUN_DIR: &str = "/run/landfall";
/// The agent's socket in it.
pub const SOCKET: &str = "agent.sock";

/// What the runtime asked of the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub version: u32,
    /// The verb. Never VERSION.
    pub verb: Verb,
    /// How the plugin was called.
    pub door: Door,
    /// `name` of the CNI configuration.
    #[serde(default)]
    pub config_name: String,
    /// The network of a delegate call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// CNI_CONTAINERID, which is the sandbox's. Empty for GC and STATUS.
    #[serde(default)]
    pub container_id: String,
    /// CNI_NETNS, for messages and records; the namespace itself comes as a file descriptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// CNI_IFNAME: the primary interface of a chained call, the attachment's own of a delegate call.
    #[serde(default)]
    pub interface: String,
    /// The pod, from CNI_ARGS.
    #[serde(default)]
    pub pod: Pod,
    /// The pod's annotations that choose networks. Empty in a delegate call.
    #[serde(default)]
    pub annotations: Annotations,
    /// Requested addresses of a delegate call (runtimeConfig.ips).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<String>,
    /// The requested hardware address of a delegate call (runtimeConfig.mac).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// What lives, for GC (`cni.dev/valid-attachments`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid: Vec<Valid>,
}

/// How the plugin was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// As the last of the primary network's list: serves the annotations, all attachments in one call.
    Chained,
    /// By Multus, for one attachment.
    Delegate,
}

/// The pod that a sandbox belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// K8S_POD_NAMESPACE.
    pub namespace: String,
    /// K8S_POD_NAME.
    pub name: String,
    /// K8S_POD_UID: of a mirror pod the value of `kubernetes.io/config.mirror`.
    pub uid: String,
}

/// The annotations that choose networks, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// `k8s.v1.cni.cncf.io/networks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npwg: Option<String>,
    /// `landfall.dev/networks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landfall: Option<String>,
}

/// An attachment that the runtime says is alive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Valid {
    /// The container.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// The interface.
    #[serde(rename = "ifname")]
    pub interface: String,
}

/// What the agent answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// [`VERSION`].
    pub version: u32,
    /// Absent if all went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CniError>,
    /// What ADD made: a delegate call's result is written from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<Attached>,
}

/// An attachment that ADD made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attached {
    /// The network's name.
    pub network: String,
    /// The interface's name in the sandbox.
    pub interface: String,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Its MTU.
    pub mtu: Option<u32>,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// An address of an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// With the length of its prefix, for example `10.20.0.100/24`.
    pub address: String,
    /// The subnet's gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

/// A route of an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// For example `10.30.0.0/16`.
    pub destination: String,
    /// Through whom; absent: on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Its metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

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

// === impl Response ===

impl Response {
    /// All went well.
    pub const fn done(attached: Vec<Attached>) -> Self {
        Self {
            version: VERSION,
            error: None,
            attached,
        }
    }

    /// Something did not.
    pub const fn failed(error: CniError) -> Self {
        Self {
            version: VERSION,
            error: Some(error),
            attached: Vec::new(),
        }
    }

    /// As a result.
    pub fn into_result(self) -> Result<Vec<Attached>, CniError> {
        self.error.map_or(Ok(self.attached), Err)
    }
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

#[cfg(test)]
mod tests;
