//! The agent asked at its socket, without the plugin: a frame is a length of four bytes, most
//! significant first, and JSON; the sandbox's namespace is a descriptor with the first byte.
//!
//! Written anew here and not taken from the plugin: this tool is to be built when that is not.

use std::{
    fs::File,
    io::{IoSlice, Read, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde_json::{Value, json};

use super::{
    agent::{NETWORK, run_dir},
    call::Sandbox,
};

/// Asks, and waits for a good answer: from the connection to the end of the answer.
pub(super) fn call(verb: &str, sandbox: &Sandbox) -> Result<Duration> {
    let netns = File::open(&sandbox.netns)?;
    let request = frame(&request(verb, sandbox))?;
    let socket = run_dir().join("agent.sock");
    let start = Instant::now();
    let mut stream = UnixStream::connect(socket)?;
    let fds = [netns.as_raw_fd()];
    let sent = sendmsg::<()>(
        stream.as_raw_fd(),
        &[IoSlice::new(&request)],
        &[ControlMessage::ScmRights(&fds)],
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    stream.write_all(request.get(sent..).unwrap_or_default())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let took = start.elapsed();
    let answer: Value = serde_json::from_slice(answer.get(4..).unwrap_or_default())?;
    match answer.get("error") {
        None => Ok(took),
        Some(error) => bail!("{verb}: {error}"),
    }
}

fn request(verb: &str, sandbox: &Sandbox) -> Value {
    json!({
        "version": 1, "verb": verb, "door": "chained", "config_name": "cluster",
        "container_id": sandbox.container, "netns": sandbox.netns, "interface": "eth0",
        "pod": {"namespace": "default", "name": sandbox.pod.name(), "uid": sandbox.pod.uid()},
        "annotations": {"landfall": NETWORK},
    })
}

fn frame(request: &Value) -> Result<Vec<u8>> {
    let body = request.to_string();
    let mut frame = u32::try_from(body.len())?.to_be_bytes().to_vec();
    frame.extend(body.as_bytes());
    Ok(frame)
}
