//! One call of a CNI plugin, as a container runtime makes it.

use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{
    agent::{self, NETWORK, Pod, SUBNET, run_dir},
    rig::{PARENT, folder},
};
use crate::{layout, stage::cni};

/// The other family, for two.
const SUBNET_V6: &str = "fd00:98::/64";

/// Who is called.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// As the table names it.
    pub(super) name: String,
    program: PathBuf,
    /// CNI_PATH.
    plugins: PathBuf,
    /// CNI_IFNAME.
    interface: &'static str,
    config: String,
}

/// A sandbox of a pod.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    /// CNI_CONTAINERID, which is never used twice.
    pub(super) container: String,
    /// CNI_NETNS.
    pub(super) netns: PathBuf,
    /// Its pod.
    pub(super) pod: Pod,
}

static CONTAINERS: AtomicU64 = AtomicU64::new(1);

// === impl Sandbox ===

impl Sandbox {
    pub(super) fn new(netns: &Path, pod: Pod) -> Self {
        let number = CONTAINERS.fetch_add(1, Ordering::Relaxed);
        Self {
            container: format!("{number:064x}"),
            netns: netns.to_owned(),
            pod,
        }
    }
}

// === impl Subject ===

impl Subject {
    /// Our plugin for a pod that asks for one network.
    pub(super) fn ours() -> Self {
        Self::chained("landfall", &json!({"landfall.dev/networks": NETWORK}))
    }

    /// Our plugin for a pod that asks for none.
    pub(super) fn pass_through() -> Self {
        Self::chained("landfall without networks", &json!({}))
    }

    /// Last in the primary network's list.
    fn chained(name: &str, annotations: &Value) -> Self {
        let config = cni::chained(annotations);
        Self {
            name: name.to_owned(),
            program: agent::plugin(),
            plugins: folder().join("cni/bin"),
            interface: "eth0",
            config: config.to_string(),
        }
    }

    /// The reference plugin macvlan, with host-local for addresses.
    pub(super) fn reference(name: &str, plugins: &Path) -> Self {
        let config = json!({
            "cniVersion": "1.0.0", "name": format!("reference-{name}"), "type": "macvlan",
            "master": PARENT, "mode": "bridge",
            "ipam": {
                "type": "host-local", "ranges": [[{"subnet": SUBNET}]],
                // In memory, as our records are.
                "dataDir": folder().join("host-local"),
            },
        });
        Self {
            name: format!("macvlan + host-local {name}"),
            program: plugins.join("macvlan"),
            plugins: plugins.to_owned(),
            interface: "net1",
            config: config.to_string(),
        }
    }

    /// The program macvlan in a folder, whosever it is, with that IPAM.
    pub(super) fn standalone(name: &str, plugins: &Path, ipam: &str, dual: bool) -> Self {
        let mut ranges = vec![json!([{"subnet": SUBNET}])];
        if dual {
            ranges.push(json!([{"subnet": SUBNET_V6}]));
        }
        let config = json!({
            "cniVersion": "1.0.0", "name": format!("standalone-{}", name.replace([' ', '+'], "")),
            "type": "macvlan", "master": PARENT, "mode": "bridge",
            "ipam": {"type": ipam, "ranges": ranges, "dataDir": folder().join("host-local")},
        });
        Self {
            name: format!("macvlan + {ipam} {name}"),
            program: plugins.join("macvlan"),
            plugins: plugins.to_owned(),
            interface: "net1",
            config: config.to_string(),
        }
    }

    /// The reference plugins that the cluster is built with.
    pub(super) fn current() -> Result<Self> {
        Ok(Self::reference(
            layout::version::PLUGINS,
            &layout::plugins()?,
        ))
    }

    /// The distribution's.
    pub(super) fn debian() -> Self {
        Self::reference("Debian", Path::new("/usr/lib/cni"))
    }

    /// A process that does nothing: what an exec costs.
    pub(super) fn nothing() -> Self {
        Self {
            name: "/bin/true".to_owned(),
            program: "/bin/true".into(),
            plugins: PathBuf::new(),
            interface: "eth0",
            config: String::new(),
        }
    }

    /// Calls it: from exec to exit, what it prints included.
    pub(super) fn call(&self, verb: &str, sandbox: &Sandbox) -> Result<Duration> {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment(verb, sandbox))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let start = Instant::now();
        let mut child = command.spawn().with_context(|| self.name.clone())?;
        let stdin = child.stdin.take();
        let written = stdin.map(|mut stdin| stdin.write_all(self.config.as_bytes()));
        let output = child.wait_with_output()?;
        let took = start.elapsed();
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            bail!("{verb} of {} ({}): {text}", self.name, output.status);
        }
        written.transpose().context("its stdin")?;
        Ok(took)
    }

    fn environment(&self, verb: &str, sandbox: &Sandbox) -> [(&'static str, OsString); 7] {
        let call = cni::Call {
            container: &sandbox.container,
            netns: &sandbox.netns,
            interface: self.interface,
            plugins: &self.plugins,
            run_dir: &run_dir(),
            pod: &sandbox.pod.name(),
            uid: &sandbox.pod.uid(),
        };
        call.environment(verb)
    }
}
