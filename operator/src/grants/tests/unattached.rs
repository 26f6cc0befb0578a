//! Pods that run without what they were granted.

use super::{pass, rig, rig::Rig};

fn about_attachments(rig: &mut Rig) -> Vec<String> {
    let mut told = rig.told();
    told.retain(|text| text.contains(" NotAttached "));
    told
}

#[tokio::test]
async fn a_pod_that_runs_without_its_interface_is_told_so_once() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    rig.run("web");
    rig.settle().await;
    pass(9_000);
    rig.settle().await;
    assert_eq!(about_attachments(&mut rig), Vec::<String>::new());
    pass(2_000);
    rig.settle().await;
    let told = about_attachments(&mut rig);
    let [text] = &told[..] else {
        panic!("{told:?}");
    };
    for part in [
        "Warning NotAttached Pod/web",
        "on node a",
        "net1",
        "delete the pod",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    pass(60_000);
    rig.settle().await;
    assert_eq!(about_attachments(&mut rig), Vec::<String>::new());
}

#[tokio::test]
async fn a_pod_that_is_attached_or_does_not_run_yet_is_told_nothing() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.bind("slow", "b");
    rig.settle().await;
    rig.agent("a");
    rig.run("web");
    for _ in 0..3 {
        rig.settle().await;
        pass(11_000);
    }
    rig.settle().await;
    assert_eq!(about_attachments(&mut rig), Vec::<String>::new());
}

#[tokio::test]
async fn a_pod_whose_agent_is_late_to_report_is_told_nothing() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    rig.run("web");
    rig.settle().await;
    pass(5_000);
    rig.agent("a");
    rig.settle().await;
    pass(20_000);
    rig.settle().await;
    assert_eq!(about_attachments(&mut rig), Vec::<String>::new());
}
