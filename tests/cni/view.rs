//! What is compared: results and kernel state, without what is different in every run.

use serde_json::{Value, json};

use crate::rig::{Namespace, Rig};

/// A result with its hardware address, which the kernel chooses, and its paths replaced.
pub(crate) fn result(rig: &Rig, printed: &Value) -> Value {
    let mut result = printed.clone();
    let interfaces = result["interfaces"].as_array_mut();
    for interface in interfaces.into_iter().flatten() {
        let own = rig.pod.link("net1")["address"].clone();
        if interface["mac"] == own {
            interface["mac"] = json!("that of the link");
        }
        if interface["sandbox"] == rig.pod.path().to_str().unwrap() {
            interface["sandbox"] = json!("CNI_NETNS");
        }
    }
    result
}

/// A link of a namespace, its addresses but for the link-local one, and its routes.
pub(crate) fn link(namespace: &Namespace, name: &str) -> Value {
    let link = namespace.link(name);
    if link.is_null() {
        return Value::Null;
    }
    let info = &link["linkinfo"];
    let addresses = link["addr_info"].as_array().unwrap();
    let addresses: Vec<_> = addresses
        .iter()
        .filter(|address| !address["local"].as_str().unwrap().starts_with("fe80"))
        .map(|address| {
            json!([
                address["local"],
                address["prefixlen"],
                address["broadcast"],
                address["scope"]
            ])
        })
        .collect();
    json!({
        "kind": info["info_kind"],
        "mode": info["info_data"]["mode"],
        "queue": info["info_data"]["bcqueuelen"],
        "mtu": link["mtu"],
        "up": link["flags"].as_array().unwrap().contains(&json!("UP")),
        "addresses": addresses,
        "routes": routes(namespace, name),
        "notify": [
            namespace.sysctl(&format!("ipv4/conf/{name}/arp_notify")),
            namespace.sysctl(&format!("ipv6/conf/{name}/ndisc_notify")),
            namespace.sysctl(&format!("ipv6/conf/{name}/keep_addr_on_down")),
            namespace.sysctl(&format!("ipv6/conf/{name}/disable_ipv6")),
            namespace.sysctl(&format!("ipv6/conf/{name}/accept_ra")),
        ],
    })
}

/// The routes of all tables but local that leave through a link.
fn routes(namespace: &Namespace, name: &str) -> Vec<Value> {
    let of = |family: &str| namespace.json(&format!("{family} route show table all"));
    let mut routes: Vec<_> = of("-4").into_iter().chain(of("-6")).collect();
    routes.retain(|route| {
        let to = route["dst"].as_str().unwrap_or_default();
        route["table"] != "local" && !to.starts_with("fe80") && !to.starts_with("ff00")
    });
    let through = |route: &Value| {
        let next = route["nexthops"].as_array().cloned().unwrap_or_default();
        route["dev"] == name || next.iter().any(|hop| hop["dev"] == name)
    };
    routes.retain(through);
    routes
        .iter()
        .map(|route| {
            json!([
                route["dst"],
                route["gateway"],
                route["protocol"],
                route["scope"],
                route["metric"],
                route["table"],
                route["nexthops"],
            ])
        })
        .collect()
}
