//! A node: a network namespace with a NIC on the LAN, its Node object, and its agent.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use landfall_plugin::wire;
use landfall_tests::stage::{
    cni,
    kube::{Kube, NODES},
    objects::{self, SYSTEM},
};

use crate::{
    control::access,
    place::{Folder, Namespace, Program},
    world::World,
};

/// A node. Its disk lasts as long as this; its `/run` until [`Node::lose_run`].
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) netns: Namespace,
    pub(crate) folder: Folder,
    /// The API server, as its agent reaches it.
    server: String,
    programs: PathBuf,
}

// === impl Node ===

impl Node {
    /// Makes a node, wired to the LAN's bridge and to the control plane, and registers it.
    pub(crate) fn new(number: u8, world: &World, server: &str) -> Self {
        let node = Self {
            name: format!("node{number}"),
            netns: Namespace::new(&format!("node{number}")),
            folder: Folder::new(&format!("node{number}")),
            server: server.to_owned(),
            programs: world.programs.clone(),
        };
        let name = &node.netns.name;
        world.netns.batch(&format!(
            "link add node{number} type veth peer name eth0 netns {name}\n\
             addr add 10.77.{number}.1/24 dev node{number}\n\
             link set node{number} up\n"
        ));
        world.lan.batch(&format!(
            "link add node{number} type veth peer name eth1 netns {name}\n\
             link set node{number} master lan up\n"
        ));
        node.netns.batch(&format!(
            "addr add 10.77.{number}.2/24 dev eth0\nlink set eth0 up\nlink set eth1 up\n\
             route add 10.77.0.0/24 via 10.77.{number}.1\n"
        ));
        for folder in ["netns", "bin", "net.d", "results"] {
            fs::create_dir(node.folder.join(folder)).unwrap();
        }
        fs::write(node.folder.join("machine-id"), node.machine()).unwrap();
        let list = node.folder.join("net.d/10-cluster.conflist");
        fs::write(list, cni::primary().to_string()).unwrap();
        node.register(world.api());
        node
    }

    fn machine(&self) -> String {
        format!("{:0>32}", self.name.replace("node", ""))
    }

    /// Its Node, and the pod of its agent, as kubelet would write them.
    fn register(&self, api: &Kube) {
        let node = objects::node(&self.name, &self.machine());
        api.create(NODES, &node).unwrap();
        let pods = format!("/api/v1/namespaces/{SYSTEM}/pods");
        api.create(&pods, &objects::agent(&self.name)).unwrap();
        let status = format!("{pods}/agent-{}/status", self.name);
        api.patch(&status, &objects::readiness(true)).unwrap();
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// As a power cut does.
    pub(crate) fn lose_run(&self) {
        drop(fs::remove_dir_all(self.run_dir()));
    }

    /// Starts its agent.
    pub(crate) fn start_agent(&self, environment: &[(&str, &str)]) -> Program {
        let mut command: Command = self.netns.command(self.programs.join("landfall-agent"));
        command.args(["--node-name", &self.name, "--door", "Chained"]);
        command.args(["--chain", "Folder", "--proc-sys", "/proc/sys"]);
        let flags = [
            ("--run-dir", "run"),
            ("--cni-bin-dir", "bin"),
            ("--cni-conf-dir", "net.d"),
            ("--cni-results-dir", "results"),
            ("--netns-dir", "netns"),
            ("--machine-id-file", "machine-id"),
            // The machine's processes are not this node's.
            ("--proc", "none"),
        ];
        for (flag, place) in flags {
            command.arg(flag).arg(self.folder.join(place));
        }
        command
            .arg("--plugin-source")
            .arg(self.programs.join("landfall"));
        let config = access(self.folder.path(), &self.server, "agent");
        command.env("KUBECONFIG", config);
        command.envs(environment.iter().copied());
        Program::start(command, &self.folder.join("agent.log"))
    }

    /// Whether its agent serves.
    pub(crate) fn answers(&self) -> Result<()> {
        let mut curl = self.netns.command("curl");
        curl.args(["-sf", "-m", "2", "http://127.0.0.1:9480/readyz"]);
        ensure!(curl.output()?.status.success(), "not ready");
        Ok(())
    }

    /// Whether the plugin is chained, or out of all configurations.
    pub(crate) fn is_chained(&self, wanted: bool) -> Result<()> {
        let is = self.folder.join("net.d/cluster/90-landfall.conf").exists();
        let tombstone = self.run_dir().join(wire::TOMBSTONE).exists();
        ensure!(is == wanted && tombstone != wanted, "{is}, {tombstone}");
        Ok(())
    }

    /// Whether the record that can't be read was set aside; if so, it goes.
    pub(crate) fn set_aside(&self) -> Result<()> {
        let path = self.run_dir().join("attachments/odd:net1.json.unreadable");
        Ok(fs::remove_file(path)?)
    }

    /// As it was before its first agent.
    pub(crate) fn wipe(&self) {
        self.lose_run();
        drop(fs::remove_file(self.folder.join("bin/landfall")));
        drop(fs::remove_dir_all(self.folder.join("net.d/cluster")));
    }

    /// A new sandbox.
    pub(crate) fn sandbox(&self) -> Namespace {
        let sandbox = Namespace::new("pod");
        symlink(sandbox.path(), self.shown(&sandbox)).unwrap();
        sandbox
    }

    /// Takes a sandbox away.
    pub(crate) fn remove(&self, sandbox: Namespace) {
        drop(fs::remove_file(self.shown(&sandbox)));
        drop(sandbox);
    }

    fn shown(&self, sandbox: &Namespace) -> PathBuf {
        self.folder.join("netns").join(&sandbox.name)
    }
}
