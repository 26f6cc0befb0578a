use std::fs;

use super::*;
use crate::records::tests::Folder;

mod folders;
mod leaving;

const LIST: &str = r#"{"cniVersion": "1.0.0", "name": "cluster", "plugins": [{"type": "bridge"}]}"#;
const SINGLE: &str = r#"{"cniVersion": "1.0.0", "name": "cluster", "type": "bridge"}"#;
const MULTUS: &str = r#"{"cniVersion": "1.0.0", "name": "multus-cni-network", "type": "multus"}"#;

struct Node {
    folder: Folder,
    places: Places,
}

fn node(door: Door) -> Node {
    let folder = Folder::new();
    let places = Places {
        source: folder.0.join("landfall"),
        bin_dir: folder.0.join("bin"),
        conf_dir: folder.0.join("net.d"),
        run_dir: folder.0.join("run"),
        results_dir: folder.0.join("results"),
        door,
        chain: Chaining::Auto,
    };
    for made in [&places.run_dir, &places.results_dir] {
        fs::create_dir_all(made).unwrap();
    }
    fs::write(&places.source, b"the plugin").unwrap();
    fs::create_dir_all(&places.conf_dir).unwrap();
    Node { folder, places }
}

impl Node {
    fn put(&self, name: &str, text: &str) {
        fs::write(self.places.conf_dir.join(name), text).unwrap();
    }

    fn enter(&self) -> Installed {
        self.enter_with("containerd://1.6.20~ds1")
    }

    fn enter_with(&self, runtime: &str) -> Installed {
        let wanted = Wanted {
            out: false,
            runtime: Some(runtime.to_owned()),
        };
        Self::turn(&self.places, &wanted)
    }

    fn leave(&self) -> Installed {
        let wanted = Wanted {
            out: true,
            runtime: None,
        };
        Self::turn(&self.places, &wanted)
    }

    #[expect(clippy::disallowed_methods, reason = "nothing here depends on it")]
    fn turn(places: &Places, wanted: &Wanted) -> Installed {
        let feud = &mut Feud::default();
        turn(places, wanted, Compare::Content, feud, Instant::now()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.places.conf_dir).unwrap();
        let files = files
            .map(Result::unwrap)
            .filter(|file| file.path().is_file());
        let names = files.map(|file| file.file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn types(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.places.conf_dir.join(name)).unwrap();
        conflist::Configuration::list(&text).unwrap().types
    }
}

#[test]
fn the_first_list_gets_our_entry_and_the_binary_is_there() {
    let node = node(Door::Auto);
    node.put("20-other.conflist", LIST);
    node.put("10-cluster.conflist", LIST);
    let installed = node.enter();
    assert_eq!(installed.primary_network.as_deref(), Some("cluster"));
    assert!(installed.in_place);
    assert_eq!(node.types("10-cluster.conflist"), ["bridge", "landfall"]);
    assert_eq!(node.types("20-other.conflist"), ["bridge"]);
    let copied = fs::read(node.folder.0.join("bin/landfall")).unwrap();
    assert_eq!(copied, b"the plugin");
    assert_eq!(node.enter(), installed);
    assert_eq!(node.names(), ["10-cluster.conflist", "20-other.conflist"]);
}

#[test]
fn what_another_program_undoes_is_repaired() {
    let node = node(Door::Chained);
    node.put("10-cluster.conflist", LIST);
    node.enter();
    node.put("10-cluster.conflist", LIST);
    node.enter();
    assert_eq!(node.types("10-cluster.conflist"), ["bridge", "landfall"]);
}

#[test]
fn a_single_plugin_becomes_a_list_that_comes_first() {
    let node = node(Door::Auto);
    node.put("10-cluster.conf", SINGLE);
    node.enter();
    let list = "10-cluster-landfall.conflist";
    assert_eq!(node.names(), [list, "10-cluster.conf"]);
    assert_eq!(node.types(list), ["bridge", "landfall"]);
    node.enter();
    assert_eq!(node.names(), [list, "10-cluster.conf"]);
}

#[test]
fn the_list_follows_the_file_that_it_was_made_of() {
    let node = node(Door::Auto);
    node.put("10-cluster.conf", SINGLE);
    node.enter();
    node.put("10-cluster.conf", &SINGLE.replace("bridge", "ptp"));
    node.enter();
    assert_eq!(
        node.types("10-cluster-landfall.conflist"),
        ["ptp", "landfall"]
    );
    fs::remove_file(node.places.conf_dir.join("10-cluster.conf")).unwrap();
    node.enter();
    assert!(node.names().is_empty());
}

#[test]
fn a_new_first_configuration_is_the_one_to_chain() {
    let node = node(Door::Auto);
    node.put("20-old.conf", SINGLE);
    node.enter();
    node.put("10-new.conflist", LIST);
    node.enter();
    node.enter();
    assert_eq!(node.types("10-new.conflist"), ["bridge", "landfall"]);
    assert_eq!(node.names(), ["10-new.conflist", "20-old.conf"]);
}

#[test]
fn what_is_no_configuration_is_passed_over() {
    let node = node(Door::Auto);
    node.put("00-broken.conflist", "{");
    node.put("05-empty.conf", "");
    node.put("99-loopback.conf.bak", SINGLE);
    node.put("10-cluster.conflist", LIST);
    let name = node.enter().primary_network;
    assert_eq!(name.as_deref(), Some("cluster"));
    assert_eq!(node.types("10-cluster.conflist"), ["bridge", "landfall"]);
}

#[test]
fn with_multus_first_nothing_is_chained_unless_asked() {
    let node = node(Door::Auto);
    node.put("00-multus.conf", MULTUS);
    node.put("10-cluster.conflist", LIST);
    assert!(node.enter().in_place);
    assert_eq!(node.types("10-cluster.conflist"), ["bridge"]);
    let chained = Places {
        door: Door::Chained,
        ..node.places.clone()
    };
    let wanted = Wanted {
        out: false,
        runtime: Some(String::new()),
    };
    Node::turn(&chained, &wanted);
    assert_eq!(
        node.types("00-multus-landfall.conflist"),
        ["multus", "landfall"]
    );
}

#[test]
fn a_node_without_a_primary_network_waits_for_one() {
    let node = node(Door::Auto);
    let installed = node.enter();
    assert_eq!(installed.primary_network, None);
    assert!(!installed.in_place);
}

#[test]
fn uninstall_takes_the_entry_out_first_and_then_the_binary() {
    let node = node(Door::Auto);
    node.put("10-cluster.conf", SINGLE);
    node.enter();
    node.put(
        "20-list.conflist",
        &LIST.replace(']', r#", {"type": "landfall"}]"#),
    );
    assert!(!node.leave().unchained);
    assert_eq!(node.names(), ["10-cluster.conf", "20-list.conflist"]);
    assert_eq!(node.types("20-list.conflist"), ["bridge"]);
    assert!(node.folder.0.join("bin/landfall").exists());
    assert!(node.leave().unchained);
    assert!(!node.folder.0.join("bin/landfall").exists());
    assert!(node.leave().unchained);
}

#[test]
fn the_file_stays_as_readable_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;

    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    let path = node.places.conf_dir.join("10-cluster.conflist");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    node.enter();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
