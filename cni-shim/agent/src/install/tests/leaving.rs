//! What an uninstall leaves, and another program that takes us out.

use super::*;

/// As libcni writes it; the configuration is base64.
fn cached(config: &str) -> String {
    let config = k8s_openapi::ByteString(config.into());
    serde_json::json!({"kind": "cniCacheV1", "containerId": "c1", "config": config}).to_string()
}

impl Node {
    fn remember(&self, config: &str) {
        let path = self.places.results_dir.join("cluster-c1-eth0");
        fs::write(path, cached(config)).unwrap();
    }

    fn has_binary(&self) -> bool {
        self.places.bin_dir.join("landfall").exists()
    }
}

#[test]
fn the_binary_stays_while_the_runtime_remembers_it() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    node.enter();
    fs::write(node.places.results_dir.join("junk"), "{").unwrap();
    node.remember(&LIST.replace(']', r#", {"type": "landfall"}]"#));
    node.leave();
    assert!(node.leave().unchained);
    assert!(node.has_binary() && node.places.run_dir.join("uninstalled").exists());
    node.remember(LIST);
    assert!(node.leave().unchained);
    assert!(!node.has_binary());
}

#[test]
fn the_binary_stays_for_somebodys_stand_alone_network() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    node.put(
        "20-own.conf",
        r#"{"name": "own", "type": "landfall", "driver": "macvlan"}"#,
    );
    node.enter();
    node.leave();
    assert!(node.leave().unchained);
    assert!(node.has_binary());
}

#[test]
fn an_installation_takes_the_mark_away() {
    let node = node(Door::Auto);
    node.put("10-cluster.conflist", LIST);
    node.enter();
    node.leave();
    node.leave();
    node.enter();
    assert!(node.has_binary() && !node.places.run_dir.join("uninstalled").exists());
}

#[test]
fn a_program_that_rewrites_the_list_every_second_is_left_alone() {
    #[expect(clippy::disallowed_methods, reason = "a test's start")]
    let start = Instant::now();
    let node = node(Door::Auto);
    let mut feud = Feud::default();
    let wanted = Wanted {
        out: false,
        runtime: Some(String::new()),
    };
    let mut look = |second| {
        let now = start + Duration::from_secs(second);
        turn(&node.places, &wanted, Compare::Length, &mut feud, now).unwrap()
    };
    let mut written = 0;
    for second in 0..30 {
        node.put("05-cilium.conflist", LIST);
        let installed = look(second);
        written += usize::from(node.types("05-cilium.conflist").len() == 2);
        assert_eq!(installed.blocked.is_some(), second >= 2, "{second}");
        assert_eq!(installed.in_place, second < 2, "{second}");
    }
    assert_eq!(written, 2);
    // It stops.
    assert!(!look(88).in_place);
    assert!(look(95).in_place);
    assert!(look(96).blocked.is_some(), "it may not last");
    assert!(look(160).blocked.is_none());
    assert_eq!(node.types("05-cilium.conflist"), ["bridge", "landfall"]);
}
