//! Network namespaces, folders and programs that go away with the value that stands for them.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use landfall_link::Netns;
use landfall_tests::{netns, process};
use serde_json::Value;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A network namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

/// A folder in memory.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

pub(crate) fn unique(role: &str) -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("lff-{}-{count}-{role}", std::process::id())
}

// === impl Namespace ===

impl Namespace {
    pub(crate) fn new(role: &str) -> Self {
        Self::named(unique(role))
    }

    pub(crate) fn named(name: String) -> Self {
        netns::add(&name).unwrap();
        Self { name }
    }

    pub(crate) fn path(&self) -> PathBuf {
        netns::path(&self.name)
    }

    pub(crate) fn open(&self) -> Netns {
        Netns::open(&self.path()).unwrap()
    }

    /// Commands of ip(8), one a line.
    pub(crate) fn batch(&self, commands: &str) {
        netns::ip(&self.name, &[commands.to_owned()]).unwrap();
    }

    /// The names of its links, without lo.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self.list(&["-j", "link", "show"]);
        let names = links.iter().filter_map(|link| link["ifname"].as_str());
        let others = names.filter(|name| *name != "lo");
        others.map(str::to_owned).collect()
    }

    /// The global addresses of an interface.
    pub(crate) fn addresses(&self, interface: &str) -> Vec<IpAddr> {
        let links = self.list(&["-j", "addr", "show"]);
        let mut links = links.iter();
        let Some(link) = links.find(|link| link["ifname"] == interface) else {
            return Vec::new();
        };
        let all = link["addr_info"].as_array().unwrap().iter();
        let global = all.filter(|address| address["scope"] == "global");
        global
            .map(|address| address["local"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    fn list(&self, words: &[&str]) -> Vec<Value> {
        let mut ip = process::words(&format!("ip -n {}", self.name));
        let text = process::output(ip.args(words)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn pings(&self, address: &str) -> bool {
        let mut ping = self.command("ping");
        ping.args(["-c1", "-W2", address]);
        process::succeeds(&mut ping)
    }

    /// A program inside. It ends with the thread that starts it, however that ends.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display()));
        command.args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
        command.arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let mut ip = Command::new("ip");
        drop(ip.args(["netns", "del", &self.name]).output());
    }
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new(role: &str) -> Self {
        let path = Path::new("/dev/shm").join(unique(role));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

// === impl Program ===

impl Program {
    /// Starts it. What it says goes to the end of a log.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let file = fs::OpenOptions::new().create(true).append(true).open(log);
        let file = file.unwrap();
        command.stdin(Stdio::null());
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Self {
            child: command.spawn().unwrap(),
            log: log.to_owned(),
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        self.child.wait().unwrap();
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        process::tail(&self.log, 25)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
