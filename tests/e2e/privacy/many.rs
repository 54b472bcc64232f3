//! Archives of people who have a lot.

use std::{collections::BTreeSet, fs};

use tests::{Person, Service, Stack};

use super::{Archive, direct, export};

const PIECE: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

/// Puts posts into the database whose texts nobody can compress well, each so many
/// times 32 characters long.
pub(super) async fn write_much(stack: &Stack, author: &Person, posts: i32, length: i32) {
    let sql = "INSERT INTO posts (post_id, author_id, title, slug, body, tags) \
               SELECT gen_random_uuid(), $1::text::uuid, n::text, n::text, body, '{}' \
               FROM generate_series(1, $2) AS n, LATERAL ( \
                   SELECT string_agg(md5(random()::text || n || part), '') AS body \
                   FROM generate_series(1, $3) AS part) AS texts";
    let made = stack.databases.content.execute(sql, &[&author.id, &posts, &length]).await;
    assert_eq!(i64::from(posts), i64::try_from(made).unwrap());
}

/// The most that a process ever held, in bytes.
fn resident(service: &Service) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<usize>().unwrap() * 1024
}

fn texts(archive: &Archive, name: &str, pointer: &str) -> BTreeSet<String> {
    let records = if name.ends_with(".ndjson") {
        archive.lines(name)
    } else {
        archive.json(name).as_array().unwrap().clone()
    };
    let texts = records.iter().map(|it| it.pointer(pointer).unwrap().to_string()).collect();
    assert_eq!(archive.told(name), u64::try_from(records.len()).unwrap());
    texts
}

#[tokio::test]
async fn however_much_there_is_it_is_all_there_once_and_in_pieces() {
    let stack = Stack::whole().await;
    let ann = Person::user(&stack, "ann").await;
    Archive::of(ann.rest()).await;
    write_much(&stack, &ann, 3_000, 200).await;
    let auth = &stack.databases.auth;
    let sql = "INSERT INTO sessions (session_id, user_id, expires_at, ended_at) \
               SELECT gen_random_uuid(), $1::text::uuid, now() + interval '1 day', now() \
               FROM generate_series(1, 250)";
    auth.execute(sql, &[&ann.id]).await;
    let sql = "INSERT INTO audit_inbox (kind, subject_id, request_id) \
               SELECT 'test.happened', $1::text::uuid, 'test-' || n \
               FROM generate_series(1, 250) AS n";
    auth.execute(sql, &[&ann.id]).await;

    let before = [&stack.auth, &stack.content].map(resident);
    let mut pieces = export(&direct(&ann), "me").await.unwrap().into_inner();
    let (mut bytes, mut last) = (Vec::new(), PIECE);
    while let Some(piece) = pieces.message().await.unwrap() {
        assert_eq!((last, &*piece.content_type), (PIECE, "application/zip"));
        last = piece.data.len();
        assert!((1..=PIECE).contains(&last), "{last}");
        bytes.extend(piece.data);
    }
    assert!(bytes.len() > 8 * MIB, "{}", bytes.len());
    for (service, before) in [&stack.auth, &stack.content].into_iter().zip(before) {
        let grown = resident(service).saturating_sub(before);
        assert!(grown < 6 * MIB, "{} KiB more for {} KiB", grown / 1024, bytes.len() / 1024);
    }

    let archive = Archive::read(&bytes).await.expect("a whole archive");
    assert_eq!(archive.told("posts.ndjson"), 3_000);
    assert_eq!(texts(&archive, "posts.ndjson", "/post/id").len(), 3_000);
    assert!(texts(&archive, "sessions.json", "/id").len() > 250);
    let requests = texts(&archive, "events.ndjson", "/requestId");
    let made = requests.iter().filter(|id| id.starts_with("\"test-")).count();
    assert_eq!(made, 250);
    let times = archive.lines("events.ndjson");
    let ids: Vec<i64> = times.iter().filter_map(|it| it["id"].as_str()?.parse().ok()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
}
