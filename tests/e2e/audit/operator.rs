//! What an operator does from the command line.

use proto::auth::v1::RedeemSignInLinkRequest;
use serde_json::json;
use tests::{
    Person, Stack, eventually,
    program::{self, Ended},
};

use super::{SOON, covered, stack, trusted, verified, write_down};

async fn mainstay(stack: &Stack, arguments: &[&str]) -> Ended {
    let mut command = program::command(arguments);
    command
        .env("DATABASE_URL", &stack.databases.auth.url)
        .env("MAINSTAY_SECRET_KEY", &stack.secret_key)
        .env("MAINSTAY_ISSUER", tests::ISSUER);
    program::run(command).await
}

#[tokio::test]
async fn the_command_line_tells_whether_the_log_is_as_it_was_written() {
    let stack = stack().await;
    let database = &stack.databases.auth;
    write_down(database, 5).await;
    covered(database).await;
    let good = mainstay(&stack, &["audit", "verify"]).await;
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.starts_with("5 events, all as they were written"), "{good:?}");

    // With a witness, and with the public key alone.
    let witness = mainstay(&stack, &["audit", "checkpoint"]).await;
    assert_eq!(witness.code, Some(0), "{witness:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &witness.stdout).unwrap();
    let key = trusted(&stack).keys[0].to_string();
    let path = file.path().to_str().unwrap();
    let mut command =
        program::command(&["audit", "verify", "--public-key", &key, "--since-checkpoint", path]);
    command.env("DATABASE_URL", &database.url);
    let good = program::run(command).await;
    assert_eq!(good.code, Some(0), "{good:?}");

    let sql = "ALTER TABLE audit_log DISABLE TRIGGER USER";
    database.connect().await.batch_execute(sql).await.unwrap();
    database.execute("UPDATE audit_log SET kind = 'x' WHERE position = 3", &[]).await;
    let bad = mainstay(&stack, &["audit", "verify"]).await;
    assert_eq!((bad.code, bad.stdout.as_str()), (Some(1), ""), "{bad:?}");
    assert!(bad.stderr.contains("event 3 was changed"), "{bad:?}");
    let pruned = mainstay(&stack, &["audit", "prune", "--before", "2020-01"]).await;
    assert_eq!(pruned.code, Some(1), "nothing is dropped that is not right: {pruned:?}");
    let unset = program::run(program::command(&["audit", "verify"])).await;
    assert_eq!(unset.code, Some(78), "{unset:?}");
}

/// The database's clock is put back, and then right again.
#[tokio::test]
async fn old_months_are_dropped_and_the_chain_leads_over_the_gap() {
    let mut stack = stack().await;
    // They show who they are from time to time, which is written down.
    stack.gateway.kill();
    stack.content.kill();
    stack.auth.kill();
    let database = &stack.databases.auth;
    let earlier = "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
                   'SELECT pg_catalog.clock_timestamp() - interval ''70 days'''; \
                   SELECT audit_add_month((now() - interval '70 days')::date); \
                   DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, \
                   pg_catalog', current_database()); END $$";
    let client = database.connect().await;
    client.batch_execute(earlier).await.unwrap();
    stack.auth.start_again().await;
    write_down(&stack.databases.auth, 7).await;
    covered(&stack.databases.auth).await;
    stack.auth.kill();
    let now = "DROP FUNCTION public.clock_timestamp(); \
               DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', \
               current_database()); END $$";
    client.batch_execute(now).await.unwrap();
    stack.auth.start_again().await;
    let database = &stack.databases.auth;
    write_down(database, 4).await;
    covered(database).await;
    assert_eq!(verified(database, &trusted(&stack)).await.unwrap().events, 11);

    let month = "SELECT to_char(now() - interval '35 days', 'YYYY-MM')";
    let month: String = database.rows(month, &[]).await[0].get(0);
    let pruned = mainstay(&stack, &["audit", "prune", "--before", &month]).await;
    assert_eq!(pruned.stdout, "1 months dropped, up to event 7\n", "{pruned:?}");
    covered(database).await;
    let findings = verified(database, &trusted(&stack)).await.unwrap();
    assert_eq!((findings.events, findings.pruned, findings.last), (5, 7, 12));
    let again = mainstay(&stack, &["audit", "prune", "--before", &month]).await;
    assert_eq!(again.stdout, "nothing is that old\n", "{again:?}");
    // Not even on request is the present month dropped.
    let again = mainstay(&stack, &["audit", "prune", "--before", "2999-01"]).await;
    assert_eq!(again.stdout, "nothing is that old\n", "{again:?}");

    // A month that goes without a checkpoint is missed.
    let sql = "ALTER TABLE audit_log DISABLE TRIGGER USER";
    database.connect().await.batch_execute(sql).await.unwrap();
    database.execute("DELETE FROM audit_log WHERE position = 8", &[]).await;
    let found = verified(database, &trusted(&stack)).await;
    assert_eq!(found, Err(auth::operator::audit::Broken::Missing(8)));
}

#[tokio::test]
async fn the_first_administrator_comes_from_the_command_line_without_a_password() {
    let stack = stack().await;
    let made = mainstay(&stack, &["admin", "create", "--email", "Boss@Example.com"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let (page, token) = made.stdout.trim().split_once("#token=").unwrap();
    assert_eq!(page, format!("{}/sign-in", tests::ISSUER));
    let stranger = Person::stranger(&stack);
    let redeem = || stranger.rest().post("/api/sign-in-links/redeem", json!({"token": token}));
    let session = redeem().await.expect(200);
    assert_eq!(session.body["user"]["email"], "boss@example.com");
    assert_eq!(session.body["user"]["roles"], json!(["admin"]));
    redeem().await.refused(401, "SIGN_IN_LINK_INVALID");
    for password in ["", "admin", "password"] {
        let credentials = json!({"email": "boss@example.com", "password": password});
        let answer = Person::stranger(&stack).rest().post("/api/sessions", credentials).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    // Whoever signed up is made an admin only if the operator says so.
    let ann = Person::user(&stack, "ann").await;
    let create = ["admin", "create", "--email", &*ann.email];
    let refused = mainstay(&stack, &create).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(69), ""), "{refused:?}");
    assert!(refused.stderr.contains("--promote"), "{refused:?}");
    let promoted = mainstay(&stack, &[&create[..], &["--promote"]].concat()).await;
    assert_eq!(promoted.code, Some(0), "{promoted:?}");
    ann.rest().get("/api/sessions/current").await.refused(401, "SESSION_ENDED");
    let typo = mainstay(&stack, &["admin", "create", "--email", "boss"]).await;
    assert_eq!(typo.code, Some(2), "{typo:?}");

    // All of it is written down, and a suspended account opens with no link.
    let link = mainstay(&stack, &create).await;
    let (_, token) = link.stdout.trim().split_once("#token=").unwrap();
    let sql = "UPDATE users SET suspended_at = now() WHERE username = 'ann'";
    stack.databases.auth.execute(sql, &[]).await;
    let request = RedeemSignInLinkRequest { token: token.to_owned(), ..Default::default() };
    let answer = stranger.grpc().sessions().redeem_sign_in_link(request).await;
    tests::refused(answer, tonic::Code::Unauthenticated, "SIGN_IN_LINK_INVALID");
    let made = eventually("the links are written down", SOON, async || {
        let sql = "SELECT count(*) FROM audit_events WHERE kind = 'account.sign_in_link_made' \
                   AND details = '{\"by\":\"operator\"}'";
        let count: i64 = stack.databases.auth.rows(sql, &[]).await[0].get(0);
        (count == 3).then_some(count)
    });
    made.await;
}
