//! Paths and queries with more than one reading.

use crate::random::Random;

const PIECES: &[&str] = &[
    "..",
    ".",
    "%2e",
    "%2e%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "//",
    "/",
    ";",
    ";a=b",
    "%00",
    "%0a",
    "%0d%0a",
    "%",
    "%2",
    "%zz",
    "%c0%af",
    "%c0%ae%c0%ae",
    "%e0%80%af",
    "%f8%80%80%80%af",
    "%ed%a0%80",
    "%ff",
    "%fe",
    "%252e",
    "%252f",
    "%25%32%66",
    "%c2%85",
    "%e2%80%ae",
    "%u002e",
    "~",
    "*",
    "@",
    ":",
    "::$DATA",
    "|",
    "\"",
    "<",
    ">",
    "{",
    "}",
    "^",
    "`",
    "[",
    "]",
    "a",
    "me",
    "null",
    "undefined",
    "-1",
    "0",
    "1e309",
    "%20",
    "+",
    "0197c5aa-bbcc-7000-8000-000000000000",
    "%F0%9F%92%A9",
    "users",
    "posts",
    "web.config",
    ".git",
    ".env",
];

/// A path below one that exists.
pub(crate) fn targets(random: &mut Random) -> Vec<u8> {
    let mut path =
        String::from(random.pick(&["/api/posts/", "/api/users/", "/api/", "/", "/problems/"]));
    for _ in 0..=random.below(6) {
        path.push_str(random.pick(PIECES));
        if random.once_in(3) {
            path.push('/');
        }
    }
    path.push_str(&random.word());
    if random.once_in(50) {
        path.push_str(&"a/".repeat(random.below(6_000)));
    }
    let method = random.pick(&["GET", "GET", "POST", "PATCH", "DELETE"]);
    request(method, &path)
}

/// A query of a list.
pub(crate) fn queries(random: &mut Random) -> Vec<u8> {
    const NAMES: &[&str] = &[
        "pageSize",
        "page_size",
        "pageToken",
        "userIds",
        "PageSize",
        "page.size",
        "pageSize[]",
        "",
        "a",
        "%70ageSize",
        "pageSize%00",
        "__proto__",
        "userId",
        "status",
        "orderBy",
        "filter",
    ];
    let mut query = String::new();
    for _ in 0..=random.below(5) {
        query.push_str(random.pick(NAMES));
        query.push_str(random.pick(&["=", "=", "=", "", "==", "%3d"]));
        for _ in 0..random.below(3) {
            query.push_str(random.pick(PIECES));
        }
        query.push_str(random.pick(&["&", "&&", ";", "?", "%26", ""]));
    }
    query.push_str(&random.word());
    let path = random.pick(&["/api/posts", "/api/profiles", "/api/users/me/posts"]);
    request("GET", &format!("{path}?{query}"))
}

fn request(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .into_bytes()
}
