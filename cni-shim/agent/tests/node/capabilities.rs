//! Each capability of the agent is dropped in turn: what fails then is what it is for. The table in
//! `docs/capabilities.md` is this test's.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use landfall_agent::scan::{Roots, Scan};
use landfall_core::{
    link::{Device, Ipv6, Link, index, settings},
    mac::Mac,
    network::{Driver, Macvlan},
};
use landfall_link::{Ear, Netns, Node as Links, PROC_SYS, Socket, announce, detach, list};

use crate::rig::Node;

const CAPABILITIES: [&str; 5] = [
    "net_admin",
    "net_raw",
    "sys_admin",
    "dac_override",
    "sys_ptrace",
];

/// What fails without which.
const NEEDS: [(&str, &[&str]); 7] = [
    ("attach", &["net_admin", "sys_admin"]),
    ("detach", &["net_admin", "sys_admin"]),
    ("announce", &["net_raw", "sys_admin"]),
    ("probe", &["net_raw"]),
    ("enter", &["sys_admin"]),
    ("folder", &["dac_override"]),
    ("processes", &["sys_admin", "sys_ptrace"]),
];

const OPERATION: &str = "LANDFALL_TEST_OPERATION";
const POD: &str = "LANDFALL_TEST_POD";
const FOLDER: &str = "LANDFALL_TEST_FOLDER";
const NOBODY: u32 = 65534;

#[test]
fn each_is_needed_for_what_is_said_and_together_they_suffice() {
    let stage = Stage::new();
    for (operation, needed) in NEEDS {
        assert!(stage.works(operation, None), "{operation} with all five");
        for dropped in CAPABILITIES {
            let works = stage.works(operation, Some(dropped));
            assert_eq!(
                works,
                !needed.contains(&dropped),
                "{operation} without {dropped}"
            );
        }
    }
}

/// Run by the test above, in the node's namespace and with fewer capabilities.
#[test]
#[ignore = "part of another test"]
fn operation() {
    let variable = |name| PathBuf::from(env::var_os(name).expect("set by the other test"));
    let (pod, folder) = (variable(POD), variable(FOLDER));
    match env::var(OPERATION).unwrap().as_str() {
        "attach" => attach(&pod),
        "detach" => {
            let netns = Netns::open(&pod).unwrap();
            detach(&netns, &link().device).unwrap();
        }
        "announce" => {
            let netns = Netns::open(&pod).unwrap();
            let link = link();
            let mac = Mac([0x0a, 0x58, 10, 9, 0, 5]);
            let addresses: Vec<_> = link.addresses.iter().map(ipnet::IpNet::addr).collect();
            announce(&netns, link.device.index, mac, &addresses).unwrap();
        }
        "probe" => {
            let parents = list(&mut Socket::open().unwrap()).unwrap();
            let mut parents = parents.iter();
            let parent = parents.find(|link| link.name.as_str() == "eth1").unwrap();
            let ear = Ear::open(parent.index, parent.mac.unwrap()).unwrap();
            ear.ask("10.9.0.5".parse().unwrap()).unwrap();
            ear.ask("fd00:9::5".parse().unwrap()).unwrap();
        }
        "enter" => {
            Netns::open(&pod).unwrap().cookie().unwrap();
        }
        "folder" => {
            // Of a name that nobody used before: one of our own may be written.
            let name = std::process::id().to_string();
            fs::write(folder.join("others").join(name), b"").unwrap();
        }
        "processes" => {
            let roots = Roots {
                netns_dir: folder.join("none"),
                proc: folder.join("proc"),
            };
            Scan::all(&roots).unwrap();
        }
        other => panic!("{other}"),
    }
}

fn attach(pod: &Path) {
    let mut node = Links::open(Path::new(PROC_SYS)).unwrap();
    node.attach(&Netns::open(pod).unwrap(), &link()).unwrap();
}

/// On eth1 of whatever namespace this runs in.
fn link() -> Link {
    let parents = list(&mut Socket::open().unwrap()).unwrap();
    let parent = parents.iter().find(|link| link.name.as_str() == "eth1");
    Link {
        device: Device {
            name: "net1".into(),
            index: index("c1", "net1"),
            parent: parent.unwrap().index,
            driver: Driver::Macvlan(Macvlan::default()),
            // The kernel may still be tearing down the one of before.
            mac: None,
            mtu: None,
            tx_queue_length: None,
            all_multicast: false,
            alias: None,
        },
        settings: settings("net1", Ipv6::Off, Vec::new()),
        dad: false,
        addresses: vec!["10.9.0.5/24".parse().unwrap()],
        routes: Vec::new(),
        neighbors: Vec::new(),
    }
}

/// A node with a pod, a folder of somebody else and a process of somebody else.
struct Stage {
    node: Node,
    folder: PathBuf,
    process: std::process::Child,
}

impl Stage {
    fn new() -> Self {
        let node = Node::new();
        let folder = env::temp_dir().join(format!("lfa-capabilities-{}", std::process::id()));
        let others = folder.join("others");
        fs::create_dir_all(&others).unwrap();
        chown(&others, Some(NOBODY), Some(NOBODY)).unwrap();
        let id = NOBODY.to_string();
        let words = [
            "--reuid",
            &id,
            "--regid",
            &id,
            "--clear-groups",
            "sleep",
            "600",
        ];
        let process = Command::new("setpriv").args(words).spawn().unwrap();
        let number = process.id().to_string();
        fs::create_dir(folder.join("proc")).unwrap();
        let target = Path::new("/proc").join(&number);
        std::os::unix::fs::symlink(target, folder.join("proc").join(&number)).unwrap();
        Self {
            node,
            folder,
            process,
        }
    }

    /// Whether it works with all of the agent's capabilities but one.
    fn works(&self, operation: &str, dropped: Option<&str>) -> bool {
        let pod = self.node.pod();
        let ask = |operation, dropped| self.ask(operation, dropped, &pod.path());
        if matches!(operation, "detach" | "announce") {
            assert!(ask("attach", None), "what is to be {operation}ed");
        }
        ask(operation, dropped)
    }

    fn ask(&self, operation: &str, dropped: Option<&str>, pod: &Path) -> bool {
        let kept = CAPABILITIES.iter().filter(|own| Some(**own) != dropped);
        let set = kept.fold("-all".to_owned(), |set, own| format!("{set},+{own}"));
        let status = Command::new("ip")
            .args(["netns", "exec", &self.node.host.name])
            .args([
                "setpriv",
                "--bounding-set",
                &set,
                "--inh-caps",
                "-all",
                "--",
            ])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "capabilities::operation", "--ignored"])
            .env(OPERATION, operation)
            .env(POD, pod)
            .env(FOLDER, &self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}
