//! The table: a line for each address of each sandbox.

use std::time::Duration;

const COLUMNS: [&str; 10] = [
    "SANDBOX",
    "NETWORK",
    "INTERFACE",
    "PARENT",
    "ADDRESS",
    "GATEWAY",
    "MAC",
    "PEER",
    "LAN",
    "ADD",
];

const HEADER: &str = "\
PEER and LAN: round trip in ms of a ping to the same network in another sandbox, and to the host on the
LAN. ADD: ms from the plugin's start to its end, addresses from files of host-local's layout included.
";

/// An address of a sandbox.
pub(super) struct Row {
    pub(super) sandbox: String,
    /// Driver and name.
    pub(super) network: String,
    pub(super) interface: String,
    pub(super) parent: String,
    pub(super) address: String,
    pub(super) gateway: String,
    pub(super) mac: String,
    /// Round trip in ms; `None`: no answer.
    pub(super) peer: Option<f64>,
    /// As well.
    pub(super) lan: Option<f64>,
    pub(super) add: Duration,
}

/// All of it.
pub(super) fn text(rows: &[Row]) -> String {
    let mut cells = vec![COLUMNS.map(str::to_owned)];
    cells.extend(rows.iter().map(Row::cells));
    format!("{HEADER}\n{}", crate::demo::table::aligned(&cells))
}

impl Row {
    fn cells(&self) -> [String; COLUMNS.len()] {
        let trip =
            |ms: Option<f64>| ms.map_or_else(|| "FAILED".to_owned(), |ms| format!("{ms:.2}"));
        [
            self.sandbox.clone(),
            self.network.clone(),
            self.interface.clone(),
            self.parent.clone(),
            self.address.clone(),
            self.gateway.clone(),
            self.mac.clone(),
            trip(self.peer),
            trip(self.lan),
            format!("{:.1}", self.add.as_secs_f64() * 1000.0),
        ]
    }
}
