//! One CNI call, from its environment and input to what it prints.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use landfall_core::network::NetworkKind;
use serde_json::value::RawValue;

use crate::{
    config::{Asked, Config, Kind},
    env::Environment,
    result,
    spec::{CniError, Code, VERSIONS, Verb},
    spool, standalone,
    wire::{self, Annotations, Attached, Door},
};

mod agent;

/// Where the agent is found on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its socket.
    pub socket: PathBuf,
    /// Where DELs wait for it.
    pub spool: PathBuf,
    /// There if the plugin is only left for sandboxes of before an uninstall.
    pub tombstone: PathBuf,
}

/// What a call that succeeded prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output<'a> {
    /// For the runtime.
    pub result: Cow<'a, str>,
    /// For the runtime's log.
    pub remark: Option<String>,
}

/// A call with its configuration.
struct Call<'a> {
    environment: &'a Environment,
    config: Config<'a>,
    node: &'a Node,
}

impl Node {
    /// Below a folder, usually [`wire::RUN_DIR`].
    pub fn below(run_dir: &Path) -> Self {
        Self {
            socket: run_dir.join(wire::SOCKET),
            spool: run_dir.join(spool::SPOOL),
            tombstone: run_dir.join(wire::TOMBSTONE),
        }
    }
}

/// Serves a call. `input` is not looked at for VERSION.
pub fn run<'a>(
    environment: &'a Environment,
    input: &'a [u8],
    node: &'a Node,
) -> Result<Output<'a>, CniError> {
    serve(environment, input, node).map_err(|error| word(environment.verb, error))
}

fn serve<'a>(
    environment: &'a Environment,
    input: &'a [u8],
    node: &'a Node,
) -> Result<Output<'a>, CniError> {
    if environment.verb == Verb::Version {
        return Ok(Output::print(versions()));
    }
    let config = Config::read(input, environment.called_as)?;
    config.allows(environment.verb)?;
    let call = Call {
        environment,
        config,
        node,
    };
    match &call.config.kind {
        Kind::Chained => call.chained(),
        Kind::Delegate(network) => call.delegate(network),
        Kind::StandAlone(kind) => call.standalone(input, *kind),
    }
}

/// Runtimes take a DEL's error for success if its text has "not found" in it, and then forget the
/// container.
fn word(verb: Verb, mut error: CniError) -> CniError {
    if verb == Verb::Del {
        for text in [&mut error.msg, &mut error.details] {
            *text = text.replace("not found", "missing");
        }
    }
    error
}

fn versions() -> String {
    let supported = VERSIONS.map(|version| format!("\"{version}\"")).join(",");
    format!("{{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[{supported}]}}\n")
}

impl<'a> Output<'a> {
    fn print(result: impl Into<Cow<'a, str>>) -> Self {
        Self {
            result: result.into(),
            remark: None,
        }
    }

    fn remark(remark: String) -> Self {
        Self {
            result: Cow::Borrowed(""),
            remark: Some(remark),
        }
    }
}

// === impl Call ===

impl<'a> Call<'a> {
    /// Without an agent.
    fn standalone(&self, input: &[u8], kind: NetworkKind) -> Result<Output<'a>, CniError> {
        let known = standalone::Known {
            version: self.config.version,
            name: &self.config.name,
            kind,
        };
        let mut remark = None;
        let result = standalone::serve(self.environment, input, known, &mut remark)?;
        Ok(Output {
            result: result.into(),
            remark,
        })
    }

    /// At the end of the primary network's list: whatever goes wrong here must not become a fault of
    /// pods that have nothing to do with us.
    fn chained(&self) -> Result<Output<'a>, CniError> {
        match self.environment.verb {
            Verb::Add => self.chained_add(),
            // Annotations that can't be read must not keep a pod in Terminating.
            Verb::Del => match self.config.asked().unwrap_or(Asked::Unknown) {
                Asked::Nothing => Ok(Output::default()),
                // An agent that never heard of the container says so at once.
                Asked::Unknown => self.del(Door::Chained, None, Annotations::default()),
                Asked::Networks(annotations) => self.del(Door::Chained, None, annotations),
            },
            Verb::Check => match self.config.asked()? {
                Asked::Nothing | Asked::Unknown => Ok(Output::default()),
                Asked::Networks(annotations) => {
                    self.ask(&self.request(Door::Chained, None, annotations)?)?;
                    Ok(Output::default())
                }
            },
            Verb::Gc => Ok(self.gc(Door::Chained)),
            // An error would make the node NotReady and evict all its pods.
            Verb::Status | Verb::Version => Ok(Output::default()),
        }
    }

    fn chained_add(&self) -> Result<Output<'a>, CniError> {
        let prev_result = self.prev_result()?;
        let result = result::pass_through(prev_result, self.config.version)?;
        match self.config.asked()? {
            Asked::Nothing => {}
            // A runtime that knows the capability hands annotations over even if there are none.
            Asked::Unknown => {
                return Ok(Output {
                    result,
                    remark: Some(
                        "landfall: the runtime hands no pod annotations over, so no network is \
                         attached; containerd 1.5 or CRI-O 1.29 is needed"
                            .to_owned(),
                    ),
                });
            }
            // A runtime that has not reloaded yet: the node's pods must start all the same.
            Asked::Networks(_) if self.node.tombstone.exists() => {
                return Ok(Output {
                    result,
                    remark: Some(
                        "landfall: uninstalled from this node, no network is attached".to_owned(),
                    ),
                });
            }
            Asked::Networks(annotations) => {
                self.ask(&self.request(Door::Chained, None, annotations)?)?;
            }
        }
        Ok(Output::print(result))
    }

    fn prev_result(&self) -> Result<&'a RawValue, CniError> {
        self.config.prev_result().ok_or_else(|| {
            CniError::new(
                Code::InvalidConfig,
                "required prevResult missing: landfall must come after the plugin that makes the \
                 pod's own interface",
            )
        })
    }

    /// By Multus, for one attachment.
    fn delegate(&self, network: &str) -> Result<Output<'a>, CniError> {
        let request = || {
            let network = Some(network.to_owned());
            self.request(Door::Delegate, network, Annotations::default())
        };
        match self.environment.verb {
            Verb::Add => {
                let attached = self.ask(&request()?)?;
                Ok(Output::print(self.delegate_result(&attached)?))
            }
            Verb::Check => self.delegate_check(&request()?),
            Verb::Del => {
                let network = Some(network.to_owned());
                self.del(Door::Delegate, network, Annotations::default())
            }
            Verb::Gc => Ok(self.gc(Door::Delegate)),
            Verb::Status => {
                self.ask(&self.bare_request(Door::Delegate))
                    .map_err(|error| CniError {
                        code: Code::NotAvailable,
                        ..error
                    })?;
                Ok(Output::default())
            }
            Verb::Version => Ok(Output::default()),
        }
    }

    /// The agent compares the kernel with its record; what Multus was told is compared here.
    fn delegate_check(&self, request: &wire::Request) -> Result<Output<'a>, CniError> {
        let prev_result = self
            .config
            .prev_result()
            .ok_or_else(|| CniError::new(Code::InvalidConfig, "required prevResult missing"))?;
        let there = self.ask(request)?;
        let sandbox = self.netns_text().unwrap_or_default();
        // An agent of an earlier release does not say what is there.
        for attached in &there {
            result::compare(prev_result, &request.interface, &sandbox, attached)?;
        }
        Ok(Output::default())
    }

    fn delegate_result(&self, attached: &[Attached]) -> Result<String, CniError> {
        let [attached] = attached else {
            let msg = "the agent must answer a delegate call with one attachment";
            return Err(CniError::new(Code::Other(999), msg));
        };
        let sandbox = self.netns_text().unwrap_or_default();
        result::of_attachment(self.config.version, attached, &sandbox)
    }
}

#[cfg(test)]
mod tests;
