//! Network namespaces, folders and programs that go away with the value that stands for them.

use std::{
    fs,
    io::Write as _,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use landfall_link::Netns;
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
        let name = unique(role);
        run(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self { name };
        namespace.batch("link set lo up\n");
        namespace
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    pub(crate) fn open(&self) -> Netns {
        Netns::open(&self.path()).unwrap()
    }

    /// Commands of ip(8), one a line.
    pub(crate) fn batch(&self, commands: &str) {
        let mut ip = Command::new("ip");
        ip.args(["-n", &self.name, "-batch", "-"]);
        let mut child = ip.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(commands.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{commands}");
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
        let text = run(Command::new("ip").args(["-n", &self.name]).args(words));
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn pings(&self, address: &str) -> bool {
        let mut ping = self.command("ping");
        ping.args(["-c1", "-W2", address]);
        ping.output().unwrap().status.success()
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
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs to a good end and returns its stdout.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}
