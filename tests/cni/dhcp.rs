//! Addresses by DHCP: the reference's IPAM plugin and its daemon, and a server on the LAN.

use std::{
    fs,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use landfall_tests::capture::Capture;
use serde_json::{Value, json};

use crate::{
    programs,
    rig::{Namespace, Rig, both, ours},
    view,
};

/// A process that ends with this.
struct Process(Child);

impl Process {
    /// Runs it in the host's network namespace.
    fn start(rig: &Rig, program: &str, arguments: &[&str]) -> Self {
        let child = Command::new("ip")
            .args(["netns", "exec", &rig.host.name, program])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server at the other end of the host's cable.
fn server(rig: &Rig) -> Process {
    let path = |name: &str| rig.data.0.join(name).display().to_string();
    fs::write(path("leases"), "").unwrap();
    let config = format!(
        "start 10.1.2.50\n\
         end 10.1.2.50\n\
         interface up0\n\
         lease_file {}\n\
         pidfile {}\n\
         option subnet 255.255.255.0\n\
         option router 10.1.2.1\n\
         option staticroutes 10.9.0.0/16 10.1.2.9\n\
         option lease 600\n",
        path("leases"),
        path("server.pid"),
    );
    fs::write(path("server.conf"), config).unwrap();
    rig.host.ip("addr add 10.1.2.1/24 dev up0");
    // It does not ask first whether somebody has the address.
    let arguments = ["udhcpd", "-f", "-a", "0", &path("server.conf")];
    Process::start(rig, "busybox", &arguments)
}

/// The reference's daemon, which keeps leases alive. It asks for a lease for three seconds, not for minutes.
fn daemon(rig: &Rig) -> Process {
    let program = programs::reference().join("dhcp").display().to_string();
    let socket = rig.data.0.join("dhcp.sock");
    let socketpath = format!("-socketpath={}", socket.display());
    let arguments = ["daemon", &socketpath, "-timeout=1s", "-resendtimeout=3s"];
    let daemon = Process::start(rig, &program, &arguments);
    let listens = || UnixStream::connect(&socket).is_ok();
    until("the DHCP daemon to listen", listens);
    daemon
}

/// Waits for it, at most ten seconds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain for {what}");
}

fn config(rig: &Rig) -> Value {
    let ipam = json!({"type": "dhcp", "daemonSocketPath": rig.data.0.join("dhcp.sock")});
    Rig::config("1.0.0", json!({"ipam": ipam}))
}

/// Case 51. The daemon sends a release without a source address: a server that has a UDP socket, as most have, does
/// not get it from the kernel, so it is looked for on the wire.
#[test]
fn a_lease_is_attached_with_its_routes_and_released_by_the_del() {
    let (result, link) = both(|rig| {
        let (_server, _daemon) = (server(rig), daemon(rig));
        // Option 53, which comes first, is DHCPRELEASE (RFC 2131).
        let filter = "udp dst port 67 and udp[248] = 53 and udp[250] = 7";
        let mut releases = Capture::start(&rig.host.name, "up0", filter).unwrap();
        let mut config = config(rig);
        let printed = rig.add(&config).done();
        let seen = (view::result(rig, &printed), view::link(&rig.pod, "net1"));
        let mac = rig.pod.link("net1")["address"].clone();
        config["prevResult"] = printed;
        rig.call("CHECK", &config).run().silent();
        assert_eq!(releases.count(&[]), 0);
        rig.del(&config).silent();
        assert_eq!(rig.pod.links(), ["lo"]);
        let own = [mac.as_str().unwrap()];
        until("a release", || releases.count(&own) == 1);
        rig.del(&config).silent();
        seen
    });
    assert_eq!(result["ips"][0]["address"], "10.1.2.50/24");
    assert_eq!(
        result["routes"],
        json!([{"dst": "10.9.0.0/16", "gw": "10.1.2.9"}])
    );
    let routes = link["routes"].as_array().unwrap();
    assert!(
        routes.iter().any(|route| route[0] == "10.9.0.0/16"),
        "{link}"
    );
}

/// Case 51: the server has one address. The reference (v1.9.1) leaves its link behind: a variable of the same name hides the
/// error from what should undo.
#[test]
fn a_pod_for_which_the_server_has_no_address_gets_an_error_and_no_link() {
    ours(|rig| {
        let (_server, _daemon) = (server(rig), daemon(rig));
        let config = config(rig);
        rig.add(&config).done();
        let second = Namespace::new("second");
        let add = rig.call("ADD", &config).container("second").pod(&second);
        let (code, message) = add.run().error();
        assert_eq!(code, 999, "{message}");
        assert_eq!(second.links(), ["lo"]);
        rig.del(&config).silent();
    });
}
