use super::{Dns, Interface, spell};

#[test]
fn the_text_is_as_multus_writes_it() {
    let interfaces = [
        Interface {
            name: "cbr0".to_owned(),
            interface: Some("eth0".to_owned()),
            ips: vec!["10.244.0.5".parse().unwrap()],
            default: true,
            ..Interface::default()
        },
        Interface {
            name: "storage".to_owned(),
            interface: Some("net1".to_owned()),
            ips: vec!["10.20.0.5".parse().unwrap(), "fd00::5".parse().unwrap()],
            mac: Some("0a:58:0a:14:00:05".parse().unwrap()),
            mtu: Some(1500),
            default: false,
            dns: Dns {},
            gateway: vec!["10.20.0.1".parse().unwrap()],
        },
    ];
    let expected = r#"[{
    "name": "cbr0",
    "interface": "eth0",
    "ips": [
        "10.244.0.5"
    ],
    "default": true,
    "dns": {}
},{
    "name": "storage",
    "interface": "net1",
    "ips": [
        "10.20.0.5",
        "fd00::5"
    ],
    "mac": "0a:58:0a:14:00:05",
    "mtu": 1500,
    "dns": {},
    "gateway": [
        "10.20.0.1"
    ]
}]"#;
    assert_eq!(spell(&interfaces).as_deref(), Some(expected));
}
