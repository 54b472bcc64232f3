//! What happened, and that nobody can change what did.

mod lists;
mod operator;
mod tampering;
mod watching;

use std::time::Duration;

use auth::operator::audit::{Broken, Error, Findings, PURPOSE, Trusted, verify};
use platform::{seal::MasterKey, sign::Signer};
use tests::{Database, Stack, eventually};
use tokio_postgres::{Client, NoTls};

const SOON: Duration = Duration::from_secs(20);

/// Writes events down, as if they had happened.
async fn write_down(database: &Database, count: i64) {
    let sql = "INSERT INTO audit_inbox (kind, actor_id, request_id, details, private, salt) \
               SELECT 'test.' || n % 3, gen_random_uuid(), 'request-' || n, '{\"n\":\"' || n || '\"}', \
                      '{\"address\":\"192.0.2.' || n % 250 || '\"}', uuid_send(gen_random_uuid()) \
               FROM generate_series(1, $1::bigint) AS n";
    assert_eq!(database.execute(sql, &[&count]).await, count.unsigned_abs());
}

/// Waits until every event has its place.
async fn chained(database: &Database) {
    eventually("every event has its place", SOON, async || {
        let rows = database.rows("SELECT count(*) FROM audit_inbox", &[]).await;
        (rows[0].get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// Waits until a checkpoint covers every event.
async fn covered(database: &Database) {
    chained(database).await;
    eventually("a checkpoint covers every event", SOON, async || {
        let sql = "SELECT (SELECT max(position) FROM audit_log) \
                   = (SELECT max(position) FROM audit_checkpoints)";
        database.rows(sql, &[]).await[0].get::<_, Option<bool>>(0).filter(|is| *is).map(drop)
    })
    .await;
}

/// A stack that signs checkpoints as often as it can, with an empty log: what it wrote
/// down while it started is forgotten.
async fn stack() -> Stack {
    let builder = Stack::builder().set("auth", "MAINSTAY_AUDIT_CHECKPOINT_SECONDS", "0");
    let mut stack = builder.start().await;
    chained(&stack.databases.auth).await;
    stack.auth.kill();
    let owner = superuser(&stack.databases.auth).await;
    let empty = "TRUNCATE audit_log, audit_private, audit_checkpoints; \
                 TRUNCATE audit_inbox RESTART IDENTITY";
    owner.batch_execute(empty).await.unwrap();
    stack.auth.start_again().await;
    stack
}

/// A connection of somebody whom no trigger stops.
async fn superuser(database: &Database) -> Client {
    let url = database.url.replace("user=auth", "user=postgres");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    drop(platform::server::spawn(connection));
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    client
}

fn trusted(stack: &Stack) -> Trusted {
    let master: MasterKey = stack.secret_key.parse().unwrap();
    Trusted { keys: vec![Signer::new(&master, PURPOSE).public()], witnesses: Vec::new() }
}

/// What verifying says.
async fn verified(database: &Database, trusted: &Trusted) -> Result<Findings, Broken> {
    let pool = database::Pool::new(&database.url, 1).unwrap();
    match verify(&pool, trusted).await {
        Ok(findings) => Ok(findings),
        Err(Error::Broken(broken)) => Err(broken),
        Err(Error::Database(error)) => panic!("{error:?}"),
    }
}
