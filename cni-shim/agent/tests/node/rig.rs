//! A node, a LAN and pods, each a network namespace.

use std::{
    fs,
    io::Write as _,
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::fs::symlink,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use landfall_agent::scan::Roots;
use landfall_link::Netns;
use serde_json::Value;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A namespace, or a folder, that goes away with this, after a panic too.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    pub(crate) fn new(role: &str) -> Self {
        let name = unique(role);
        ip(&["netns", "add", &name]);
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    pub(crate) fn open(&self) -> Netns {
        Netns::open(&self.path()).unwrap()
    }

    pub(crate) fn ip(&self, arguments: &[&str]) -> String {
        ip(&[&["-n", &self.name], arguments].concat())
    }

    /// Several commands, one a line, in one process; those that fail are passed over.
    pub(crate) fn batch(&self, commands: &str) {
        let mut child = Command::new("ip")
            .args(["-n", &self.name, "-force", "-batch", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(commands.as_bytes()).unwrap();
        drop(stdin);
        child.wait().unwrap();
    }

    /// A link as `ip -d` shows it; null if there is none.
    pub(crate) fn link(&self, name: &str) -> Value {
        let links: Vec<Value> = serde_json::from_str(&self.ip(&["-j", "-d", "link"])).unwrap();
        let mut links = links.into_iter();
        links
            .find(|link| link["ifname"] == name)
            .unwrap_or_default()
    }

    /// The addresses of an interface, without those of the link alone; `None` if there is none.
    pub(crate) fn addresses(&self, interface: &str) -> Option<Vec<String>> {
        let text = self.ip(&["-j", "addr", "show"]);
        let links: Vec<Value> = serde_json::from_str(&text).unwrap();
        let link = links.iter().find(|link| link["ifname"] == interface)?;
        let list = link["addr_info"].as_array().unwrap();
        let global = list.iter().filter(|address| address["scope"] == "global");
        Some(
            global
                .map(|address| address["local"].as_str().unwrap().to_owned())
                .collect(),
        )
    }

    /// A sysctl below net.
    pub(crate) fn sysctl(&self, path: &str) -> String {
        let path = format!("/proc/sys/net/{path}");
        let text = ip(&["netns", "exec", &self.name, "cat", &path]);
        text.trim().to_owned()
    }

    /// Sets a sysctl below net.
    pub(crate) fn set_sysctl(&self, path: &str, value: &str) {
        let setting = format!("net/{path}={value}");
        ip(&["netns", "exec", &self.name, "sysctl", "-qw", &setting]);
    }

    pub(crate) fn pings(&self, address: &str) -> bool {
        let words = ["netns", "exec", &self.name, "ping", "-c1", "-W2", address];
        Command::new("ip")
            .args(words)
            .output()
            .unwrap()
            .status
            .success()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(
            Command::new("ip")
                .args(["netns", "del", &self.name])
                .output(),
        );
    }
}

/// A node whose eth1 is on a LAN with one host: 10.9.0.1 and fd00:9::1.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) host: Namespace,
    pub(crate) lan: Namespace,
    /// What /run/landfall is.
    pub(crate) folder: PathBuf,
    /// What /run/netns is: the machine's has other tests' pods too.
    netns_dir: PathBuf,
}

impl Node {
    pub(crate) fn new() -> Self {
        let (host, lan) = (Namespace::new("node"), Namespace::new("lan"));
        // In memory, as /run is.
        let temporary = |role| Path::new("/dev/shm").join(unique(role));
        let netns_dir = temporary("netns");
        fs::create_dir(&netns_dir).unwrap();
        let node = Self {
            host,
            lan,
            folder: temporary("run"),
            netns_dir,
        };
        node.plug(None);
        node
    }

    /// Makes eth1 and its cable to the LAN, in the place of those that were there, in a moment; under an
    /// index if one is given.
    pub(crate) fn plug(&self, index: Option<u32>) {
        let index = index.map_or_else(String::new, |index| format!("index {index}"));
        let lan = &self.lan.name;
        self.host.batch(&format!(
            "link del eth1\n\
             link add eth1 {index} type veth peer name lan0 netns {lan}\n\
             link set eth1 up\n"
        ));
        self.lan.batch(
            "link set lan0 up\n\
             addr add 10.9.0.1/24 dev lan0\n\
             addr add fd00:9::1/64 dev lan0 nodad\n",
        );
    }

    pub(crate) fn unplug(&self) {
        self.host.ip(&["link", "del", "eth1"]);
    }

    /// A sandbox on the node.
    pub(crate) fn pod(&self) -> Namespace {
        let pod = Namespace::new("pod");
        symlink(pod.path(), self.netns_dir.join(&pod.name)).unwrap();
        pod
    }

    /// Binds a namespace, that this process holds open, in its place again.
    pub(crate) fn show(&self, name: &str, netns: &Netns) {
        let place = self.netns_dir.join(name);
        fs::remove_file(&place).ok();
        let held = netns.as_fd().as_raw_fd();
        symlink(format!("/proc/{}/fd/{held}", std::process::id()), place).unwrap();
    }

    /// Without processes: those of the machine are not this node's.
    pub(crate) fn roots(&self) -> Roots {
        Roots {
            netns_dir: self.netns_dir.clone(),
            proc: self.netns_dir.join("none"),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
        drop(fs::remove_dir_all(&self.netns_dir));
    }
}

fn unique(role: &str) -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("lfa-{}-{count}-{role}", std::process::id())
}

fn ip(arguments: &[&str]) -> String {
    let output = Command::new("ip").args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}
