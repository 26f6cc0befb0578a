//! A host with a parent, a pod, and calls of a plugin.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use crate::programs;

/// Every version of CNI.
pub(crate) const VERSIONS: [&str; 7] = [
    "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
];

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Whose plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    Reference,
}

/// A network namespace that goes away with this.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

/// A folder that goes away with this.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

/// A host whose eth0 is a veth with its other end up0 beside it, and a pod.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) who: Who,
    /// `macvlan`, or `ipvlan`: the plugin that is called.
    pub(crate) driver: &'static str,
    pub(crate) host: Namespace,
    pub(crate) pod: Namespace,
    pub(crate) data: Folder,
}

/// A call, as a runtime makes it.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    rig: &'a Rig,
    program: PathBuf,
    variables: Vec<(String, String)>,
    input: String,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a case with the reference and with ours; what it shows must be the same.
pub(crate) fn both<T: PartialEq + std::fmt::Debug>(case: impl Fn(&Rig) -> T) -> T {
    both_of("macvlan", case)
}

/// As [`both`], with the plugins of a driver.
pub(crate) fn both_of<T: PartialEq + std::fmt::Debug>(
    driver: &'static str,
    case: impl Fn(&Rig) -> T,
) -> T {
    let theirs = case(&Rig::of(driver, Who::Reference));
    let ours = case(&Rig::of(driver, Who::Ours));
    assert_eq!(ours, theirs, "left: ours, right: the reference");
    ours
}

/// Runs a case that shows a difference.
pub(crate) fn ours<T>(case: impl Fn(&Rig) -> T) -> T {
    ours_of("macvlan", case)
}

/// As [`ours`], with the plugin of a driver.
pub(crate) fn ours_of<T>(driver: &'static str, case: impl Fn(&Rig) -> T) -> T {
    case(&Rig::of(driver, Who::Ours))
}

// === impl Namespace ===

impl Namespace {
    pub(crate) fn new(role: &str) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lfc-{}-{count}-{role}", std::process::id());
        run("ip", &["netns", "add", &name]);
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// Runs `ip` inside and wants it to succeed.
    pub(crate) fn ip(&self, words: &str) -> String {
        let words: Vec<_> = words.split(' ').collect();
        let output = run("ip", &[&["-n", &self.name], &words[..]].concat());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `ip -j -d` inside.
    pub(crate) fn json(&self, words: &str) -> Vec<Value> {
        let text = self.ip(&format!("-j -d {words}"));
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A link as `ip -j -d addr show` has it; null if there is none.
    pub(crate) fn link(&self, name: &str) -> Value {
        let links = self.json("addr show");
        let found = links.into_iter().find(|link| link["ifname"] == name);
        found.unwrap_or_default()
    }

    /// The names of all links.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self.json("link show").into_iter();
        links
            .map(|link| link["ifname"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn exec(&self, words: &str) -> Output {
        let words: Vec<_> = words.split(' ').collect();
        let arguments = [&["netns", "exec", &self.name], &words[..]].concat();
        Command::new("ip").args(arguments).output().unwrap()
    }

    pub(crate) fn sysctl(&self, path: &str) -> String {
        let output = self.exec(&format!("cat /proc/sys/net/{path}"));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn set_sysctl(&self, path: &str, value: &str) {
        let output = self.exec(&format!("sysctl -q -w net.{path}={value}"));
        assert!(output.status.success(), "{output:?}");
    }

    pub(crate) fn pings(&self, address: &str) -> bool {
        let output = self.exec(&format!("ping -c3 -i0.3 -W1 {address}"));
        output.status.success()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It must not panic on the way out of a panic.
        drop(
            Command::new("ip")
                .args(["netns", "del", &self.name])
                .output(),
        );
    }
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("landfall-cni-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The reserved addresses of network `lan`, with whom they belong to.
    pub(crate) fn reserved(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.0.join("lan")).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut addresses: Vec<_> = names
            .filter(|name| name.parse::<std::net::IpAddr>().is_ok())
            .map(|name| {
                let text = fs::read_to_string(self.0.join("lan").join(&name)).unwrap();
                (name, text)
            })
            .collect();
        addresses.sort();
        addresses
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

// === impl Rig ===

impl Rig {
    pub(crate) fn new(who: Who) -> Self {
        Self::of("macvlan", who)
    }

    /// A rig whose calls are of that driver's plugin.
    pub(crate) fn of(driver: &'static str, who: Who) -> Self {
        let rig = Self {
            who,
            driver,
            host: Namespace::new("host"),
            pod: Namespace::new("pod"),
            data: Folder::new(),
        };
        rig.host.ip("link add eth0 type veth peer name up0");
        rig.host.ip("link set eth0 up");
        rig.host.ip("link set up0 up");
        rig
    }

    /// The folder of the plugin that is tried.
    pub(crate) fn folder(&self) -> &'static Path {
        match self.who {
            Who::Ours => programs::ours(),
            Who::Reference => programs::reference(),
        }
    }

    /// A configuration with `more` in it.
    pub(crate) fn config(version: &str, more: Value) -> Value {
        let mut config = json!({
            "cniVersion": version, "name": "lan", "type": "macvlan", "master": "eth0",
        });
        let Value::Object(more) = more else {
            panic!("{more}");
        };
        config.as_object_mut().unwrap().extend(more);
        config
    }

    /// `ipam` of host-local with `more` in it.
    pub(crate) fn host_local(&self, more: Value) -> Value {
        let mut ipam = json!({"type": "host-local", "dataDir": self.data.0});
        let Value::Object(more) = more else {
            panic!("{more}");
        };
        ipam.as_object_mut().unwrap().extend(more);
        ipam
    }

    /// The plainest configuration with an address.
    pub(crate) fn simple(&self, version: &str) -> Value {
        let ipam = self.host_local(json!({"ranges": [[{"subnet": "10.1.2.0/24"}]]}));
        Self::config(version, json!({"ipam": ipam}))
    }

    /// A call for container c1 and interface net1.
    pub(crate) fn call(&self, verb: &str, config: &Value) -> Call<'_> {
        let path = programs::reference().display().to_string();
        let variables = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("CNI_COMMAND", verb.to_owned()),
            ("CNI_CONTAINERID", "c1".to_owned()),
            ("CNI_NETNS", self.pod.path().display().to_string()),
            ("CNI_IFNAME", "net1".to_owned()),
            ("CNI_PATH", path),
        ];
        Call {
            rig: self,
            program: self.folder().join(self.driver),
            variables: variables.map(|(key, value)| (key.to_owned(), value)).into(),
            input: config.to_string(),
        }
    }

    pub(crate) fn add(&self, config: &Value) -> Outcome {
        self.call("ADD", config).run()
    }

    pub(crate) fn del(&self, config: &Value) -> Outcome {
        self.call("DEL", config).run()
    }

    /// An attachment whose sandbox ends before its DEL, which succeeds and frees the address.
    pub(crate) fn del_after_its_sandbox(&self, config: &Value) {
        let pod = Namespace::new("gone");
        self.call("ADD", config).pod(&pod).run().done();
        let path = pod.path();
        drop(pod);
        let del = self.call("DEL", config).with("CNI_NETNS", path.display());
        del.run().silent();
        assert!(self.data.reserved().is_empty());
    }
}

// === impl Call ===

impl Call<'_> {
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self = self.without(name);
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(key, _)| key != name);
        self
    }

    pub(crate) fn container(self, id: &str) -> Self {
        self.with("CNI_CONTAINERID", id)
    }

    pub(crate) fn args(self, args: &str) -> Self {
        self.with("CNI_ARGS", args)
    }

    pub(crate) fn pod(self, pod: &Namespace) -> Self {
        self.with("CNI_NETNS", pod.path().display())
    }

    pub(crate) fn input(mut self, input: &str) -> Self {
        input.clone_into(&mut self.input);
        self
    }

    pub(crate) fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    pub(crate) fn run(self) -> Outcome {
        outcome(self.start())
    }

    /// Starts it, with its input, and does not wait for it.
    pub(crate) fn start(self) -> Child {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.rig.host.name])
            .arg(&self.program)
            .env_clear()
            .envs(self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who has read enough may have closed its end.
        drop(child.stdin.take().unwrap().write_all(self.input.as_bytes()));
        child
    }
}

/// What came of a call that was started.
pub(crate) fn outcome(child: Child) -> Outcome {
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

// === impl Outcome ===

impl Outcome {
    /// What was printed; null if nothing was.
    pub(crate) fn json(&self) -> Value {
        if self.stdout.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// What a call that succeeded printed.
    pub(crate) fn done(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.json()
    }

    /// A call that succeeded and printed nothing.
    pub(crate) fn silent(&self) {
        assert_eq!(self.done(), Value::Null);
    }

    /// The error of a call that failed: code and text.
    pub(crate) fn error(&self) -> (i64, String) {
        assert_eq!(self.code, Some(1), "{self:?}");
        let error = self.json();
        let text = error["msg"].as_str().unwrap_or_else(|| panic!("{self:?}"));
        (error["code"].as_i64().unwrap(), text.to_owned())
    }

    /// Its code alone, where the texts are each one's own.
    pub(crate) fn error_code(&self) -> i64 {
        self.error().0
    }
}

/// Runs a program and wants it to succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    output
}
