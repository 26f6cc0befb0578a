//! The API server, asked as kubelet, controllers and users do.
//!
//! `kubectl proxy` speaks TLS for us, on a unix socket. What it is asked in HTTP/1.0 it answers in one
//! piece, and closes.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long a server that is down may take to come back.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where pods are.
pub const PODS: &str = "/api/v1/namespaces/default/pods";
/// Where Nodes are.
pub const NODES: &str = "/api/v1/nodes";
/// Our kinds.
pub const OURS: &str = "/apis/landfall.dev/v1alpha1";

/// A client; clones ask the same server.
#[derive(Clone, Debug)]
pub struct Kube {
    /// Where `kubectl proxy` listens.
    pub(super) socket: PathBuf,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP's.
    pub status: u16,
    /// The object, or why not.
    pub body: Value,
}

// === impl Kube ===

impl Kube {
    /// Asks once.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = UnixStream::connect(&self.socket).context("kubectl proxy")?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.context("no HTTP status")?;
        let body = match serde_json::from_str(body) {
            Ok(body) => body,
            // The server was killed while it spoke.
            Err(error) if status < 300 => return Err(error).context("half an answer"),
            Err(_) => Value::Null,
        };
        Ok(Answer { status, body })
    }

    /// Asks until one of the statuses is the answer.
    pub fn insist(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        wanted: &[u16],
    ) -> Result<Answer> {
        let start = Instant::now();
        loop {
            let answer = self.ask(method, path, body);
            match &answer {
                Ok(found) if wanted.contains(&found.status) => return answer,
                // A client's mistake stays one.
                Ok(found) if [400, 404, 409, 415, 422].contains(&found.status) => {
                    bail!("{method} {path}: {} {}", found.status, found.body)
                }
                _ if start.elapsed() > PATIENCE => {
                    bail!("{method} {path} for {} s: {answer:?}", PATIENCE.as_secs())
                }
                _ => thread::sleep(PAUSE),
            }
        }
    }

    /// Makes an object, or finds it made: an answer may have been lost. Returns its UID.
    pub fn create(&self, list: &str, object: &Value) -> Result<String> {
        let answer = self.insist("POST", list, Some(object), &[201, 409])?;
        let body = if answer.status == 409 {
            let name = object.pointer("/metadata/name").and_then(Value::as_str);
            let path = format!("{list}/{}", name.unwrap_or_default());
            self.get(&path)?
        } else {
            answer.body
        };
        let uid = body.pointer("/metadata/uid").and_then(Value::as_str);
        Ok(uid.context("an object without UID")?.to_owned())
    }

    /// Deletes an object; one that is gone is fine. `grace`: seconds, or as the object says.
    pub fn delete(&self, path: &str, grace: Option<u8>) -> Result<()> {
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1"});
        if let (Some(seconds), Some(fields)) = (grace, options.as_object_mut()) {
            fields.insert("gracePeriodSeconds".to_owned(), seconds.into());
        }
        self.insist("DELETE", path, Some(&options), &[200, 202, 404])
            .map(drop)
    }

    /// Changes an object; one that is gone is fine.
    pub fn patch(&self, path: &str, changes: &Value) -> Result<()> {
        self.insist("PATCH", path, Some(changes), &[200, 404])
            .map(drop)
    }

    /// An object.
    pub fn get(&self, path: &str) -> Result<Value> {
        Ok(self.insist("GET", path, None, &[200])?.body)
    }

    /// All objects of a list.
    pub fn items(&self, list: &str) -> Result<Vec<Value>> {
        let mut body = self.get(list)?;
        let items = body.get_mut("items").map(Value::take);
        match items {
            Some(Value::Array(items)) => Ok(items),
            _ => bail!("{list}: no list"),
        }
    }
}
