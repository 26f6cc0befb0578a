//! Plugins beside ours in the primary network's list.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use landfall_tests::{
    case,
    cluster::NodeKind,
    fault, ledger,
    node::{Undo, sh},
    truth::Truth,
    wait::until,
};

use crate::cluster;

/// A plugin that comes after ours: it notes which addresses `net1` has and fails, for the pod
/// `unlucky` of one namespace, ten times.
const FAILING: &str = r#"
mkdir -p /run/lf-test /etc/cni/net.d/cluster && : > /run/lf-test/adds
cat > /opt/cni/bin/lf-failing <<'PLUGIN'
#!/bin/sh
input=$(cat)
[ "$CNI_COMMAND" = ADD ] || exit 0
is() { case ";$CNI_ARGS;" in *";$1;"*) ;; *) return 1 ;; esac; }
if is K8S_POD_NAMESPACE=@case@ && is K8S_POD_NAME=unlucky; then
    nsenter --net="$CNI_NETNS" ip -o address show dev net1 scope global |
        awk '{ printf "%s ", $4 } END { print "" }' >> /run/lf-test/adds
    if [ "$(wc -l < /run/lf-test/adds)" -le 10 ]; then
        echo '{"cniVersion":"1.0.0","code":999,"msg":"not this time"}'
        exit 1
    fi
fi
printf %s "$input" | jq -c .prevResult
PLUGIN
chmod 755 /opt/cni/bin/lf-failing
echo '{"type":"lf-failing"}' > /etc/cni/net.d/cluster/95-lf-failing.conf
: > /etc/cni/net.d/.lf-test && mv /etc/cni/net.d/.lf-test /etc/cni/net.d/.lf-test2"#;

/// The runtime reloads on a rename in its folder.
const GONE: &str = "
rm -f /etc/cni/net.d/cluster/95-lf-failing.conf
mv /etc/cni/net.d/.lf-test2 /etc/cni/net.d/.lf-test && rm /etc/cni/net.d/.lf-test
sleep 1
rm -rf /opt/cni/bin/lf-failing /run/lf-test";

#[test]
fn an_add_that_fails_after_ours_ten_times_leaves_nothing_and_gets_the_same_addresses() -> Result<()>
{
    case::run(cluster(), "failing", |case| {
        // node2: its runtime reads plugin folders, so nobody's list is touched.
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", &nodes[1], &network)?;
        case.pod("two", &nodes[0], &network)?;
        case.ready(&["one", "two"])?;
        let script = FAILING.replace("@case@", &case.namespace);
        let failing = Undo::after(cluster(), &nodes[1], &script, GONE)?;
        let adds = || sh(cluster(), &nodes[1], "cat /run/lf-test/adds", &[]);
        let pings = fault::through(case, ["one", "two"], || {
            case.pod("unlucky", &nodes[1], &network)?;
            // Kubelet tries again every 10 to 15 seconds.
            for count in 1..=11 {
                until(&format!("ADD number {count}"), 60, || {
                    let seen = adds()?.lines().count();
                    ensure!(seen >= count, "{seen} ADDs");
                    Ok(())
                })?;
                Truth::of(case).no_duplicates()?;
            }
            case.ready(&["unlucky"])
        })?;
        pings.none_lost()?;
        let adds = adds()?;
        let addresses: BTreeSet<_> = adds.lines().collect();
        println!("{} ADDs, with {addresses:?}", adds.lines().count());
        ensure!(addresses.len() == 1, "not the same each time: {adds}");
        case.delete_pod("unlucky")?;
        Truth::of(case).nothing_held_at_rest()?;
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.len() == 4, "{held:?}");
        failing.now()
    })
}
