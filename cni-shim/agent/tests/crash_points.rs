//! What is released can't be told to die: crash points are for tests that ask for them by a feature.
#![cfg(not(feature = "crash-points"))]

#[test]
fn an_agent_that_was_not_built_for_it_has_no_crash_points() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_landfall-agent")).unwrap();
    let names = |text: &[u8]| program.windows(text.len()).any(|part| part == text);
    assert!(!names(b"LANDFALL_CRASH_"));
    // Other variables are found like this.
    assert!(names(b"CNI_CONF_DIR"));
}
