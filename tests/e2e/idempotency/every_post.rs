//! Every POST of the contract, sent twice: what is stored afterwards is the same.

use prost_reflect::{DynamicMessage, Value};
use proto::auth::v1::RequestPasswordResetRequest;
use tests::{
    Database, PASSWORD, Person, Rest, Stack,
    contract::{Method, Route, header, is_credential, methods, pool},
};

use super::factors;
use crate::access::requests::{call, made_up};

/// Everything that is stored in a database, as one text.
///
/// Events move from table to table all by themselves; their view stays the same.
async fn stored(database: &Database) -> String {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' \
               AND tablename NOT LIKE 'audit\\_%' \
               UNION SELECT viewname::text FROM pg_views WHERE schemaname = 'public' ORDER BY 1";
    let mut stored = String::new();
    for row in database.rows(sql, &[]).await {
        let table: String = row.get(0);
        // What workers go on with meanwhile is told by its id.
        let shown = match table.as_str() {
            "letters" => "letter_id",
            "erasures" => "erasure_id",
            _ => "(to_jsonb(rows) - 'position')",
        };
        let sql = format!(
            "SELECT concat(count(*), ' ', md5(string_agg(t, ',' ORDER BY t))) \
             FROM (SELECT {shown}::text AS t FROM {table} AS rows) AS all_rows"
        );
        let digest: String = database.rows(&sql, &[]).await[0].get(0);
        stored = format!("{stored}{table} {digest}\n");
    }
    stored
}

async fn everything(stack: &Stack) -> String {
    stored(&stack.databases.auth).await + &stored(&stack.databases.content).await
}

/// What a request of a method says so that it succeeds and changes something: what
/// the contract's rules ask for, and for some methods what must be there already.
async fn message(stack: &Stack, person: &Person, method: &Method) -> DynamicMessage {
    let input = method.descriptor.input();
    let mut message = DynamicMessage::new(input.clone());
    for field in input.fields().filter(|field| header(field).is_none() && !is_credential(field)) {
        let text = match (method.descriptor.name(), field.name()) {
            ("CreateSession", "email") => person.email.clone(),
            ("RedeemSignInLink", "token") => {
                let pool = database::Pool::new(&stack.databases.auth.url, 1).unwrap();
                auth::operator::sign_in_link(&pool, &person.email).await.unwrap()
            }
            ("CreateSession" | "ChangeEmail" | "ConfirmPasswordReset", "password")
            | ("ChangePassword", "current_password" | "password") => PASSWORD.to_owned(),
            ("ConfirmEmail", "token") => {
                let newcomer = Person::user(stack, "newcomer").await;
                stack.letter(&newcomer.email, "email_verification").await.token()
            }
            ("ConfirmPasswordReset", "token") => {
                let loser = Person::user(stack, "loser").await;
                let email = loser.email.clone();
                let request = RequestPasswordResetRequest { email };
                loser.grpc().passwords().request_password_reset(request).await.unwrap();
                stack.letter(&loser.email, "password_reset").await.token()
            }
            ("ConfirmEmail" | "ConfirmPasswordReset", "email" | "code") => continue,
            ("RequestEmailVerification", "user_id") => {
                stack.after_a_minute().await;
                "me".to_owned()
            }
            ("UnpublishPost", "post_id") => person.publish("News").await,
            ("ExchangeApiKey", "api_key") => stack.databases.auth.service_key("content").await,
            (_, "service_account_id") => service_account(stack).await,
            (_, "post_id") => person.write("Draft").await,
            (name, "user_id") if ON_OTHERS.contains(&name) => somebody(stack, name).await,
            ("EraseUser", "user_id") => Person::user(stack, "victim").await.id,
            (_, "user_id") => "me".to_owned(),
            _ => match made_up(&field) {
                Some(text) => text,
                None => continue,
            },
        };
        let text = Value::String(text);
        message.set_field(&field, if field.is_list() { Value::List(vec![text]) } else { text });
    }
    message
}

/// What admins do to the accounts of others.
const ON_OTHERS: [&str; 5] =
    ["SuspendUser", "RestoreUser", "EndUserSessions", "Impersonate", "SendPasswordReset"];

/// Somebody new, on whom a method has something to do.
async fn somebody(stack: &Stack, method: &str) -> String {
    let person = Person::user(stack, &format!("for-{}", method.to_lowercase())).await;
    if method == "RestoreUser" {
        let sql = "UPDATE users SET suspended_at = now() WHERE username = $1";
        stack.databases.auth.execute(sql, &[&person.username]).await;
    }
    person.id
}

async fn service_account(stack: &Stack) -> String {
    let sql = "INSERT INTO service_accounts (service_account_id, name) \
               VALUES (gen_random_uuid(), 'a-machine') RETURNING service_account_id::text";
    stack.databases.auth.rows(sql, &[]).await[0].get(0)
}

/// Whether a method spends a secret, which is a key of its own.
fn spends_a_secret(method: &Method) -> bool {
    method.descriptor.name() == "RefreshSession"
}

/// Whether a method visits another site: a visit that is begun twice is two visits,
/// and what is brought back from it is good once.
fn visits_another_site(method: &Method) -> bool {
    method.descriptor.parent_service().name() == "IdentityService"
}

/// Sends a request of a method twice, the first time as if the reply was lost.
async fn is_done_once(stack: &Stack, person: &Person, method: &Method, route: &Route) {
    let name = method.descriptor.name();
    let somebody = factors::somebody(stack, method).await;
    let person = somebody.as_ref().unwrap_or(person);
    let message = match somebody {
        Some(_) => factors::message(stack, person, method).await,
        None => message(stack, person, method).await,
    };
    let (first, second) = (person.rest().copy(), person.rest().copy());
    let send = |rest: &Rest| {
        call(rest, route, &message).header("idempotency-key", &format!("key-of-{name}")).send()
    };
    let before = everything(stack).await;
    let done = send(&first).await;
    assert!(matches!(done.status, 200 | 201 | 204), "{name}: {done:?}");
    let after = everything(stack).await;
    assert_ne!(before, after, "{name} does something");
    let again = send(&second).await;
    assert_eq!(everything(stack).await, after, "{name} does nothing more");
    assert_eq!((again.status, &again.text), (done.status, &done.text), "{name}");
    assert_eq!(again.header("location"), done.header("location"), "{name}");
    assert_eq!(first.cookie("__Host-session"), second.cookie("__Host-session"), "{name}");
    assert_eq!(done.header("idempotent-replayed"), "", "{name}");
    let replayed = if spends_a_secret(method) { "" } else { "true" };
    assert_eq!(again.header("idempotent-replayed"), replayed, "{name}");
    // Whoever exchanged the secret goes on with the new one.
    if spends_a_secret(method) {
        person.rest().set_cookie("__Host-session", first.cookie("__Host-session").as_deref());
    }
}

#[tokio::test]
async fn every_post_does_its_work_once() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    let mut tried = 0;
    for method in methods(&pool()).into_iter().filter(|it| !visits_another_site(it)) {
        for route in method.routes.iter().filter(|route| route.verb == "POST") {
            is_done_once(&stack, &admin, &method, route).await;
            tried += 1;
        }
    }
    assert!(tried >= 7, "only {tried} routes");
}

/// Maps have no order, so the same request could look like another. The members of a
/// JSON object are in the order of their names.
#[test]
fn no_request_that_is_done_once_holds_a_map() {
    let mut seen = Vec::new();
    let posts = |method: &Method| method.routes.iter().any(|route| route.verb == "POST");
    let mut left: Vec<_> =
        methods(&pool()).iter().filter(|it| posts(it)).map(|it| it.descriptor.input()).collect();
    while let Some(message) = left.pop() {
        for field in message.fields() {
            if field.parent_message().full_name() == "google.protobuf.Struct" {
                continue;
            }
            assert!(!field.is_map(), "{}", field.full_name());
            left.extend(field.kind().as_message().filter(|it| !seen.contains(*it)).cloned());
        }
        seen.push(message);
    }
}
