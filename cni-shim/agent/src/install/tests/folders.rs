//! Chaining by a file in the network's plugin folder.

use super::*;

const NEW: &str = "containerd://2.4.2";
const FILE: &str = "cluster/90-landfall.conf";

impl Node {
    fn has(&self, name: &str) -> bool {
        self.places.conf_dir.join(name).exists()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.places.conf_dir.join(name)).unwrap()
    }
}

#[test]
fn a_runtime_that_reads_folders_gets_a_file_and_the_list_is_not_touched() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    assert!(node.enter_with(NEW).in_place);
    assert_eq!(node.text("10-cluster.conflist"), LIST);
    let file: serde_json::Value = serde_json::from_str(&node.text(FILE)).unwrap();
    assert_eq!(file["type"], "landfall");
    assert_eq!(
        file["capabilities"]["io.kubernetes.cri.pod-annotations"],
        true
    );
    assert_eq!(
        node.names(),
        ["10-cluster.conflist"],
        "nothing is left of the nudge"
    );
}

#[test]
fn a_single_plugin_becomes_a_list_since_it_has_no_folder() {
    let node = node(Door::Auto);
    node.put("10-cluster.conf", SINGLE);
    node.enter_with(NEW);
    assert_eq!(node.types("10-cluster-landfall.conflist"), ["bridge"]);
    assert!(node.has(FILE));
}

#[test]
fn a_list_that_has_all_its_plugins_inline_gets_an_entry() {
    let node = node(Door::Auto);
    let inlined = LIST.replace(
        "\"plugins\"",
        "\"loadOnlyInlinedPlugins\": true, \"plugins\"",
    );
    node.put("10-cluster.conflist", &inlined);
    node.enter_with(NEW);
    assert_eq!(node.types("10-cluster.conflist"), ["bridge", "landfall"]);
    assert!(!node.has("cluster"));
}

#[test]
fn a_new_runtime_moves_us_and_an_old_one_moves_us_back() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    node.enter();
    node.enter_with(NEW);
    assert_eq!(node.types("10-cluster.conflist"), ["bridge"]);
    assert!(node.has(FILE));
    node.enter();
    assert_eq!(node.types("10-cluster.conflist"), ["bridge", "landfall"]);
    assert!(!node.has("cluster"));
}

#[test]
fn until_the_runtime_is_known_what_is_there_stays() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    let unknown = Wanted::default();
    assert!(!Node::turn(&node.places, &unknown).in_place);
    assert_eq!(node.types("10-cluster.conflist"), ["bridge"]);
    node.enter();
    assert!(Node::turn(&node.places, &unknown).in_place);
    assert_eq!(node.types("10-cluster.conflist"), ["bridge", "landfall"]);
    node.enter_with(NEW);
    assert!(Node::turn(&node.places, &unknown).in_place);
    assert!(node.has(FILE));
}

#[test]
fn a_network_that_is_no_longer_the_primary_one_loses_its_file() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    node.enter_with(NEW);
    node.put("05-other.conflist", &LIST.replace("cluster", "other"));
    node.enter_with(NEW);
    assert!(node.has("other/90-landfall.conf") && !node.has("cluster"));
}

#[test]
fn uninstall_takes_the_file_and_leaves_what_others_put_beside_it() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    fs::create_dir(node.places.conf_dir.join("cluster")).unwrap();
    node.put("cluster/10-other.conf", "{}");
    node.enter_with(NEW);
    assert!(!node.leave().unchained);
    assert!(node.leave().unchained);
    assert!(!node.has(FILE) && node.has("cluster/10-other.conf"));
}
