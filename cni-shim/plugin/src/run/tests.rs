//! Calls without an agent; with one, and as a process, they are tested in the netns tier.

use super::*;

const NONE: &str = r#"{"cniVersion":"1.1.0","name":"n","prevResult":{"cniVersion":"1.1.0","ips":[]},
    "runtimeConfig":{"io.kubernetes.cri.pod-annotations":{}}}"#;

fn environment(verb: Verb) -> Environment {
    Environment {
        verb,
        container_id: "c1".to_owned(),
        netns: Some("/nowhere".into()),
        interface: "eth0".to_owned(),
        args: "K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p;K8S_POD_UID=u".to_owned(),
        path: "/nowhere".to_owned(),
        netns_override: false,
        called_as: None,
    }
}

fn call(verb: Verb, input: &str) -> Result<String, CniError> {
    let environment = environment(verb);
    let node = Node::below(Path::new("/nowhere"));
    run(&environment, input.as_bytes(), &node).map(|output| output.result.into_owned())
}

#[test]
fn a_pod_that_asks_for_nothing_gets_what_was_there_before() {
    assert_eq!(
        call(Verb::Add, NONE).unwrap(),
        r#"{"cniVersion":"1.1.0","ips":[]}"#
    );
    for verb in [Verb::Del, Verb::Check, Verb::Gc, Verb::Status] {
        assert_eq!(call(verb, NONE).unwrap(), "", "{verb:?}");
    }
}

#[test]
fn versions_are_one_line() {
    assert_eq!(
        call(Verb::Version, "").unwrap(),
        "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\
         \"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n"
    );
}

#[test]
fn without_a_result_before_us_we_are_not_chained() {
    let error = call(Verb::Add, r#"{"name":"n"}"#).unwrap_err();

    assert_eq!(error.code, Code::InvalidConfig);
    assert!(error.msg.starts_with("required prevResult missing"));
}

#[test]
fn a_namespace_that_can_not_be_opened_is_named() {
    let asks = NONE.replace("{}}}", r#"{"landfall.dev/networks":"x"}}}"#);

    let error = call(Verb::Add, &asks).unwrap_err();

    assert_eq!(error.code, Code::InvalidEnvironment);
    assert!(error.msg.contains("/nowhere"), "{error}");
}

#[test]
fn no_link_is_made_in_the_nodes_own_namespace() {
    let asks = NONE.replace("{}}}", r#"{"landfall.dev/networks":"x"}}}"#);
    let mut environment = environment(Verb::Add);
    environment.netns = Some("/proc/self/ns/net".into());

    let node = Node::below(Path::new("/nowhere"));
    let error = run(&environment, asks.as_bytes(), &node).unwrap_err();

    assert!(
        error.msg.contains("the node's own network namespace"),
        "{error}"
    );
}

#[test]
fn a_driver_that_is_neither_macvlan_nor_ipvlan_is_refused() {
    let error = call(Verb::Add, r#"{"name":"n","driver":"bridge"}"#).unwrap_err();

    assert_eq!(error.code, Code::InvalidConfig);
    assert!(error.msg.contains("expected macvlan or ipvlan"), "{error}");
}

#[test]
fn called_as_a_reference_plugin_it_needs_no_driver() {
    let environment = Environment {
        called_as: Some(NetworkKind::Ipvlan),
        ..environment(Verb::Add)
    };
    let node = Node::below(Path::new("/nowhere"));
    let input = r#"{"name":"n","mtu":"x"}"#;
    let error = run(&environment, input.as_bytes(), &node).unwrap_err();

    assert_eq!(error.code, Code::INTERNAL);
    assert!(error.msg.starts_with("failed to load netconf: "), "{error}");
}

#[test]
fn a_del_succeeds_whatever_the_annotations_and_the_result_are() {
    let folder = std::env::temp_dir().join(format!("landfall-run-{}", std::process::id()));
    let environment = environment(Verb::Del);
    let node = Node::below(&folder);
    for input in [
        r#"{"name":"n","runtimeConfig":{"io.kubernetes.cri.pod-annotations":7}}"#,
        r#"{"name":"n","runtimeConfig":[],"prevResult":7}"#,
    ] {
        let output = run(&environment, input.as_bytes(), &node).unwrap();

        assert!(output.remark.unwrap().contains("it is told later"));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_delegate_without_agent_is_not_available() {
    let input = r#"{"cniVersion":"1.1.0","name":"n","network":"x"}"#;

    assert_eq!(
        call(Verb::Status, input).unwrap_err().code,
        Code::NotAvailable
    );
    assert_eq!(call(Verb::Gc, input).unwrap(), "");
}

#[test]
fn the_text_of_a_del_never_says_not_found() {
    let error = call(Verb::Del, r#"{"name":"not found"}"#).unwrap_err();

    assert!(
        !error.msg.contains("not found") && !error.details.contains("not found"),
        "{error:?}"
    );
}

#[test]
fn uninstalled_pods_pass_and_a_del_is_not_spooled() {
    let folder = std::env::temp_dir().join(format!("landfall-tombstone-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let node = Node::below(&folder);
    std::fs::write(&node.tombstone, b"").unwrap();
    let asks = NONE.replace("{}}}", r#"{"landfall.dev/networks":"x"}}}"#);
    let call = |verb| {
        let environment = environment(verb);
        let output = run(&environment, asks.as_bytes(), &node).unwrap();
        (output.result.into_owned(), output.remark.is_some())
    };
    let passed = r#"{"cniVersion":"1.1.0","ips":[]}"#.to_owned();
    assert_eq!(call(Verb::Add), (passed, true));
    assert_eq!(call(Verb::Del), (String::new(), true));
    assert!(!node.spool.exists());
    std::fs::remove_dir_all(&folder).unwrap();
}
