//! libcni's own client, with our plugin in place of the reference.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    programs,
    rig::{Who, both},
    view,
};

#[test]
fn cnitool_adds_checks_and_deletes() {
    both(|rig| {
        // A folder with both: IPAM is the reference's.
        let plugins = match rig.who {
            Who::Ours => format!(
                "{}:{}",
                programs::ours().display(),
                programs::reference().display()
            ),
            Who::Reference => programs::reference().display().to_string(),
        };
        let folder = rig.data.0.join("net.d");
        fs::create_dir(&folder).unwrap();
        let mut plugin = rig.simple("1.0.0");
        plugin.as_object_mut().unwrap().remove("cniVersion");
        let list = json!({"cniVersion": "1.0.0", "name": "lan", "plugins": [plugin]});
        fs::write(folder.join("20-lan.conflist"), list.to_string()).unwrap();
        let tool = |verb: &str| {
            let output = Command::new("ip")
                .args(["netns", "exec", &rig.host.name])
                .arg(programs::cnitool())
                .args([verb, "lan"])
                .arg(rig.pod.path())
                .env("NETCONFPATH", &folder)
                .env("CNI_PATH", &plugins)
                .env("CNI_IFNAME", "net1")
                .output()
                .unwrap();
            assert!(output.status.success(), "{verb}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let printed: Value = serde_json::from_str(&tool("add")).unwrap();
        let result = view::result(rig, &printed);
        let link = view::link(&rig.pod, "net1");
        tool("check");
        tool("del");
        (result, link, rig.pod.links(), rig.data.reserved().len())
    });
}
