//! What our programs asked of the API server, from its audit log.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{cluster::Cluster, node::sh, pod::text};

/// A kind of request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// `landfall-operator`, `landfall-agent`.
    pub who: String,
    /// `get`, `patch`, `watch`, …
    pub verb: String,
    /// `landfallnodes/status`, …
    pub resource: String,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.who, self.verb, self.resource)
    }
}

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

const LOG: &str = "/var/lib/landfall-dev/control/log/audit.log";
/// The log may be put aside when it is full: then it is shorter than it was, and all of it is new.
const SINCE: &str = r#"
    size=$(stat -c %s "$1")
    [ "$size" -ge "$2" ] && from=$2 || from=0
    tail -c "+$((from + 1))" "$1""#;

// === impl Mark ===

impl Mark {
    /// The end of the log.
    pub fn new(cluster: &Cluster) -> Result<Self> {
        let size = sh(cluster, "control", "stat -c %s \"$1\"", &[LOG])?;
        Ok(Self(size.trim().parse().context(size)?))
    }

    /// How many requests of each kind have been answered since.
    pub fn requests(self, cluster: &Cluster) -> Result<BTreeMap<Request, u32>> {
        let log = sh(cluster, "control", SINCE, &[LOG, &self.0.to_string()])?;
        let mut requests = BTreeMap::new();
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            let who = text(&event, "/user/username").rsplit(':').next();
            let [resource, part] = ["resource", "subresource"]
                .map(|key| text(&event, &format!("/objectRef/{key}")).to_owned());
            let request = Request {
                who: who.unwrap_or_default().to_owned(),
                verb: text(&event, "/verb").to_owned(),
                resource: [resource, part].join("/").trim_matches('/').to_owned(),
            };
            *requests.entry(request).or_default() += 1;
        }
        Ok(requests)
    }
}
