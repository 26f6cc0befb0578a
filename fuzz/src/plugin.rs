//! What a runtime hands to the plugin.

use landfall_core::network::NetworkKind;
use landfall_plugin::{
    config::{Config, Kind},
    env::Environment,
    import::{explain, import},
    result::pass_through,
    spec::Version,
    standalone::{self, arguments, host_local::HostLocal, object::Object, result::CniResult},
};

const VERSIONS: [Version; 7] = [
    Version::V0_1_0,
    Version::V0_2_0,
    Version::V0_3_0,
    Version::V0_3_1,
    Version::V0_4_0,
    Version::V1_0_0,
    Version::V1_1_0,
];

/// A configuration on stdin, called by each name; also as the file that `landfall import` reads.
pub fn stdin(bytes: &[u8]) {
    for called_as in [None, Some(NetworkKind::Macvlan), Some(NetworkKind::Ipvlan)] {
        let Ok(config) = Config::read(bytes, called_as) else {
            continue;
        };
        drop((
            config.asked(),
            config.ips(),
            config.mac(),
            config.valid_attachments(),
        ));
        if let Some(previous) = config.prev_result() {
            drop(pass_through(previous, config.version));
            result(previous.get());
        }
        if let (Kind::StandAlone(kind), Ok(text)) = (&config.kind, str::from_utf8(bytes)) {
            alone(text, &config, *kind);
        }
    }
    if let Ok(text) = str::from_utf8(bytes) {
        drop((import("file", text), explain("file", text)));
    }
}

fn alone(text: &str, config: &Config<'_>, kind: NetworkKind) {
    if let Ok(read) = standalone::config::Config::read(text, config.version, &config.name, kind) {
        drop(read.driver());
    }
    let Ok(object) = Object::read(text) else {
        return;
    };
    if let Ok(pool) = HostLocal::read(&object, &config.name, config.version, "") {
        for set in &pool.sets {
            for (address, range) in set.addresses(None).take(3) {
                assert!(range.contains(address), "{address} is not in {range}");
            }
        }
    }
}

/// A result that was read and printed says the same when it is read again.
fn result(text: &str) {
    for version in VERSIONS {
        let Ok(read) = CniResult::read(text, version) else {
            continue;
        };
        let Ok(printed) = read.print(version) else {
            continue;
        };
        let again = CniResult::read(&printed, version).map(|again| again.print(version));
        assert_eq!(again.ok().and_then(Result::ok), Some(printed));
    }
}

/// CNI_ARGS and the other variables, a line each.
pub fn cni_args(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.lines();
    let args = lines.next().unwrap_or_default();
    drop(arguments::read(args, ["MAC"]));
    if let Ok([ip, mac]) = arguments::read(args, ["IP", "MAC"]) {
        for value in [ip, mac].into_iter().flatten() {
            assert!(args.contains(value));
        }
    }
    let rest: Vec<_> = lines.collect();
    let environment = Environment::read(|name| {
        let of = |place: usize| rest.get(place).map(|line| (*line).to_owned());
        match name {
            "CNI_COMMAND" => Some(of(0).unwrap_or_else(|| "ADD".to_owned())),
            "CNI_CONTAINERID" => Some(of(1).unwrap_or_else(|| "c1".to_owned())),
            "CNI_IFNAME" => Some(of(2).unwrap_or_else(|| "net1".to_owned())),
            "CNI_NETNS" => Some(of(3).unwrap_or_else(|| "/run/netns/x".to_owned())),
            "CNI_PATH" => Some("/opt/cni/bin".to_owned()),
            "CNI_ARGS" => Some(args.to_owned()),
            _ => None,
        }
    });
    if let Ok(Some(environment)) = environment {
        assert!(environment.interface.len() <= 15);
        drop(environment.pod());
    }
}
