//! The secret of a deployment is replaced while it runs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::auth::v1::{
    CreateUserRequest, ListUsersRequest, user_service_client::UserServiceClient,
};
use tests::{Bearer, Person, Service, Stack, program};
use tonic::Request;

use crate::trust::another_auth;

type Users = UserServiceClient<tests::Authorized>;

fn users(service: &Service, token: &str) -> Users {
    UserServiceClient::with_interceptor(tests::channel(service), Bearer::of(token))
}

/// Signs up, the same each time.
async fn sign_up(users: &mut Users) -> String {
    let account = CreateUserRequest {
        email: "once@example.com".to_owned(),
        username: "once".to_owned(),
        display_name: String::new(),
        password: "correct horse battery".to_owned(),
    };
    let mut request = Request::new(account);
    request.metadata_mut().insert("idempotency-key", "one".parse().unwrap());
    users.create_user(request).await.unwrap().into_inner().user.unwrap().id
}

fn page(token: &str) -> ListUsersRequest {
    ListUsersRequest { page_size: Some(1), page_token: token.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn everything_opens_while_the_master_key_is_replaced() {
    let builder = Stack::builder().set("auth", "MAINSTAY_AUDIT_CHECKPOINT_SECONDS", "0");
    let stack = builder.start().await;
    let admin = Person::admin(&stack, "admin").await;
    let token = admin.grpc().token();
    let mut old = users(&stack.auth, token);
    let id = sign_up(&mut old).await;
    let first = old.list_users(page("")).await.unwrap().into_inner();
    let next = first.next_page_token.unwrap();

    // One process knows the new secret and the old one.
    let new = URL_SAFE_NO_PAD.encode([9; 32]);
    let keys =
        [("MAINSTAY_SECRET_KEY", &*new), ("MAINSTAY_PREVIOUS_SECRET_KEYS", &*stack.secret_key)];
    let (between, _logs) = another_auth(&stack, &keys).await;
    let mut between = users(&between, token);
    assert_eq!(sign_up(&mut between).await, id, "a stored reply opens");
    let second = between.list_users(page(&next)).await.unwrap().into_inner();
    assert_ne!(second.users[0].id, first.users[0].id, "a page token opens");

    // What stays is sealed anew, and the old secret is needed no more.
    let mut reseal = program::command(&["keys", "reseal"]);
    reseal.env("DATABASE_URL", &stack.databases.auth.url);
    let without = |command: tokio::process::Command| program::run(command);
    reseal.env("MAINSTAY_SECRET_KEY", &new);
    let refused = without(reseal).await;
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.stderr.contains("MAINSTAY_PREVIOUS_SECRET_KEYS"), "{refused:?}");
    let mut reseal = program::command(&["keys", "reseal"]);
    reseal.env("DATABASE_URL", &stack.databases.auth.url).envs(keys);
    let done = without(reseal).await;
    assert!(
        done.code == Some(0) && done.stdout.contains(" stored secrets are encrypted"),
        "{done:?}"
    );
    // The log goes on being verified with the old public key.
    let audit = async |arguments: &[&str], keys: &[(&str, &str)]| {
        let mut command = program::command(&[&["audit"], arguments].concat());
        command.env("DATABASE_URL", &stack.databases.auth.url).envs(keys.iter().copied());
        program::run(command).await
    };
    let told = audit(&["key"], &keys).await.stdout;
    let old_key = told.lines().nth(1).unwrap();
    let alone = &keys[..1];
    assert_eq!(audit(&["verify"], alone).await.code, Some(1));
    let verified = audit(&["verify", "--public-key", old_key], alone).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let pruned = ["prune", "--before", "2020-01", "--public-key", old_key];
    assert_eq!(audit(&pruned, alone).await.code, Some(0));
    let (after, _logs) = another_auth(&stack, &[("MAINSTAY_SECRET_KEY", &new)]).await;
    let mut after = users(&after, token);
    after.list_users(page("")).await.unwrap();
}
