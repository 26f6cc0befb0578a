//! STATUS and GC, which the reference has in name only.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::rig::{Rig, both, ours};

/// 45
#[test]
fn status_says_50_when_an_add_could_not_succeed() {
    both(|rig| rig.call("STATUS", &rig.simple("1.1.0")).run().silent());
    ours(|rig| {
        let status = |config: &Value| rig.call("STATUS", config).run().error_code();
        let mut config = rig.simple("1.1.0");
        config["master"] = json!("nope");
        assert_eq!(status(&config), 50);
        config["master"] = json!("");
        assert_eq!(status(&config), 50);
        let socket = rig.data.0.join("none.sock");
        let ipam = json!({"type": "dhcp", "daemonSocketPath": socket});
        let script = rig.data.0.join("dhcp");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let config = Rig::config("1.1.0", json!({"ipam": ipam}));
        let call = rig.call("STATUS", &config);
        let call = call.with("CNI_PATH", rig.data.0.display());
        assert_eq!(call.run().error_code(), 50);
    });
    for ipam in ["host-local", "landfall"] {
        ours(|rig| {
            let range = rig.host_local(json!({"subnet": "10.1.2.0/30"}));
            let mut config = Rig::config("1.1.0", json!({"ipam": range}));
            config["ipam"]["type"] = json!(ipam);
            rig.call("STATUS", &config).run().silent();
            rig.add(&config).done();
            assert_eq!(rig.call("STATUS", &config).run().error_code(), 50);
            rig.del(&config).silent();
            rig.call("STATUS", &config).run().silent();
        });
    }
}

/// 46
#[test]
fn gc_gives_back_what_no_attachment_alive_holds() {
    for ipam in ["host-local", "landfall"] {
        ours(|rig| {
            let mut config = rig.simple("1.1.0");
            config["ipam"]["type"] = json!(ipam);
            rig.add(&config).done();
            let second = rig.call("ADD", &config).container("c2");
            second.with("CNI_IFNAME", "net2").run().done();
            let gc = |config: &Value| {
                let mut call = rig.call("GC", config);
                for variable in ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] {
                    call = call.without(variable);
                }
                call.run().silent();
            };
            gc(&config);
            assert_eq!(rig.data.reserved().len(), 2, "nobody said what lives");
            config["cni.dev/valid-attachments"] = json!([{"containerID": "c1", "ifname": "net1"}]);
            for _ in 0..2 {
                gc(&config);
                let left = rig.data.reserved();
                assert_eq!(left, [("10.1.2.2".to_owned(), "c1\r\nnet1".to_owned())]);
            }
            let folder = rig.data.0.join("lan");
            assert!(folder.join("lock").exists() && folder.join("last_reserved_ip.0").exists());
            config["cni.dev/valid-attachments"] = Value::Null;
            gc(&config);
            assert!(rig.data.reserved().is_empty());
        });
    }
}

/// 46
#[test]
fn gc_and_status_are_passed_on_to_the_ipam_plugin() {
    for verb in ["GC", "STATUS"] {
        ours(|rig| {
            let program = rig.data.0.join("teller");
            let script = r#"#!/bin/sh
                echo "{\"code\": 42, \"msg\": \"$CNI_COMMAND $(wc -c)\"}"; exit 1"#;
            fs::write(&program, script).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            let config = Rig::config("1.1.0", json!({"ipam": {"type": "teller"}}));
            let call = rig.call(verb, &config);
            let told = call.with("CNI_PATH", rig.data.0.display()).run().error();
            assert_eq!(told, (42, format!("{verb} {}", config.to_string().len())));
        });
    }
}
