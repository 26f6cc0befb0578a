//! How often the LAN hears of a new attachment.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    agent::{Agent, grants},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

/// tcpdump on the LAN's side.
struct Capture(Child);

impl Capture {
    fn start(node: &Node) -> Self {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &node.lan.name, "tcpdump", "-lnei", "lan0"])
            .arg("arp or icmp6")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says so on stderr when it listens.
        let mut ready = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(ready.any(|line| line.unwrap().contains("listening on")));
        Self(child)
    }

    /// Ends it; how many lines have all of each of these texts.
    fn count(mut self, wanted: &[&[&str]]) -> Vec<usize> {
        self.0.kill().unwrap();
        let output = BufReader::new(self.0.stdout.take().unwrap());
        let lines: Vec<String> = output.lines().map_while(Result::ok).collect();
        self.0.wait().unwrap();
        let has = |line: &String, texts: &[&str]| texts.iter().all(|text| line.contains(text));
        wanted
            .iter()
            .map(|texts| lines.iter().filter(|line| has(line, texts)).count())
            .collect()
    }
}

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
        let capture = Capture::start(&node);
        agent.add(&container, POD, &pod).unwrap();
        thread::sleep(Duration::from_millis(800));
        let (ipv4, ipv6) = (
            format!("who-has 10.9.0.{host}"),
            format!("tgt is fd00:9::{host:x}"),
        );
        let heard = capture.count(&[
            &["> ff:ff:ff:ff:ff:ff", &ipv4],
            &["> 33:33:00:00:00:01", "neighbor advertisement", &ipv6],
        ]);
        assert_eq!(heard, [count, count]);
        agent.del(&container, Some(&pod)).unwrap();
    }
}
