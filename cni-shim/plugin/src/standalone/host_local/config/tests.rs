//! Configurations of host-local.

use super::*;

fn read_with(input: &str, version: Version, arguments: &str) -> Result<HostLocal, ConfigError> {
    HostLocal::read(&Object::read(input).unwrap(), "lan", version, arguments)
}

fn read(input: &str) -> Result<HostLocal, ConfigError> {
    read_with(input, Version::V1_0_0, "")
}

fn sets(config: &HostLocal) -> Vec<String> {
    config.sets.iter().map(ToString::to_string).collect()
}

#[test]
fn the_old_way_to_write_a_range_comes_before_the_new_one_and_the_runtimes_before_both() {
    let config = read(
        r#"{"ipam":{"subnet":"10.1.0.0/24","rangeStart":"10.1.0.10","gateway":"10.1.0.254",
            "ranges":[[{"subnet":"fd00::/64"}]]},
            "runtimeConfig":{"ipRanges":[[{"subnet":"10.7.0.0/30"},{"subnet":"10.8.0.0/30"}]]}}"#,
    )
    .unwrap();

    assert_eq!(
        sets(&config),
        [
            "10.7.0.1-10.7.0.2,10.8.0.1-10.8.0.2",
            "10.1.0.10-10.1.0.254",
            "fd00::1-fd00::ffff:ffff:ffff:ffff"
        ]
    );
    assert_eq!(config.folder, Path::new("/var/lib/cni/networks/lan"));
}

#[test]
fn addresses_are_asked_for_in_three_places() {
    let input = r#"{"ipam":{"subnet":"10.1.0.0/24","dataDir":"/x"},
        "args":{"cni":{"ips":["10.1.0.6"]}},"runtimeConfig":{"ips":["10.1.0.7/24","10.1.0.6"]}}"#;
    let config = read_with(input, Version::V1_0_0, "IP=10.1.0.5").unwrap();

    let requested: Vec<_> = config.requested.iter().map(ToString::to_string).collect();
    assert_eq!(requested, ["10.1.0.5", "10.1.0.6", "10.1.0.7"]);
    assert_eq!(config.folder, Path::new("/x/lan"));
}

#[test]
fn the_texts_are_those_of_host_local() {
    let set = r#"[{"subnet":"10.1.0.0/24"}]"#;
    for (input, text) in [
        ("{}".to_owned(), "IPAM config missing 'ipam' key"),
        (r#"{"ipam":{}}"#.to_owned(), "no IP ranges specified"),
        (
            r#"{"ipam":{"ranges":[[]]}}"#.to_owned(),
            "invalid range set 0: empty range set",
        ),
        (
            r#"{"ipam":{"ranges":[[{}]]}}"#.to_owned(),
            "invalid range set 0: IP <nil> not v4 nor v6",
        ),
        (
            format!(r#"{{"ipam":{{"ranges":[{set},[{{"subnet":"fd00::/64"}}],{set}]}}}}"#),
            "range set 0 overlaps with 2",
        ),
    ] {
        assert_eq!(read(&input).unwrap_err().to_string(), text);
    }
}

#[test]
fn old_versions_have_one_address_a_family() {
    let two = r#"{"ipam":{"ranges":[[{"subnet":"10.1.0.0/24"}],[{"subnet":"10.2.0.0/24"}]]}}"#;

    assert!(read_with(two, Version::V0_3_0, "").is_ok());
    assert_eq!(
        read_with(two, Version::V0_2_0, "").unwrap_err().to_string(),
        "CNI version 0.2.0 does not support more than 1 address per family"
    );
}

#[test]
fn values_that_are_no_addresses_are_errors() {
    for input in [
        r#"{"ipam":{"subnet":"10.1.0.0"}}"#,
        r#"{"ipam":{"subnet":"10.1.0.0/24","gateway":"x"}}"#,
        r#"{"ipam":{"subnet":"10.1.0.0/24"},"runtimeConfig":{"ips":["10.1.0.7/x"]}}"#,
        r#"{"ipam":{"ranges":[{"subnet":"10.1.0.0/24"}]}}"#,
    ] {
        assert!(read(input).is_err(), "{input}");
    }
}
