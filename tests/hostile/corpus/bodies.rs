//! Bodies that are almost JSON, or more of it than anybody wants.

use crate::random::Random;

const KEYS: &[&str] = &[
    "title",
    "body",
    "tags",
    "id",
    "userId",
    "slug",
    "status",
    "email",
    "password",
    "Title",
    "ti\\u0074le",
    "title\\u0000",
    "",
    "__proto__",
    "$ref",
    "@type",
    "\u{202e}title",
    "displayName",
    "username",
    "updateMask",
];
const ATOMS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1e999",
    "-1e999",
    "1E400",
    "0.1e-999",
    "01",
    "+1",
    "1.",
    ".5",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "\"\"",
    "\"a\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\u0000\"",
    "\"\\x41\"",
    "\"\\\"",
    "\"\u{0}\"",
    "\"\u{1}\"",
    "\"\t\"",
    "\"\u{7f}\"",
    "\"\u{2028}\"",
    "\"\u{feff}\"",
    "\"\u{202e}\"",
    "\"\u{1f4a9}\"",
    "\"${jndi:ldap://a}\"",
    "\"'; DROP TABLE posts; --\"",
    "\"<script>alert(1)</script>\"",
    "\"../../etc/passwd\"",
    "\"%s%n%p\"",
    "'a'",
    "undefined",
    "/* a */ 1",
    "// a\n1",
    "\"\u{64e}\u{64f}\u{650}\"",
    "\"\\ud83d\\ude00\"",
    "[]",
    "{}",
    "[,]",
    "[1,]",
    "{,}",
    "\"1970-01-01T00:00:00Z\"",
    "\"99999-13-45T99:99:99Z\"",
    "1 2",
];

/// A request with a body, as somebody who is signed in.
pub(crate) fn bodies(random: &mut Random) -> Vec<u8> {
    let mut body = match random.below(8) {
        0 => deep(random),
        1 => random.bytes(200),
        _ => {
            let mut text = String::new();
            value(random, &mut text, 0);
            text.into_bytes()
        }
    };
    if random.once_in(2) {
        random.spoil(&mut body);
    }
    if random.once_in(20) {
        body.splice(0..0, *b"\xef\xbb\xbf");
    }
    body
}

fn value(random: &mut Random, text: &mut String, depth: usize) {
    match random.below(if depth > 4 { 2 } else { 5 }) {
        0 | 1 if depth > 0 => text.push_str(random.pick(ATOMS)),
        2 if depth > 0 => {
            text.push('[');
            for number in 0..random.below(4) {
                text.push_str(if number > 0 { "," } else { "" });
                value(random, text, depth + 1);
            }
            text.push(']');
        }
        _ => {
            text.push_str("{\"title\":\"");
            text.push_str(&random.word());
            text.push('"');
            for _ in 0..random.below(4) {
                text.push_str(",\"");
                text.push_str(random.pick(KEYS));
                text.push_str("\":");
                value(random, text, depth + 1);
            }
            text.push('}');
        }
    }
}

fn deep(random: &mut Random) -> Vec<u8> {
    let (open, close) = if random.once_in(2) { ("[", "]") } else { ("{\"a\":", "}") };
    let depth = 90 + random.below(3_000);
    let closed = if random.once_in(2) { depth } else { 0 };
    let word = random.word();
    format!("{{\"tags\":{}\"{word}\"{}}}", open.repeat(depth), close.repeat(closed)).into_bytes()
}
