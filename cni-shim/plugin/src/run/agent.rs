//! A call as a request to the agent.

use std::{
    error::Error,
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

use super::{Call, Output};
use crate::{
    client::{self, ClientError},
    spec::{CniError, Code, Verb},
    spool,
    wire::{self, Annotations, Attached, Door, Request},
};

impl<'a> Call<'a> {
    /// A DEL that fails is repeated for ever, so it fails only if the agent says so.
    pub(super) fn del(
        &self,
        door: Door,
        network: Option<String>,
        annotations: Annotations,
    ) -> Result<Output<'a>, CniError> {
        let request = Request {
            network,
            annotations,
            // The agent goes by the container; a DEL without the pod's name is served too.
            pod: self.environment.pod().unwrap_or_default(),
            ..self.bare_request(door)
        };
        // The namespace may be gone already, with everything in it.
        let netns = self.open_netns().ok();
        let netns = netns.as_ref().map(AsFd::as_fd);
        let away = match client::call(&self.node.socket, &request, netns) {
            Ok(response) => return response.into_result().map(|_| Output::default()),
            Err(error) => error,
        };
        let id = &self.environment.container_id;
        if self.node.tombstone.exists() {
            // Nobody will read a spool, and the sandbox takes its links with it.
            return Ok(Output::remark(format!(
                "landfall: DEL of {id}: uninstalled from this node"
            )));
        }
        let spooled = match spool::write(&self.node.spool, &request) {
            Ok(path) => {
                // An agent that has begun to listen since may have looked into the spool before: one that
                // begins after this looks later.
                if away.is_gone()
                    && let Ok(response) = client::call(&self.node.socket, &request, netns)
                {
                    // Served twice it would do no harm.
                    spool::remove(&path).ok();
                    return response.into_result().map(|_| Output::default());
                }
                "it is told later".to_owned()
            }
            Err(error) => format!("nor can it be told later ({error}), its sweep must find this"),
        };
        Ok(Output::remark(format!(
            "landfall: DEL of {id}: {}; {spooled}",
            chain(&away)
        )))
    }

    /// Nothing depends on a GC: the agent's sweep finds the same.
    pub(super) fn gc(&self, door: Door) -> Output<'a> {
        let valid = match self.config.valid_attachments() {
            Ok(valid) => valid,
            Err(error) => return Output::remark(format!("landfall: GC: {error}")),
        };
        let request = Request {
            valid,
            ..self.bare_request(door)
        };
        match self.ask(&request) {
            Ok(_) => Output::default(),
            Err(error) => Output::remark(format!("landfall: GC: {error}")),
        }
    }

    pub(super) fn bare_request(&self, door: Door) -> Request {
        Request {
            version: wire::VERSION,
            verb: self.environment.verb,
            door,
            config_name: self.config.name.clone().into_owned(),
            network: None,
            container_id: self.environment.container_id.clone(),
            netns: self.netns_text(),
            interface: self.environment.interface.clone(),
            pod: wire::Pod::default(),
            annotations: Annotations::default(),
            ips: Vec::new(),
            mac: None,
            valid: Vec::new(),
        }
    }

    pub(super) fn request(
        &self,
        door: Door,
        network: Option<String>,
        annotations: Annotations,
    ) -> Result<Request, CniError> {
        Ok(Request {
            network,
            annotations,
            pod: self.environment.pod()?,
            ips: self.config.ips()?,
            mac: self.config.mac()?,
            ..self.bare_request(door)
        })
    }

    pub(super) fn ask(&self, request: &Request) -> Result<Vec<Attached>, CniError> {
        let netns = match request.verb {
            Verb::Add | Verb::Check => Some(self.open_netns()?),
            Verb::Del | Verb::Gc | Verb::Status | Verb::Version => None,
        };
        client::call(&self.node.socket, request, netns.as_ref().map(AsFd::as_fd))
            .map_err(|error| away(&error))?
            .into_result()
    }

    fn open_netns(&self) -> Result<OwnedFd, CniError> {
        let path = self
            .environment
            .netns
            .as_deref()
            .unwrap_or_else(|| Path::new(""));
        let failed = |error: &io::Error| {
            let path = path.display();
            CniError::new(
                Code::InvalidEnvironment,
                format!("failed to open netns \"{path}\": {error}"),
            )
        };
        let file = File::open(path).map_err(|error| failed(&error))?;
        let theirs = file.metadata().map_err(|error| failed(&error))?;
        let ours = fs::metadata("/proc/self/ns/net").map_err(|error| failed(&error))?;
        if (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()) {
            return Err(CniError::new(
                Code::InvalidEnvironment,
                "CNI_NETNS is the node's own network namespace; no link is made there",
            ));
        }
        Ok(file.into())
    }

    pub(super) fn netns_text(&self) -> Option<String> {
        let path = self.environment.netns.as_deref()?;
        Some(path.display().to_string())
    }
}

fn away(error: &ClientError) -> CniError {
    CniError::new(
        Code::TryAgainLater,
        format!(
            "the networks that this pod asks for can't be attached now, try again later: {}",
            chain(error)
        ),
    )
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
