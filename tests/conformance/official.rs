//! The suite that Google checks its own languages with.

use crate::runner::Runner;

/// Every case about JSON that proto3 has, required or recommended.
const CASES: u32 = 778;

#[test]
fn json_is_what_protocol_buffers_say_it_is() {
    let told = Runner::install().run();
    let line = told.lines().find(|line| line.starts_with("CONFORMANCE SUITE PASSED"));
    let line = line.unwrap_or_else(|| panic!("the suite did not pass:\n{told}"));
    assert_eq!(number_before(line, " successes"), CASES, "{line}");
    for none in [" expected failures", " unexpected failures"] {
        assert_eq!(number_before(line, none), 0, "{line}");
    }
}

/// `… 778 successes, …`
fn number_before(line: &str, word: &str) -> u32 {
    let before = line.split(word).next().unwrap_or_default();
    let number = before.rsplit(|c: char| !c.is_ascii_digit()).find(|it| !it.is_empty());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no{word}: {line}"))
}
