//! Finding accounts.

use serde_json::json;
use tests::{Person, Stack};

async fn found(admin: &Person, query: &str) -> Vec<String> {
    let page = admin.rest().get(&format!("/api/users?{query}")).await.expect(200);
    let users = page.body["users"].as_array().unwrap();
    users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn accounts_are_found_by_address_name_and_words() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    for name in ["ann.smith", "bob_Smithers", "cid"] {
        Person::user(&stack, name).await;
    }
    let sql = "UPDATE users SET display_name = 'Élodie de la Tour' WHERE username = 'cid'";
    stack.databases.auth.execute(sql, &[]).await;
    for (query, expected) in [
        ("query=ann", vec!["ann.smith"]),
        ("query=ANN.SMITH@ex", vec!["ann.smith"]),
        ("query=smith", vec!["bob_Smithers", "ann.smith"]),
        ("query=%C3%89lo+tour", vec!["cid"]),
        ("query=la+de", vec!["cid"]),
        ("query=xyz", vec![]),
        ("query=nn", vec![]),
        ("query=%25", vec![]),
        ("query='%7C!:*", vec![]),
        ("role=admin", vec!["root"]),
        ("role=editor", vec![]),
        ("query=root&role=admin&suspended=false", vec!["root"]),
        ("suspended=true", vec![]),
        ("createdBefore=2020-01-01T00:00:00Z", vec![]),
        ("createdAfter=2020-01-01T00:00:00Z&query=cid", vec!["cid"]),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
    }
    let ann = found(&admin, "query=ann").await;
    assert_eq!(ann.len(), 1);
    stack
        .databases
        .auth
        .execute("UPDATE users SET suspended_at = now() WHERE username = 'cid'", &[])
        .await;
    assert_eq!(found(&admin, "suspended=true").await, ["cid"]);
    assert_eq!(found(&admin, "suspended=false&query=c").await, Vec::<String>::new());
    admin.rest().get("/api/users?role=root").await.refused(400, "INVALID_PARAMETER");
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_search() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    for name in ["ann-1", "ann-2", "ann-3", "bob"] {
        Person::user(&stack, name).await;
    }
    let page = admin.rest().get("/api/users?query=ann&pageSize=2").await.expect(200);
    let token = page.text_at("/nextPageToken");
    assert_eq!(found(&admin, &format!("query=ann&pageSize=2&pageToken={token}")).await, ["ann-1"]);
    let other = format!("/api/users?query=bob&pageToken={token}");
    admin.rest().get(&other).await.refused(400, "PAGE_TOKEN_MISMATCH");
    let ann = Person::user(&stack, "ann-4").await;
    ann.rest().get("/api/users?query=ann").await.refused(403, "ROLE_REQUIRED");
}

/// With the statement itself, its parameters as the service sends them.
#[tokio::test]
async fn a_search_among_many_accounts_reads_few() {
    const LIST: &str = include_str!("../../../services/auth/src/users/list.sql");
    let stack = Stack::start().await;
    let database = stack.databases.auth.connect().await;
    let fill = "INSERT INTO users (user_id, email, username, display_name, password_hash, created_at) \
                SELECT gen_random_uuid(), 'user' || n || '@example.com', 'user' || n, \
                       'Name' || n || ' Family' || n % 5000, '', now() - n * interval '1 minute' \
                FROM generate_series(1, 20000) AS n; ANALYZE users";
    database.batch_execute(fill).await.unwrap();
    let search = |text: &str, words: &str| {
        [format!("'{text}'"), format!("'{text}\u{10FFFF}'"), format!("'{words}'")]
    };
    let none = || ["NULL", "NULL", "NULL"].map(str::to_owned);
    for (what, roles, suspended) in [
        (search("user12345", "user12345:*"), "NULL", "NULL"),
        (search("family77", "family77:*"), "NULL", "NULL"),
        (none(), "'{admin}'", "NULL"),
        (none(), "NULL", "true"),
        (none(), "NULL", "NULL"),
    ] {
        let values = ["'infinity'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "21"];
        let values = values.map(str::to_owned).into_iter().chain(what.clone());
        let more = [roles, suspended, "NULL", "NULL"].map(str::to_owned);
        let values: Vec<_> = values.chain(more).collect();
        // From the last, so that $1 is not found in $10.
        let sql = values.iter().enumerate().rev().fold(LIST.to_owned(), |sql, (index, value)| {
            sql.replace(&format!("${}", index + 1), value)
        });
        let sql = format!("EXPLAIN {sql} SELECT user_id FROM found");
        let plan = database.query(&sql, &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let is_slow = plan.iter().any(|line| line.contains("Seq Scan on users"));
        assert!(!is_slow, "{}", json!([what, roles, suspended, plan]));
    }
}
