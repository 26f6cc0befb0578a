//! The API server's own HTTP, through `kubectl proxy`: a kubectl for each request would cost more than
//! the request.

use std::{
    io::{Read, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    path::PathBuf,
    process::{Child, Stdio},
};

use anyhow::{Context, Result};
use landfall_tests::{cluster::Cluster, wait::until};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// Runs until it is dropped.
pub(super) struct Proxy {
    child: Child,
    socket: PathBuf,
}

// === impl Proxy ===

impl Proxy {
    pub(super) fn start(cluster: &Cluster, name: &str) -> Result<Self> {
        let socket = std::env::temp_dir().join(format!("{name}.sock"));
        let option = format!("--unix-socket={}", socket.display());
        let mut command = cluster.command(&["kubectl", "proxy", &option]);
        // A group of its own: it ends with the program that runs it.
        command.process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let proxy = Self { child, socket };
        until("kubectl proxy listens", 20, || {
            proxy.ask("GET", "/readyz", "", "").map(drop)
        })?;
        Ok(proxy)
    }

    /// A request; its status code and body.
    pub(super) fn ask(
        &self,
        verb: &str,
        path: &str,
        content: &str,
        body: &str,
    ) -> Result<(u16, String)> {
        let mut stream = UnixStream::connect(&self.socket)?;
        // 1.0: the answer ends with the connection, also that of a watch.
        let head = format!(
            "{verb} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\
             Content-Type: {content}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        let code = head
            .split_whitespace()
            .nth(1)
            .and_then(|code| code.parse().ok());
        Ok((code.with_context(|| head.to_owned())?, body.to_owned()))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
        }
        self.child.wait().ok();
        std::fs::remove_file(&self.socket).ok();
    }
}
