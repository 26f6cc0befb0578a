use std::time::Duration;

use super::{Adds, Times, adds, mean};

#[test]
fn only_adds_that_went_well_count() {
    let metrics = "\
# TYPE landfall_agent_request_duration_seconds histogram
landfall_agent_request_duration_seconds_sum{verb=\"ADD\",outcome=\"done\"} 0.25
landfall_agent_request_duration_seconds_count{verb=\"ADD\",outcome=\"done\"} 5
landfall_agent_request_duration_seconds_bucket{le=\"0.5\",verb=\"ADD\",outcome=\"done\"} 5
landfall_agent_request_duration_seconds_sum{verb=\"ADD\",outcome=\"try_again\"} 2.0
landfall_agent_request_duration_seconds_count{verb=\"ADD\",outcome=\"try_again\"} 1
landfall_agent_request_duration_seconds_sum{verb=\"DEL\",outcome=\"done\"} 7.5
";
    let before = Adds {
        seconds: 0.05,
        count: 1.0,
    };
    let [before, after] = [before, adds(metrics)]
        .map(|adds| Times::from([("node1".to_owned(), adds), ("node2".to_owned(), before)]));
    assert_eq!(
        mean(&before, &after, "node1"),
        Some(Duration::from_millis(50))
    );
    assert_eq!(mean(&before, &after, "node2"), None);
}
