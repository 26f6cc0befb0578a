//! The plugin without an agent, ended before and after each of its effects. What follows is what a runtime
//! does: a DEL, and then a new sandbox.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    crash, docs,
    place::{Folder, Namespace, unique},
    programs,
};

/// A host that has nothing but the plugin.
struct Host {
    netns: Namespace,
    lan: Namespace,
    folder: Folder,
}

// === impl Host ===

impl Host {
    fn new() -> Result<Self> {
        let host = Self {
            netns: Namespace::new("host"),
            lan: Namespace::new("lan"),
            folder: Folder::new("host"),
        };
        let lan = &host.lan.name;
        host.netns.batch(&format!(
            "link add eth1 type veth peer name eth0 netns {lan}\nlink set eth1 up\n"
        ));
        host.lan
            .batch("addr add 10.9.1.1/24 dev eth0\nlink set eth0 up\n");
        let programs = programs::ours(host.folder.path())?;
        symlink(programs.join("landfall"), host.plugin())?;
        Ok(host)
    }

    /// By this name it is the reference plugin's stand-in.
    fn plugin(&self) -> PathBuf {
        self.folder.join("macvlan")
    }

    fn call(
        &self,
        verb: &str,
        container: &str,
        sandbox: &Namespace,
        environment: (&str, &str),
    ) -> Result<ExitStatus> {
        let mut plugin = self.netns.command(self.plugin());
        plugin
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", container)
            .env("CNI_NETNS", sandbox.path())
            .env("CNI_IFNAME", "net1")
            .env("CNI_PATH", self.folder.path())
            .env(environment.0, environment.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = plugin.spawn()?;
        let config = json!({
            "cniVersion": "1.0.0", "name": "lan", "type": "macvlan", "master": "eth1", "mode": "bridge",
            "ipam": {
                "type": "landfall", "dataDir": self.folder.join("data"),
                "ranges": [
                    [{"subnet": "10.9.1.0/24", "rangeStart": "10.9.1.10", "gateway": "10.9.1.1"}],
                    [{"subnet": "fd00:9:1::/64"}],
                ],
                "routes": [{"dst": "10.8.0.0/16"}],
            },
        });
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(config.to_string().as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            // Shown if the test fails.
            println!("{verb}: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(output.status)
    }

    /// The addresses that are somebody's.
    fn reserved(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.join("data/lan"));
        let entries = entries.into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name != "lock" && !name.starts_with("last_reserved_ip."))
            .collect()
    }

    /// A call that ends well leaves both addresses, or nothing.
    fn holds(&self, sandbox: &Namespace, attached: bool) -> Result<()> {
        let links: &[&str] = if attached { &["net1"] } else { &[] };
        ensure!(sandbox.links() == links, "{:?}", sandbox.links());
        let addresses = sandbox.addresses("net1");
        let addresses = addresses.iter().map(ToString::to_string).collect();
        let reserved = self.reserved();
        ensure!(
            reserved == addresses,
            "{reserved:?}, in the kernel {addresses:?}"
        );
        ensure!(
            reserved.len() == if attached { 2 } else { 0 },
            "{reserved:?}"
        );
        ensure!(self.netns.links() == ["eth1"], "{:?}", self.netns.links());
        Ok(())
    }

    fn succeeds(&self, verb: &str, container: &str, sandbox: &Namespace) -> Result<()> {
        let status = self.call(verb, container, sandbox, ("NONE", ""))?;
        ensure!(status.success(), "{verb}: {status}");
        self.holds(sandbox, verb == "ADD")
    }

    /// The passings of a call.
    fn record(&self, verb: &str, container: &str, sandbox: &Namespace) -> Result<Vec<String>> {
        let path = self.folder.join(&unique("passings"));
        let name = path.display().to_string();
        let status = self.call(verb, container, sandbox, (crash::RECORD, &name))?;
        ensure!(status.success(), "{verb}: {status}");
        let text = fs::read_to_string(&path)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// A call ends there; then the sandbox is given up, and another one comes.
    fn die(&self, verb: &str, passing: &str) -> Result<()> {
        let (container, sandbox) = (unique("c"), Namespace::new("pod"));
        if verb == "DEL" {
            self.succeeds("ADD", &container, &sandbox)?;
        }
        let status = self.call(verb, &container, &sandbox, (crash::AT, passing))?;
        ensure!(!status.success(), "it did not die");
        // Once for the runtime that tries again, once for the one that does so in vain.
        self.succeeds("DEL", &container, &sandbox)?;
        self.succeeds("DEL", &container, &sandbox)?;
        let (container, sandbox) = (unique("c"), Namespace::new("pod"));
        self.succeeds("ADD", &container, &sandbox)?;
        ensure!(sandbox.pings("10.9.1.1"), "it is cut off");
        self.succeeds("DEL", &container, &sandbox)
    }
}

#[test]
fn a_plugin_that_dies_before_or_after_any_effect_leaves_nothing_behind() -> Result<()> {
    let host = Host::new()?;
    let (container, sandbox) = (unique("c"), Namespace::new("pod"));
    let mut all = Vec::new();
    for verb in ["ADD", "DEL"] {
        let passings = host.record(verb, &container, &sandbox)?;
        all.extend(passings.into_iter().map(|passing| (verb, passing)));
    }
    let passings: Vec<_> = all.iter().map(|(_, passing)| passing.clone()).collect();
    docs::check("plugin", &crash::effects(&passings));
    let mut failed = Vec::new();
    for (verb, passing) in &all {
        if let Err(error) = host.die(verb, passing) {
            failed.push(format!("{verb}, {passing}: {error:#}"));
        }
    }
    eprintln!("{} deaths of the plugin", all.len());
    ensure!(failed.is_empty(), "{failed:#?}");
    Ok(())
}
