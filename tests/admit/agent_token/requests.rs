//! Requests as somebody with a token would make them, without kubectl's own reads around them.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use landfall_tests::pod::text;
use serde_json::Value;

use crate::cluster;

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

/// Somebody with a token.
pub(super) struct Caller {
    server: String,
    authority: PathBuf,
    token: String,
}

// === impl Request ===

impl Request {
    pub(super) fn read(path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            body: None,
        }
    }

    /// A dry run: it is authorized and admitted, and nothing is changed.
    pub(super) fn write(method: &'static str, path: &str, body: &Value) -> Self {
        Self {
            method,
            path: format!("{path}?dryRun=All"),
            body: Some(body.clone()),
        }
    }
}

// === impl Caller ===

impl Caller {
    pub(super) fn new(token: &str) -> Result<Self> {
        let view = cluster().kubectl(&["config", "view", "--minify", "-o", "json"])?;
        let server = serde_json::from_str::<Value>(&view)?;
        let root = cluster().get(&["configmap", "kube-root-ca.crt", "-n", "default"])?;
        let authority = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ca.crt");
        fs::write(&authority, text(&root, "/data/ca.crt"))?;
        Ok(Self {
            server: text(&server, "/clusters/0/cluster/server").to_owned(),
            authority,
            token: token.to_owned(),
        })
    }

    /// The HTTP codes of the answers, in order. All requests go over one connection.
    #[expect(
        clippy::disallowed_methods,
        reason = "curl sends what it is told; kubectl reads before it writes"
    )]
    pub(super) fn codes(&self, requests: &[Request]) -> Result<Vec<u16>> {
        let parts: Vec<_> = requests.iter().map(|request| self.part(request)).collect();
        let mut curl = Command::new("curl")
            .args(["--silent", "--show-error", "--config", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("curl")?;
        let mut stdin = curl.stdin.take().context("no stdin")?;
        stdin.write_all(parts.join("next\n").as_bytes())?;
        drop(stdin);
        let output = curl.wait_with_output()?;
        let codes = String::from_utf8_lossy(&output.stdout);
        let codes: Vec<u16> = codes.lines().filter_map(|code| code.parse().ok()).collect();
        if codes.len() != requests.len() {
            bail!("{} answers to {} requests", codes.len(), requests.len());
        }
        Ok(codes)
    }

    /// A section of curl's configuration: token and all stay off the command line.
    fn part(&self, request: &Request) -> String {
        let kind = match request.method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let mut part = String::new();
        let mut set = |option: &str, value: &str| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(part, "{option} = \"{value}\"").unwrap_or_default();
        };
        set("url", &format!("{}{}", self.server, request.path));
        set("request", request.method);
        set("cacert", &self.authority.display().to_string());
        set("header", &format!("Authorization: Bearer {}", self.token));
        set("header", &format!("Content-Type: {kind}"));
        set("output", "/dev/null");
        // Its own configuration language eats one backslash, the format the other.
        set("write-out", "%{http_code}\\n");
        if let Some(body) = &request.body {
            set("data", &body.to_string());
        }
        part.replace("%{http_code}\\\\n", "%{http_code}\\n")
    }
}
