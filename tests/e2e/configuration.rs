//! Another program that has its own idea of the node's CNI configuration.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    background::Background,
    case::{self, Case},
    cluster::NodeKind,
    fault, kernel,
    node::sh,
    outage::{self, Outage},
    pod,
    wait::until,
};

use crate::cluster;

const FOLDER: &str = "/etc/cni/net.d";

/// What Cilium does with `cni.exclusive=true`: the list is its own, and is written again whenever it
/// is not.
const EXCLUSIVE: &str = "
cd /etc/cni/net.d
while :; do
    jq '.plugins |= map(select(.type != \"landfall\"))' 10-cluster.conflist > .lf-test &&
        mv .lf-test 10-cluster.conflist
    sleep 1
done";

#[test]
fn a_list_that_is_rewritten_every_second_blocks_the_chain_and_nothing_else() -> Result<()> {
    case::alone(cluster(), "exclusive", |case| {
        // The first has our entry in the list, the second in the plugin folder.
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["one", "two"])?;
        ensure!(
            is_in_list(&nodes[0])?,
            "{} is not chained by its list",
            nodes[0]
        );
        ensure!(
            !is_in_list(&nodes[1])?,
            "{} is chained by its list",
            nodes[1]
        );
        let pings = fault::through(case, ["one", "two"], || {
            let [first, second] = [&nodes[0], &nodes[1]]
                .map(|node| Background::on_node(cluster(), node, EXCLUSIVE, &[]));
            let writers = (first?, second?);
            while_it_is_rewritten(case, &nodes, &network)?;
            drop(writers);
            // A minute after the last write it is tried again.
            until("the list has our entry again", 90, || {
                ensure!(is_in_list(&nodes[0])?, "it has not");
                Ok(())
            })?;
            case.pod("after", &nodes[0], &network)?;
            case.ready(&["after"])?;
            kernel::one(cluster(), &case.namespace, "after", "net1").map(drop)
        })?;
        pings.none_lost()?;
        until("the condition has gone", 90, || {
            let blocked = blocked(&nodes[0])?;
            ensure!(blocked.is_none(), "{blocked:?}");
            Ok(())
        })
    })
}

/// What a primary plugin does when its pod starts, while our agent does not run yet.
const WRITTEN_ANEW: &str = "
cd /etc/cni/net.d
jq '.plugins |= map(select(.type != \"landfall\"))' 10-cluster.conflist > .lf-test &&
    mv .lf-test 10-cluster.conflist
sleep 1";

#[test]
fn a_pod_that_started_while_the_plugin_was_not_in_the_list_is_told_so() -> Result<()> {
    case::alone(cluster(), "without", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        ensure!(is_in_list(node)?, "{node} is not chained by its list");
        let agent = "landfall-agent";
        outage::signal(cluster(), node, "STOP", agent)?;
        let stopped = Outage::new("the agent is stopped", || {
            outage::signal(cluster(), node, "CONT", agent)
        });
        sh(cluster(), node, WRITTEN_ANEW, &[])?;
        case.pod("without", node, &network)?;
        case.ready(&["without"])?;
        stopped.end()?;
        let (namespace, reason) = (&case.namespace, "NotAttached");
        let says = pod::event(cluster(), namespace, "without", reason, "without net1")?;
        ensure!(says.contains(node.as_str()), "{says}");
        until("the list has our entry again", 30, || {
            ensure!(is_in_list(node)?, "it has not");
            Ok(())
        })?;
        case.delete_pod("without")?;
        case.pod("without", node, &network)?;
        case.ready(&["without"])?;
        kernel::one(cluster(), namespace, "without", "net1").map(drop)
    })
}

fn while_it_is_rewritten(case: &Case<'_>, nodes: &[String], network: &str) -> Result<()> {
    let why = until("the chain is blocked", 30, || {
        blocked(&nodes[0])?.context("no condition ChainBlocked")
    })?;
    ensure!(why.contains("cni.exclusive=false"), "{why}");
    ensure!(why.contains(FOLDER), "{why}");
    case.pod("plain", &nodes[0], "")?;
    case.pod("plain-two", &nodes[1], "")?;
    case.pod("beside", &nodes[1], network)?;
    case.pod("without", &nodes[0], network)?;
    case.ready(&["plain", "plain-two", "beside", "without"])?;
    // It runs, without what it asked for: only an Event can say so.
    let (namespace, reason) = (&case.namespace, "ChainBlocked");
    pod::event(cluster(), namespace, "without", reason, "without net1")?;
    // The plugin folder is nobody else's.
    kernel::one(cluster(), &case.namespace, "beside", "net1")?;
    let other = blocked(&nodes[1])?;
    ensure!(other.is_none(), "{} is not concerned: {other:?}", nodes[1]);
    ensure!(!is_in_list(&nodes[0])?, "the agent goes on and on");
    Ok(())
}

fn is_in_list(node: &str) -> Result<bool> {
    let list = sh(
        cluster(),
        node,
        "cat /etc/cni/net.d/10-cluster.conflist",
        &[],
    )?;
    Ok(list.contains("\"landfall\""))
}

/// The message of ChainBlocked, while that is true.
fn blocked(node: &str) -> Result<Option<String>> {
    let object = cluster().get(&["lfn", node])?;
    let condition = pod::condition(&object, "ChainBlocked");
    let holds = condition.filter(|(status, ..)| *status == "True");
    Ok(holds.map(|(.., message)| message.to_owned()))
}
