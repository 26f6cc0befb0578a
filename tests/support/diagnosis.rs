//! What one would look at first.

use crate::cluster::Cluster;

/// Where the chart is installed.
pub const SYSTEM: &str = "landfall-system";

/// Prints what was seen about a namespace, the networks and our programs.
pub fn print(cluster: &Cluster, namespace: &str) {
    let looks = [
        format!("get pods -n {namespace} -o wide"),
        format!("get events -n {namespace} --sort-by=.lastTimestamp"),
        "get landfall,nodes -o wide".to_owned(),
        "get mvn,ivn -o jsonpath={range.items[*]}{.metadata.name}{.status.conditions}{\"\\n\"}{end}"
            .to_owned(),
        format!("get pods -n {SYSTEM} -o wide"),
        logs("operator"),
        logs("agent"),
    ];
    for look in looks {
        let words: Vec<_> = look.split(' ').collect();
        let said = match cluster.kubectl(&words) {
            Ok(text) => text,
            Err(error) => format!("{error:#}"),
        };
        eprintln!("$ cargo dev kubectl {look}\n{said}");
    }
}

fn logs(component: &str) -> String {
    format!(
        "logs -n {SYSTEM} --prefix --tail=25 --max-log-requests=20 -l \
         app.kubernetes.io/name=landfall,app.kubernetes.io/component={component}"
    )
}
