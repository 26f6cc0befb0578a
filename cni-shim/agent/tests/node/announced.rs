//! How often the LAN hears of a new attachment.

use std::{thread, time::Duration};

use landfall_tests::capture::Capture;
use serde_json::json;

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn an_attachment_is_announced_as_often_as_its_network_says() {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    for (turn, count) in (0_u8..).zip([0, 1, 3]) {
        let spec = json!({"announce": {"count": count, "interval": "100ms"}});
        let host = 5 + turn;
        agent.see_network(2 + u64::from(turn), &spec, &grants(POD, host));
        let pod = node.pod();
        let container = format!("c{turn}");
        let mut capture = Capture::start(&node.lan.name, "lan0", "arp or icmp6").unwrap();
        agent.add(&container, POD, &pod).unwrap();
        thread::sleep(Duration::from_millis(800));
        let (ipv4, ipv6) = (
            format!("who-has 10.9.0.{host}"),
            format!("tgt is fd00:9::{host:x}"),
        );
        let heard = [
            capture.count(&["> ff:ff:ff:ff:ff:ff", &ipv4]),
            capture.count(&["> 33:33:00:00:00:01", "neighbor advertisement", &ipv6]),
        ];
        assert_eq!(heard, [count, count]);
        agent.del(&container, Some(&pod)).unwrap();
    }
}
