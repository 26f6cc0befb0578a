use super::*;

const LIST: &str = r#"{
  "cniVersion": "1.0.0", "name": "cluster",
  "plugins": [{"type": "bridge", "mtu": 1500}, {"type": "portmap", "capabilities": {"portMappings": true}}]
}"#;

fn parsed(configuration: &Configuration) -> Value {
    serde_json::from_str(&configuration.text()).unwrap()
}

#[test]
fn our_entry_is_the_last_and_the_rest_is_untouched() {
    let chained = Configuration::list(LIST).unwrap().chained();
    let value = parsed(&chained);
    assert_eq!(value["plugins"][2]["type"], "landfall");
    assert_eq!(
        value["plugins"][2]["capabilities"]["io.kubernetes.cri.pod-annotations"],
        true
    );
    let original: Value = serde_json::from_str(LIST).unwrap();
    assert_eq!(value["plugins"][0], original["plugins"][0]);
    assert_eq!(value["plugins"][1], original["plugins"][1]);
    assert_eq!(value["cniVersion"], "1.0.0");
}

#[test]
fn chained_twice_is_chained_once() {
    let once = Configuration::list(LIST).unwrap().chained();
    let twice = Configuration::list(&once.text()).unwrap().chained();
    assert_eq!(once, twice);
}

#[test]
fn unchained_it_is_what_it_was() {
    let original = Configuration::list(LIST).unwrap();
    assert_eq!(original.clone().chained().unchained(), original);
}

#[test]
fn a_single_plugin_becomes_a_list_of_its_name_and_version() {
    let text = r#"{"cniVersion": "0.4.0", "name": "cluster", "type": "bridge"}"#;
    let list = Configuration::single(text).unwrap().chained();
    assert_eq!(list.types, ["bridge", "landfall"]);
    let value = parsed(&list);
    assert_eq!(
        (&value["name"], &value["cniVersion"]),
        (&json!("cluster"), &json!("0.4.0"))
    );
    assert!(Configuration::list(&list.text()).is_some());
}

#[test]
fn what_runtimes_refuse_is_no_configuration() {
    for text in [
        "",
        "{}",
        r#"{"name": "a", "plugins": []}"#,
        r#"{"name": "a", "plugins": [{}]}"#,
    ] {
        assert_eq!(Configuration::list(text), None, "{text}");
    }
    // A list in a file that is called .conf has no type.
    assert_eq!(Configuration::single(LIST), None);
}

#[test]
fn a_stand_alone_network_of_ours_is_not_taken_out() {
    let text = r#"{"name": "a", "plugins": [{"type": "landfall", "driver": "macvlan"}]}"#;
    let list = Configuration::list(text).unwrap();
    assert!(!list.is_chained());
    assert_eq!(list.clone().unchained(), list);
}
