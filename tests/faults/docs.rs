//! What the tier meets, in docs/faults.md.

use std::{collections::BTreeSet, fs};

use landfall_tests::tree;

const DOCS: &str = "docs/faults.md";

/// A section names all that was met, and nothing else; it is written anew with LANDFALL_WRITE_DOCS=1.
pub(crate) fn check(section: &str, met: &BTreeSet<String>) {
    let lines: Vec<_> = met.iter().map(|name| format!("- {name}\n")).collect();
    let lines = lines.concat();
    let begin = format!("<!-- begin {section} -->\n");
    let end = format!("<!-- end {section} -->");
    let path = tree::tree(DOCS);
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(&begin).expect("a begin in docs/faults.md");
    let (_, tail) = rest.split_once(&end).expect("an end in docs/faults.md");
    let wanted = format!("{head}{begin}{lines}{end}{tail}");
    if std::env::var_os("LANDFALL_WRITE_DOCS").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(
        text == wanted,
        "{DOCS}, {section}: met now {met:#?}; LANDFALL_WRITE_DOCS=1 writes it anew"
    );
}
