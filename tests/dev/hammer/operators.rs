//! Two operators of one Lease, and a third that leads beside them by a Lease of its own.

use std::path::Path;

use super::{
    daemon::Daemon,
    rig::{self, OPERATORS, SERVERS, STAGE},
};
use crate::{
    process,
    stage::{self, objects::SYSTEM},
};

/// Who they are to the API server.
pub(super) const OPERATOR: &str = "operator";
const LISTEN: &str = "127.0.0.1:9481";
const OTHER_LISTEN: &str = "127.0.0.1:9482";

/// All of them.
pub(super) struct Operators {
    /// The two.
    pub(super) pair: [Daemon; 2],
    /// The third: runs only at times.
    pub(super) stranger: Daemon,
}

// === impl Operators ===

impl Operators {
    /// None runs yet.
    pub(super) fn new(programs: &Path) -> Self {
        let daemon = |machine: &'static str, name: &'static str, more: [&'static str; 4]| {
            let program = programs.join("landfall-operator");
            Daemon::new(
                false,
                Box::new(move || {
                    let mut command = stage::inside(&rig::netns(machine), &program);
                    command
                        .args(["--namespace", SYSTEM, "--pod-name", name])
                        .args(["--log-level", "warn"])
                        .args(more)
                        .env("KUBECONFIG", SERVERS.kubeconfig(OPERATOR));
                    STAGE.start(command, name)
                }),
            )
        };
        // Twice the default: the API server shares two cores with everything else here.
        let own = ["--listen", LISTEN, "--lease-seconds", "4"];
        Self {
            pair: OPERATORS.map(|machine| daemon(machine, machine, own)),
            stranger: daemon(
                "op1",
                "stranger",
                ["--listen", OTHER_LISTEN, "--lease", "landfall-stranger"],
            ),
        }
    }
}

/// Which of the two leads, by its own word.
pub(super) fn leader() -> Option<usize> {
    OPERATORS.iter().position(|machine| {
        let metrics = metrics(machine);
        metrics
            .lines()
            .any(|line| line == "landfall_operator_leader 1")
    })
}

/// The contradictions that the leader's auditor has seen to last; `None` if nobody leads.
pub(super) fn audited() -> Option<Vec<String>> {
    let machine = OPERATORS.get(leader()?)?;
    let metrics = metrics(machine);
    let all = metrics
        .lines()
        .filter(|line| line.starts_with("landfall_operator_ledger_findings{"));
    let real = all.filter(|line| !line.ends_with(" 0"));
    Some(real.map(str::to_owned).collect())
}

fn metrics(machine: &str) -> String {
    let mut curl = stage::inside(&rig::netns(machine), Path::new("curl"));
    curl.args(["-s", "-m", "2", &format!("http://{LISTEN}/metrics")]);
    process::output(&mut curl).unwrap_or_default()
}
