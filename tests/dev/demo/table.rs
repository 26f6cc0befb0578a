//! The table: a line for each address of each pod; what its columns are; what to try next.

use std::time::Duration;

use super::pods::{Line, Pod};

const COLUMNS: [&str; 11] = [
    "POD",
    "NODE",
    "NETWORK",
    "INTERFACE",
    "ADDRESS",
    "GATEWAY",
    "MAC",
    "PEER",
    "OTHER",
    "LAN",
    "ATTACH",
];

const HEADER: &str = "\
Addresses and MACs are read from the kernel of each pod. PEER, OTHER, LAN: round trip in ms of a ping
to a pod of the same network on another node, to a pod of the other network on another node, and to
the host on the LAN. ATTACH: mean ms of the node's ADDs in this demo, from the plugin's connection to
the agent's answer, the wait for the grant included (histogram of the agent).
";

/// What to try next: (command, what it shows).
const NEXT: [(&str, &str); 8] = [
    (
        "cargo dev kubectl get mvn,ivn",
        "the networks, and how many addresses are free",
    ),
    ("cargo dev kubectl get lfn", "what each node serves"),
    (
        "cargo dev kubectl get abl -o yaml",
        "the ledger: who holds which address",
    ),
    (
        "cargo dev kubectl explain mvn.spec",
        "every field of a network",
    ),
    (
        "cargo dev pod landfall-demo/POD -- ip addr",
        "the machine's programs in a pod's namespace",
    ),
    (
        "cargo dev node lan -- ping -c1 ADDRESS",
        "the same LAN, from outside the cluster",
    ),
    (
        "cargo dev kubectl -n landfall-demo delete pod POD",
        "the next pod has an address at once",
    ),
    (
        "cargo dev test e2e",
        "what else is promised, tried on this cluster",
    ),
];

/// All of it.
pub(crate) fn text(pods: &[Pod], stays: bool) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(
        pods.iter()
            .flat_map(|pod| pod.lines.iter().map(move |line| row(pod, line))),
    );
    let first = if stays {
        "Try next:"
    } else {
        "Try next, after cargo dev demo --keep:"
    };
    let mut next = vec![first.to_owned()];
    next.extend(NEXT.map(|(command, what)| format!("    {command:<52} {what}")));
    format!("{HEADER}\n{}\n\n{}", aligned(&rows), next.join("\n"))
}

/// What is the pod's stands beside its first address only.
fn row(pod: &Pod, line: &Line) -> [String; COLUMNS.len()] {
    let is_first = pod
        .lines
        .first()
        .is_some_and(|first| first.address == line.address);
    let once = |text: &str| {
        if is_first {
            text.to_owned()
        } else {
            String::new()
        }
    };
    let trip = |ms: Option<f64>| ms.map_or_else(|| "FAILED".to_owned(), |ms| format!("{ms:.2}"));
    [
        once(&pod.name),
        once(&pod.node),
        once(&pod.network_shown()),
        once(&pod.interface.name),
        line.address.to_string(),
        line.gateway.clone(),
        once(&pod.interface.mac),
        trip(line.peer),
        trip(line.other),
        trip(line.lan),
        once(&pod.attach.map_or_else(String::new, milliseconds)),
    ]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

/// Cells below each other.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or_default()
    };
    let line = |row: &[String; N]| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(column, cell)| format!("{cell:<0$}", width(column)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
