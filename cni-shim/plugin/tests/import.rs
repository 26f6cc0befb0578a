//! What `landfall import` prints, against files that are kept beside their results, and against the
//! API's own types.
//!
//! `import/NAME.EXT` becomes `import/NAME.EXT.out.yaml`, and `landfall explain` makes `import/NAME.EXT.out.sh` of it;
//! with `LANDFALL_WRITE_DOCS=1` the test writes them. The netns tier runs such commands.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and a process is what is tested"
)]

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use landfall_core::network::{DefaultRoute, Driver, IpamType, LinkMatch, Network, VlanProtocol};
use landfall_crds::{ipvlan::IpvlanNetwork, macvlan::MacvlanNetwork};
use landfall_plugin::import::{explain, import};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("tests/import")
}

fn input(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// The networks that the API makes of what is printed for a text.
fn networks(name: &str, text: &str) -> Vec<Network> {
    let yaml = import(name, text).unwrap_or_else(|fault| panic!("{fault}"));
    let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
    documents
        .iter()
        .map(|document| accepted(document, &yaml))
        .collect()
}

fn accepted(document: &Value, yaml: &str) -> Network {
    let uid = "00000000-0000-0000-0000-000000000001";
    let metadata = with(&document["metadata"], "uid", uid);
    let mut stored = document.clone();
    stored["metadata"] = metadata;
    let network = match document["kind"].as_str() {
        Some("MacvlanNetwork") => Network::try_from(&read::<MacvlanNetwork>(&stored)),
        Some("IpvlanNetwork") => Network::try_from(&read::<IpvlanNetwork>(&stored)),
        other => panic!("{other:?}"),
    };
    network.unwrap_or_else(|fault| panic!("{fault}\n{yaml}"))
}

fn with(object: &Value, key: &str, value: &str) -> Value {
    let mut map = object.as_object().unwrap().clone();
    drop(map.insert(key.to_owned(), json!(value)));
    Value::Object(map)
}

/// The API server drops fields that it does not know, and a type does too: none may get lost.
fn read<T: DeserializeOwned + Serialize>(stored: &Value) -> T {
    let object: T = serde_json::from_value(stored.clone()).unwrap();
    let again = serde_json::to_value(&object).unwrap();
    lost("", stored, &again);
    object
}

fn lost(path: &str, printed: &Value, read: &Value) {
    match printed {
        Value::Object(map) => {
            for (key, value) in map {
                lost(&format!("{path}.{key}"), value, &read[key]);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                lost(&format!("{path}[{index}]"), value, &read[index]);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            assert_eq!(printed, read, "{path}");
        }
    }
}

fn one(text: &Value) -> Network {
    let text = text.to_string();
    let mut all = networks("x.conf", &text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn usable(network: &Network) -> Vec<String> {
    let subnets = network.ipam.subnets.iter();
    let ranges = subnets.flat_map(|subnet| subnet.usable.ranges());
    ranges.map(ToString::to_string).collect()
}

fn gateways(network: &Network) -> Vec<String> {
    let gateways = network.ipam.subnets.iter().filter_map(|s| s.gateway);
    gateways.map(|gateway| gateway.to_string()).collect()
}

fn host_local(ipam: &Value) -> Value {
    let ipam = with(ipam, "type", "host-local");
    json!({"name": "a", "type": "macvlan", "master": "eth0", "ipam": ipam})
}

#[test]
fn every_file_becomes_what_is_kept_beside_it_and_the_api_accepts_it() {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|path| !path.to_str().unwrap().contains(".out."));
    assert!(files.len() >= 11, "{files:?}");
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        drop(networks(name, &text));
        kept(&format!("{name}.out.yaml"), &import(name, &text).unwrap());
        kept(&format!("{name}.out.sh"), &explain(name, &text).unwrap());
    }
}

fn kept(name: &str, printed: &str) {
    let file = folder().join(name);
    if env::var_os("LANDFALL_WRITE_DOCS").is_some() {
        fs::write(&file, printed).unwrap();
    }
    assert_eq!(
        printed,
        fs::read_to_string(file).unwrap_or_default(),
        "{name}"
    );
}

/// host-local hands out 20.1.1.2 on each of three machines with this file. One network for all of
/// them has one ledger, of the same addresses.
#[test]
fn rkts_file_becomes_one_pool_of_what_host_local_hands_out_on_each_machine() {
    for file in [
        "rkt-macvlan.conf",
        "rkt-ipvlan.conf",
        "rkt-cloud-config.yml",
    ] {
        let all = networks(file, &input(file));
        let [network] = all.as_slice() else {
            panic!("{file}: {all:?}");
        };
        assert_eq!(network.name.to_string(), "lannet");
        assert_eq!(usable(network), ["20.1.1.2-20.1.1.254"]);
        assert_eq!(gateways(network), ["20.1.1.1"]);
        assert_eq!(network.default_route, DefaultRoute::Never);
        let parent = &network.parents.first().unwrap().parent;
        assert_eq!(parent.link, LinkMatch::Interface("eth0".into()));
    }
}

#[test]
fn ranges_carry_over_whichever_end_is_missing() {
    let cases = [
        (json!({"subnet": "10.1.0.0/24"}), "10.1.0.2-10.1.0.254"),
        (
            json!({"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.9"}),
            "10.1.0.9-10.1.0.254",
        ),
        (
            json!({"subnet": "10.1.0.0/24", "rangeEnd": "10.1.0.9"}),
            "10.1.0.2-10.1.0.9",
        ),
        (
            json!({"subnet": "10.1.0.0/24", "gateway": "10.1.0.254"}),
            "10.1.0.1-10.1.0.253",
        ),
        (json!({"subnet": "10.1.0.0/31"}), "10.1.0.0"),
        (
            json!({"subnet": "fd00:1::/64", "rangeStart": "fd00:1::9"}),
            "fd00:1::9-fd00:1::ffff:ffff:ffff:ffff",
        ),
        (
            json!({"subnet": "fd00:1::/64", "gateway": "fe80::1"}),
            "fd00:1::1-fd00:1::ffff:ffff:ffff:ffff",
        ),
    ];
    for (ipam, expected) in cases {
        assert_eq!(usable(&one(&host_local(&ipam))), [expected], "{ipam}");
    }
}

#[test]
fn ranges_of_one_subnet_are_gathered() {
    let network = one(&host_local(&json!({"ranges": [[
        {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.19"},
        {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.30", "rangeEnd": "10.1.0.39"}
    ]]})));

    assert_eq!(network.ipam.subnets.len(), 1);
    assert_eq!(
        usable(&network),
        ["10.1.0.10-10.1.0.19", "10.1.0.30-10.1.0.39"]
    );
}

#[test]
fn a_route_without_a_gateway_goes_through_the_subnets_own() {
    let network = one(&host_local(&json!({
        "subnet": "10.1.0.0/24",
        "routes": [{"dst": "172.16.0.0/12"}, {"dst": "0.0.0.0/0", "gw": "10.1.0.9"}]
    })));

    let route = network.routes.first().unwrap();
    assert_eq!(route.gateway, Some("10.1.0.1".parse().unwrap()));
    assert_eq!(network.default_route, DefaultRoute::Always);
    // host-local keeps its first address free for a gateway, and the one that is used is another's.
    assert_eq!(gateways(&network), ["10.1.0.9"]);
    assert_eq!(
        usable(&network),
        ["10.1.0.2-10.1.0.8", "10.1.0.10-10.1.0.254"]
    );
}

#[test]
fn a_family_without_a_default_route_gets_none() {
    let network = one(&host_local(&json!({
        "ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
    })));

    assert_eq!(network.default_route, DefaultRoute::Always);
    assert_eq!(gateways(&network), ["10.1.0.1"]);
    assert_eq!(usable(&network)[1], "fd00:1::2-fd00:1::ffff:ffff:ffff:ffff");
}

/// Where the parent's namespace routes, the link is the way, for both families.
#[test]
fn a_default_route_in_mode_l3_needs_no_gateway() {
    let network = one(&json!({
        "name": "a", "type": "ipvlan", "master": "eth0", "mode": "l3",
        "ipam": {"type": "landfall", "subnets": ["10.1.0.0/24"], "routes": [{"dst": "0.0.0.0/0", "priority": 9}]}
    }));

    assert_eq!(network.default_route, DefaultRoute::Always);
    assert_eq!(network.default_route_metric, Some(9));
    assert!(gateways(&network).is_empty());
}

#[test]
fn subnets_of_our_own_ipam_carry_over() {
    let network = one(&json!({
        "name": "a", "type": "macvlan", "master": "eth0", "ipam": {"type": "landfall", "subnets": [
            {"cidr": "10.1.0.0/24", "gateway": "10.1.0.9", "ranges": [{"from": "10.1.0.5", "to": "10.1.0.9"}, {"cidr": "10.1.0.64/31"}],
             "exclude": [{"cidr": "10.1.0.7/32"}]},
            "fd00:1::/64",
        ]}
    }));

    assert_eq!(gateways(&network), ["10.1.0.9"]);
    assert_eq!(
        usable(&network),
        [
            "10.1.0.5-10.1.0.6",
            "10.1.0.8",
            "10.1.0.64-10.1.0.65",
            "fd00:1::1-fd00:1::ffff:ffff:ffff:ffff"
        ]
    );
}

#[test]
fn our_own_keys_carry_over() {
    let network = one(&json!({
        "name": "a", "type": "landfall", "driver": "macvlan", "master": "eth0", "mode": "passthru",
        "noPromiscuous": true, "dad": true, "vlan": {"id": 70, "name": "storage", "protocol": "802.1ad"},
        "ipam": {"type": "landfall", "subnet": "10.1.0.0/24"}
    }));

    assert!(network.duplicate_address_detection);
    assert!(matches!(&network.driver, Driver::Macvlan(macvlan) if macvlan.no_promiscuous));
    let vlan = network.parents[0].parent.vlan.as_ref().unwrap();
    assert_eq!((vlan.id, vlan.protocol), (70, VlanProtocol::Service));
    assert_eq!(usable(&network), ["10.1.0.2-10.1.0.254"]);
}

#[test]
fn keys_match_without_regard_to_case_and_null_is_as_good_as_absent() {
    let network = one(&json!({
        "NAME": "a", "Type": "macvlan", "MASTER": "eth0", "MTU": 1400, "mac": null, "mode": "",
        "IPAM": {"TYPE": "host-local", "Subnet": "10.1.0.0/24", "rangeStart": null}
    }));

    assert_eq!(network.mtu, Some(1400));
    assert_eq!(usable(&network), ["10.1.0.2-10.1.0.254"]);
}

#[test]
fn dockers_sub_interface_is_a_vlan_that_comes_and_goes() {
    let all = networks("docker-macvlan.json", &input("docker-macvlan.json"));
    let parent = &all[1].parents.first().unwrap().parent;

    assert_eq!(parent.link, LinkMatch::Interface("eth0".into()));
    assert_eq!(parent.vlan.as_ref().unwrap().id, 50);
    assert_eq!(parent.vlan.as_ref().unwrap().name, None);
}

#[test]
fn dockers_ranges_and_auxiliary_addresses_carry_over() {
    let all = networks("docker-macvlan.json", &input("docker-macvlan.json"));

    let range = ["192.168.32.128", "192.168.32.130-192.168.32.253"];
    assert_eq!(usable(&all[2]), range);
    assert_eq!(all[3].ipam.subnets.len(), 4);
}

#[test]
fn dockers_internal_networks_are_isolated_and_keep_their_gateway_free() {
    let all = networks("docker-inside.json", &input("docker-inside.json"));

    assert!(all.iter().all(|network| network.isolated));
    assert_eq!(usable(&all[0]), ["10.66.77.64", "10.66.77.66-10.66.77.67"]);
    assert!(all[1].parents.is_empty() && all[2].parents.is_empty());
    assert_eq!(usable(&all[1]), ["10.67.0.1-10.67.0.254"]);
}

#[test]
fn what_has_no_subnet_gets_no_address() {
    let all = networks("l2-only.conf", &input("l2-only.conf"));

    for network in all.iter().take(3) {
        assert_eq!(network.ipam.kind, IpamType::None);
    }
    assert_eq!(usable(&all[3]), ["10.70.0.2-10.70.0.254"]);
}

#[test]
fn a_definition_is_for_its_namespace() {
    let yaml = import("multus.yml", &input("multus.yml")).unwrap();

    assert!(yaml.contains("kubernetes.io/metadata.name: db"), "{yaml}");
    assert!(yaml.contains("name: storage\n") && yaml.contains("name: storage-2\n"));
    assert!(
        yaml.contains("bridge, expected macvlan or ipvlan"),
        "{yaml}"
    );
}

#[test]
fn nothing_is_dropped_in_silence() {
    let conf = json!({
        "name": "a\nkind: Secret", "type": "macvlan", "master": "eth0", "odd\nkind: Pod": {"deep": [1]},
        "ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "resolvConf": "/etc/x", "routes": [
            {"dst": "10.9.0.0/16", "advmss": 1400}
        ]}
    });
    let yaml = import("x.conf", &conf.to_string()).unwrap();

    for word in ["resolvConf", "deep", "advmss"] {
        assert!(yaml.contains(word), "{word}: {yaml}");
    }
    drop(one(&conf));
}

/// A text, and how its fault begins behind the name of the file.
const FAULTS: &[(&str, &str)] = &[
    ("", "is empty, expected a CNI configuration"),
    ("hello", "is \"hello\", expected a CNI configuration"),
    (
        "{\"name\": ",
        "is no JSON: EOF while parsing a value at line 1",
    ),
    ("a: [b", "is no YAML: "),
    (
        "{}",
        "is none of the known forms, expected a CNI configuration",
    ),
    (
        r#"{"name": "a", "type": "bridge"}"#,
        "describes no network of ours; x.conf: is of type bridge",
    ),
    (r#"{"type": "macvlan"}"#, "name: is missing"),
    (
        r#"{"name": "a", "type": "macvlan", "mode": "Bridge"}"#,
        "mode: is \"Bridge\": expected one of bridge, private",
    ),
    (
        r#"{"name": "a", "type": "macvlan", "mtu": -1}"#,
        "mtu: is -1, expected a number",
    ),
    (
        r#"{"name": "a", "type": "macvlan", "mtu": 9}"#,
        "mtu: is 9: it must be between 68 and 65535",
    ),
    (
        r#"{"name": "a", "type": "macvlan", "master": "a/b"}"#,
        "master: is \"a/b\", which no interface can be called",
    ),
    (
        r#"{"name": "a", "type": "vlan", "master": "a", "vlanId": 4095}"#,
        "vlanId: is no VLAN",
    ),
    (
        "kind: Pod",
        "kind: is \"Pod\", expected NetworkAttachmentDefinition",
    ),
    (
        "kind: NetworkAttachmentDefinition\nmetadata: {name: a}",
        "spec.config: is empty: the configuration of that name lies on the nodes",
    ),
    (
        "kind: NetworkAttachmentDefinition\nspec: {config: '{'}",
        "spec.config: is no JSON",
    ),
    (
        "write_files: [{path: /etc/motd, content: a}]",
        "write_files: has no network configuration",
    ),
    (
        "write_files: [{path: /etc/rkt/net.d/a.conf, encoding: b64, content: e30=}]",
        "write_files[0].encoding: is \"b64\": decode",
    ),
    (
        "write_files: [{path: /etc/rkt/net.d/a.conf, content: '{\"type\": 5}'}]",
        "write_files[0].content, /etc/rkt/net.d/a.conf: type: is 5, expected a text",
    ),
    (
        r#"[{"Name": "a", "Driver": "macvlan", "IPAM": {"Config": [{"Subnet": "10.1.0.0/24", "AuxiliaryAddresses": {"r": "x"}}]}}]"#,
        "[0].IPAM.Config[0].AuxiliaryAddresses.r: \"x\" is no address",
    ),
];

/// Members of host-local's configuration, and how their fault begins behind `ipam.`.
const HOST_LOCAL_FAULTS: &[(&str, &str)] = &[
    (
        r#""subnet": "20.1.1/24""#,
        "subnet: \"20.1.1/24\" is no subnet: write it like",
    ),
    (r#""subnet": 5"#, "subnet: is 5, expected a text"),
    (
        r#""subnet": "127.0.0.0/8""#,
        "subnet: is 127.0.0.0/8, which reaches into",
    ),
    (
        r#""ranges": [{"subnet": "10.1.0.0/24"}]"#,
        "ranges[0]: is {",
    ),
    (
        r#""ranges": [[{"subnet": "10.1.0.0/24", "rangeEnd": "10.2.0.1"}]]"#,
        "ranges[0][0].rangeStart: 10.1.0.1-10.2.0.1 reaches outside 10.1.0.0/24",
    ),
    (
        r#""ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "10.1.0.0/16"}]]"#,
        "ranges[1][0].subnet: is 10.1.0.0/16, which overlaps 10.1.0.0/24",
    ),
    (
        r#""subnet": "10.1.0.0/24", "routes": [{}]"#,
        "routes[0].dst: is missing",
    ),
    (
        r#""subnet": "10.1.0.0/24", "routes": [{"dst": "::/0", "gw": "10.1.0.1"}]"#,
        "routes[0].gw: and dst must be both",
    ),
];

#[test]
fn a_fault_says_where_it_is_and_what_was_expected() {
    let begins = |text: &str, expected: &str| {
        let said = import("x.conf", text).unwrap_err().to_string();
        let expected = format!("x.conf: {expected}");
        assert!(
            said.starts_with(&expected),
            "{text}\n  said {said}\n  not  {expected}"
        );
    };
    for (text, expected) in FAULTS {
        begins(text, expected);
    }
    for (ipam, expected) in HOST_LOCAL_FAULTS {
        let text = r#"{"name": "a", "type": "macvlan", "ipam": {"type": "host-local", "#;
        begins(&format!("{text}{ipam}}}}}"), &format!("ipam.{expected}"));
    }
}

#[test]
fn the_command_reads_a_file_or_its_input_and_its_exit_codes_mean_something() {
    let run = |arguments: &[&str], input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command.env_clear().arg("import").args(arguments);
        let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
        let [stdin, stdout, stderr] = pipes;
        let mut child = command
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code().unwrap(), stdout, stderr)
    };
    let file = folder().join("rkt-macvlan.conf");
    let (code, out, err) = run(&[file.to_str().unwrap()], "");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, input("rkt-macvlan.conf.out.yaml"));
    let (code, out, _) = run(&["-"], &input("rkt-macvlan.conf"));
    assert_eq!(code, 0);
    assert!(out.starts_with("# Made from stdin"), "{out}");
    let (code, out, _) = run(&["--help"], "");
    assert!(code == 0 && out.contains("Exit codes"), "{out}");
    for (arguments, input, expected) in [
        (&["-"][..], "{}", 1),
        (&[], "", 2),
        (&["a", "b"], "", 2),
        (&["--x"], "", 2),
        (&["/nowhere/x.conf"], "", 3),
    ] {
        let (code, out, err) = run(arguments, input);
        assert_eq!((code, out.as_str()), (expected, ""), "{err}");
        assert!(err.starts_with("landfall import: "), "{err}");
    }
}
