//! No table is forgotten: each is in the archive, or left out for a reason that is
//! written down.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use prost_reflect::MessageDescriptor;
use tests::{Database, Stack, contract::pool};

/// What an object in each file is.
const RECORDS: [(&str, &str); 10] = [
    ("account.json", "mainstay.auth.v1.ArchivedAccount"),
    ("sessions.json", "mainstay.auth.v1.ArchivedSession"),
    ("devices.json", "mainstay.auth.v1.ArchivedDevice"),
    ("second-factors.json", "mainstay.auth.v1.ArchivedFactor"),
    ("recovery-codes.json", "mainstay.auth.v1.ArchivedRecoveryCode"),
    ("identities.json", "mainstay.auth.v1.ArchivedIdentity"),
    ("api-keys.json", "mainstay.auth.v1.ApiKey"),
    ("letters.json", "mainstay.auth.v1.ArchivedLetter"),
    ("confirmations.json", "mainstay.auth.v1.ArchivedConfirmation"),
    ("events.ndjson", "mainstay.auth.v1.AuditEvent"),
];
const POSTS: (&str, &str) = ("posts.ndjson", "mainstay.content.v1.ExportAuthorResponse");
/// Whose a row is: the owner of the archive.
const OWNERS: [&str; 2] = ["user_id", "author_id"];

/// A line of the table in ARCHITECTURE.md.
struct Line {
    /// Empty: the table is left out.
    file: String,
    /// The columns that are left out, and why.
    rest: String,
}

fn documented() -> BTreeMap<String, Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("ARCHITECTURE.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("## What an archive holds").expect("the section");
    let lines = table.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    let mut documented = BTreeMap::new();
    for line in lines {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [tables, file, rest] = cells.as_slice() else { panic!("{line}") };
        for table in tables.split(',') {
            let name = table.trim().trim_matches('`').to_owned();
            let (file, rest) = (file.trim_matches('`').to_owned(), (*rest).to_owned());
            assert!(documented.insert(name, Line { file, rest }).is_none(), "{line}");
        }
    }
    documented
}

/// The columns of every table, in their order.
async fn tables(service: &str, database: &Database) -> BTreeMap<String, Vec<String>> {
    let sql = "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
               WHERE relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 \
                   AND NOT attisdropped AND relnamespace = 'public'::regnamespace \
                   AND relname <> 'migrations' \
               ORDER BY relname, attnum";
    let mut tables = BTreeMap::<_, Vec<String>>::new();
    for row in database.rows(sql, &[]).await {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        tables.entry(format!("{service}.{table}")).or_default().push(column);
    }
    tables
}

/// The names of everything in a message and in ours inside it.
fn fields(message: &MessageDescriptor) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for field in message.fields() {
        match field.kind().as_message().filter(|it| it.package_name().starts_with("mainstay.")) {
            Some(inner) => names.extend(fields(inner)),
            None => drop(names.insert(field.name().to_owned())),
        }
    }
    names
}

#[tokio::test]
async fn no_table_and_no_column_is_forgotten() {
    let stack = Stack::start().await;
    let mut tables = tables("auth", &stack.databases.auth).await;
    tables.extend(self::tables("content", &stack.databases.content).await);
    let documented = documented();
    let (there, told): (Vec<_>, Vec<_>) = (tables.keys().collect(), documented.keys().collect());
    assert_eq!(there, told, "ARCHITECTURE.md, What an archive holds");
    let records: BTreeMap<_, _> = RECORDS.into_iter().chain([POSTS]).collect();
    for (table, columns) in tables {
        let Line { file, rest } = &documented[&table];
        if file.is_empty() {
            assert!(!rest.is_empty(), "why is {table} left out?");
            continue;
        }
        let record = pool().get_message_by_name(records[file.as_str()]).unwrap();
        let fields = fields(&record);
        for (index, column) in columns.iter().enumerate() {
            let is_id = index == 0 && fields.contains("id");
            let is_in = fields.contains(column) || is_id || OWNERS.contains(&column.as_str());
            let is_left_out = rest.contains(&format!("`{column}`"));
            assert!(is_in || is_left_out, "where in {file} is {table}.{column}?");
        }
    }
}
