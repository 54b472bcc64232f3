//! What is JSON, and what is not.

use proptest::prelude::*;

use super::Cursor;

fn is_json(text: &[u8]) -> bool {
    let Ok(mut cursor) = Cursor::new(text) else { return false };
    cursor.skip().and_then(|()| cursor.end()).is_ok()
}

#[test]
fn depth_is_bounded() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(is_json(nested(100).as_bytes()));
    for depth in [101, 300, 100_000] {
        assert!(!is_json(nested(depth).as_bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_json_is_what_serde_json_takes(
        text in r#"([\[\]{},: 0-9eE.+-]|"[a-c]?"|"\\[a-z/"\\]"|"\\ud83d\\ude00"|"\\u[0-9a-d]{4}"|null|true|false|\n|é|"é\n"){0,9}"#
    ) {
        let number = |text: &str| serde_json::from_str::<serde_json::Value>(text);
        let expected = number(&text);
        // Numbers beyond 64 bits are for the fields to judge.
        let is_large = expected.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assert!(is_large || is_json(text.as_bytes()) == expected.is_ok(), "{text}");
    }
}
