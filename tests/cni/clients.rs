//! Programs that execute CNI plugins, with ours in place of the reference.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    programs,
    rig::{Rig, Who, both},
};

const CTR: &str = include_str!("clients/ctr.sh");
const PODMAN: &str = include_str!("clients/podman.sh");

/// The folders in which a client looks for plugins: IPAM is the reference's.
fn plugins(rig: &Rig) -> Vec<String> {
    let all = [programs::ours(), programs::reference()];
    let own = match rig.who {
        Who::Ours => &all[..],
        Who::Reference => &all[1..],
    };
    own.iter()
        .map(|folder| folder.display().to_string())
        .collect()
}

/// A list with that plugin.
fn list(plugin: Value) -> Value {
    let mut plugin = plugin;
    plugin.as_object_mut().unwrap().remove("cniVersion");
    json!({"cniVersion": "1.0.0", "name": "lan", "plugins": [plugin]})
}

/// The addresses in what `ip -o addr` has printed, each with its interface, but for IPv6's link-local one.
fn addresses(printed: &str) -> Vec<(String, String)> {
    let lines = printed.lines().filter(|line| line.contains(" inet"));
    let lines = lines.filter(|line| !line.contains("scope link"));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    words
        .map(|words| (words[1].to_owned(), words[3].to_owned()))
        .collect()
}

/// Runs a client's script on the rig's host, with mounts and processes of its own, and returns what it
/// prints. Afterwards the address that it was given is given back, and the host as it was.
fn run(rig: &Rig, script: &str, folder: &Path, variables: &[(&str, String)]) -> String {
    let output = Command::new("nsenter")
        .arg(format!("--net={}", rig.host.path().display()))
        .args(["unshare", "--mount", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "sh", "-c", script])
        .env("FOLDER", folder)
        .env("PLUGINS", plugins(rig).join(" "))
        .env("NAME", &rig.host.name)
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert!(output.status.success(), "{printed}\n{said}\n{log}");
    assert!(rig.data.0.join("lan/last_reserved_ip.0").exists());
    assert!(rig.data.reserved().is_empty());
    assert_eq!(rig.host.links(), ["lo", "up0", "eth0"]);
    printed
}

/// containerd's client makes the sandbox, calls ADD, runs the container in it, and calls DEL.
#[test]
fn a_container_of_ctr_has_its_address_and_gives_it_back() {
    let seen = both(|rig| {
        let folder = rig.data.0.join("ctr");
        fs::create_dir(&folder).unwrap();
        let list = list(rig.simple("1.0.0"));
        fs::write(folder.join("10-lan.conflist"), list.to_string()).unwrap();
        let path = format!(
            "{}:{}",
            programs::containerd().display(),
            std::env::var("PATH").unwrap()
        );
        addresses(&run(rig, CTR, &folder, &[("PATH", path)]))
    });
    assert!(
        seen.contains(&("eth0".to_owned(), "10.1.2.2/24".to_owned())),
        "{seen:?}"
    );
}

/// Podman writes the configuration itself, for a plugin of that name, and says which addresses it wants.
#[test]
fn a_container_of_podman_has_the_addresses_that_it_asks_for_and_gives_them_back() {
    let (seen, has_mac) = both(|rig| {
        let folder = rig.data.0.join("podman");
        fs::create_dir(&folder).unwrap();
        let data = rig.data.0.display().to_string();
        let printed = run(rig, PODMAN, &folder, &[("DATA", data)]);
        let has_mac = printed.contains("link/ether 02:00:00:00:00:09");
        (addresses(&printed), has_mac)
    });
    assert!(has_mac);
    assert!(
        seen.contains(&("eth0".to_owned(), "10.1.2.9/24".to_owned())),
        "{seen:?}"
    );
}
