//! Environments.

use super::*;

const ALL: [(&str, &str); 5] = [
    ("CNI_CONTAINERID", "c1"),
    ("CNI_NETNS", "/run/netns/x"),
    ("CNI_IFNAME", "eth0"),
    ("CNI_PATH", "/opt/cni/bin"),
    (
        "CNI_ARGS",
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u",
    ),
];

fn read(command: &str, without: &[&str], with: &[(&str, &str)]) -> Result<Environment, CniError> {
    let variable = |name: &str| {
        let known = ALL.iter().filter(|(key, _)| !without.contains(key));
        let last = [("CNI_COMMAND", command)];
        let mut values = with.iter().chain(known).chain(&last);
        let value = values.find(|(key, _)| *key == name);
        value.map(|(_, value)| (*value).to_owned())
    };
    Environment::read(variable).map(|environment| environment.unwrap())
}

#[test]
fn without_a_command_it_is_no_call() {
    assert_eq!(Environment::read(|_| None), Ok(None));
}

#[test]
fn every_verb_needs_what_the_specification_says() {
    let names = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"];
    for (verb, needs) in [
        ("ADD", &names[..]),
        ("CHECK", &names[..]),
        ("DEL", &["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"]),
        ("GC", &["CNI_PATH"]),
        ("STATUS", &["CNI_PATH"]),
        ("VERSION", &[]),
    ] {
        let read = read(verb, &names, &[]);
        if needs.is_empty() {
            assert!(read.is_ok(), "{verb}");
            continue;
        }
        let error = read.unwrap_err();

        assert_eq!(error.code, Code::InvalidEnvironment);
        let names = needs.join(",");
        assert_eq!(
            error.msg,
            format!("required env variables [{names}] missing")
        );
    }
}

#[test]
fn what_a_verb_has_no_use_for_is_neither_judged_nor_taken() {
    let wrong = [("CNI_CONTAINERID", "/"), ("CNI_IFNAME", "a/b")];
    for verb in ["GC", "STATUS", "VERSION"] {
        let environment = read(verb, &[], &wrong).unwrap();

        assert_eq!(environment.container_id, "", "{verb}");
        assert_eq!(environment.interface, "", "{verb}");
    }
}

#[test]
fn wrong_values_are_named() {
    for (name, value, msg) in [
        ("CNI_COMMAND", "FOO", "unknown CNI_COMMAND: FOO"),
        (
            "CNI_CONTAINERID",
            "a/b",
            "invalid characters in containerID",
        ),
        ("CNI_CONTAINERID", "..", "invalid characters in containerID"),
        (
            "CNI_CONTAINERID",
            "a b",
            "invalid characters in containerID",
        ),
        ("CNI_CONTAINERID", "ä", "invalid characters in containerID"),
        (
            "CNI_IFNAME",
            "sixteen-letters-",
            "interface name is too long",
        ),
        ("CNI_IFNAME", ".", "interface name is . or .."),
        (
            "CNI_IFNAME",
            "a/b",
            "interface name contains / or : or whitespace characters",
        ),
        (
            "CNI_IFNAME",
            "a:b",
            "interface name contains / or : or whitespace characters",
        ),
        (
            "CNI_IFNAME",
            "a\u{a0}b",
            "interface name contains / or : or whitespace characters",
        ),
    ] {
        let error = read("ADD", &[], &[(name, value)]).unwrap_err();

        assert_eq!(
            (error.code, error.msg.as_str()),
            (Code::InvalidEnvironment, msg),
            "{value}"
        );
    }
}

#[test]
fn the_pod_is_in_the_arguments() {
    let pod = read("ADD", &[], &[]).unwrap().pod().unwrap();

    assert_eq!((&*pod.namespace, &*pod.name, &*pod.uid), ("ns", "p", "u"));
}

#[test]
fn arguments_without_a_pod_matter_only_when_it_is_asked_for() {
    for args in [
        "",
        ";;",
        "K8S_POD_NAME",
        "K8S_POD_NAME=p;K8S_POD_UID=u",
        "MAC=a=b;x",
    ] {
        let environment = read("ADD", &[], &[("CNI_ARGS", args)]).unwrap();

        assert_eq!(
            environment.pod().unwrap_err().code,
            Code::InvalidEnvironment,
            "{args}"
        );
    }
}
