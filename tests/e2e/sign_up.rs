//! Signing up: names, passwords, and the modes.

use proto::auth::v1::{CreateUserRequest, UpdateUserRequest};
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, Rest, Stack, refused};
use tonic::Code;

fn account(email: &str, username: &str) -> Value {
    json!({"email": email, "username": username, "password": PASSWORD})
}

async fn sign_up(rest: &Rest, email: &str, username: &str) -> Answer {
    rest.post("/api/users", account(email, username)).await
}

/// All of an answer that may tell something.
fn told(answer: &Answer) -> (u16, Vec<String>, String) {
    let of_any = ["x-request-id", "date", "ratelimit", "traceparent"];
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    let mut headers: Vec<_> = names
        .filter(|name| !of_any.contains(&name.as_str()))
        .map(|name| format!("{name}: {}", answer.header(&name)))
        .collect();
    headers.sort();
    (answer.status, headers, answer.body_of_any_request())
}

#[tokio::test]
async fn nobody_gets_a_name_that_looks_like_another() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    let ann = Person::user(&stack, "paypal").await;
    for (name, status, code) in [
        ("\u{430}dmin", 422, "INVALID_FIELDS"),
        ("pay\u{440}al", 422, "INVALID_FIELDS"),
        ("\u{ff41}dmin", 422, "INVALID_FIELDS"),
        ("pay\u{200b}pal", 422, "INVALID_FIELDS"),
        ("adm1n", 409, "USERNAME_RESERVED"),
        ("Root", 409, "USERNAME_RESERVED"),
        ("sup.port2", 409, "USERNAME_RESERVED"),
        ("paypaI", 409, "USERNAME_TAKEN"),
        ("PAYPAL", 409, "USERNAME_TAKEN"),
    ] {
        sign_up(stranger.rest(), "x@example.com", name).await.refused(status, code);
        let request = CreateUserRequest {
            email: "x@example.com".to_owned(),
            username: name.to_owned(),
            password: PASSWORD.to_owned(),
            ..CreateUserRequest::default()
        };
        let grpc = if status == 422 { Code::InvalidArgument } else { Code::AlreadyExists };
        refused(stranger.grpc().users().create_user(request).await, grpc, code);
    }
    // Nor later.
    let bob = Person::user(&stack, "bob").await;
    for (name, code) in [("adm1n", "USERNAME_RESERVED"), ("paypa1", "USERNAME_TAKEN")] {
        bob.rest().patch("/api/users/me", json!({"username": name})).await.refused(409, code);
        let request = UpdateUserRequest {
            user_id: "me".to_owned(),
            username: Some(name.to_owned()),
            ..UpdateUserRequest::default()
        };
        let answer = bob.grpc().users().update_user(request).await;
        refused(answer, Code::AlreadyExists, code);
    }
    // One's own name may look like itself, and a reserved one that was given stays.
    ann.rest().patch("/api/users/me", json!({"username": "PayPal"})).await.expect(200);
    let admin = Person::admin(&stack, "root").await;
    admin.rest().patch("/api/users/me", json!({"username": "root"})).await.expect(200);
}

#[tokio::test]
async fn an_address_is_one_however_it_is_written() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    let signed_up = sign_up(stranger.rest(), "Ann@B\u{dc}CHER.example", "ann").await.expect(201);
    assert_eq!(signed_up.body["email"], "ann@xn--bcher-kva.example");
    assert_eq!(signed_up.body["emailVerified"], false);
    for written in ["ann@bu\u{308}cher.example", "ANN@xn--bcher-kva.EXAMPLE", " ann@bücher.example"]
    {
        let credentials = json!({"email": written, "password": PASSWORD});
        stranger.rest().post("/api/sessions", credentials).await.expect(201);
        let again = sign_up(stranger.rest(), written.trim(), "other").await;
        again.refused(409, "EMAIL_TAKEN");
    }
    for no_address in ["ann@exa mple.com", "ann@\u{80}.com", "ann@-.com", "\u{e4}nn@example.com"] {
        let answer = sign_up(stranger.rest(), no_address, "other").await;
        let answer = answer.refused(422, "INVALID_FIELDS");
        assert_eq!(answer.body["errors"][0]["pointer"], "#/email", "{no_address}");
    }
}

#[tokio::test]
async fn passwords_that_are_tried_first_are_refused_and_say_why() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    for (password, code) in [
        ("password1234", "PASSWORD_TOO_COMMON"),
        ("qwertyuiop12", "PASSWORD_TOO_COMMON"),
        ("marianne likes tea", "PASSWORD_CONTAINS_NAME"),
        ("mainstay is mine", "PASSWORD_CONTAINS_NAME"),
        ("пароль-сило", "TOO_SHORT"),
    ] {
        let body = json!({"email": "a@example.com", "username": "marianne", "password": password});
        let answer = stranger.rest().post("/api/users", body).await;
        let answer = answer.refused(422, "INVALID_FIELDS");
        let error = &answer.body["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!("#/password"), &json!(code)));
        assert!(!answer.text.contains(password), "{answer:?}");
    }
    // Anything else goes, exactly as it is typed.
    for (name, password) in [
        ("bea", "  spaces at both ends  "),
        ("cem", "двенадцать букв"),
        ("dot", "🦀 un crabe, ein Krebs, un cangrejo; 一只螃蟹 7"),
    ] {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "username": name, "password": password});
        stranger.rest().post("/api/users", body).await.expect(201);
        let credentials = json!({"email": email, "password": password});
        stranger.rest().post("/api/sessions", credentials).await.expect(201);
        let credentials =
            json!({"email": email, "password": password.trim_end_matches('7').trim()});
        let answer = stranger.rest().post("/api/sessions", credentials).await;
        assert_eq!(answer.status, if name == "cem" { 201 } else { 401 }, "{name}");
    }
}

#[tokio::test]
async fn a_password_may_be_long_and_counts_to_its_last_character() {
    let stack = Stack::start().await;
    let rest = Person::stranger(&stack).rest().clone();
    let sentence = "Seven gulls, one whale and a bicycle; ".chars().cycle();
    let long: String = sentence.take(127).chain(['Z']).collect();
    let email = "ann@example.com";
    let body = |password: &str| json!({"email": email, "username": "ann", "password": password});
    rest.post("/api/users", body(&format!("{long}Z"))).await.refused(422, "INVALID_FIELDS");
    rest.post("/api/users", body(&long)).await.expect(201);
    let sign_in = async |password: &str| {
        rest.post("/api/sessions", json!({"email": email, "password": password})).await
    };
    let first = |count| long.chars().take(count).collect::<String>();
    for other in [first(127), first(72), long.replace('Z', "z"), long.to_lowercase()] {
        sign_in(&other).await.refused(401, "INVALID_CREDENTIALS");
    }
    sign_in(&long).await.expect(201);
}

#[tokio::test]
async fn nobody_learns_which_addresses_have_accounts_where_they_are_proven_first() {
    let stack = Stack::builder().set("auth", "MAINSTAY_SIGN_UP", "verified").start().await;
    let stranger = Person::stranger(&stack);
    let free = sign_up(stranger.rest(), "Ann@example.com", "zoe").await.expect(201);
    assert_eq!((&free.body["id"], free.header("location")), (&json!(""), ""));
    stack.after_a_minute().await;
    sign_up(stranger.rest(), "Ann@example.com", "ann").await.expect(201);
    // There is no account yet, and nobody can tell that there will be.
    let credentials = json!({"email": "ann@example.com", "password": PASSWORD});
    let early = stranger.rest().post("/api/sessions", credentials.clone()).await;
    early.refused(401, "INVALID_CREDENTIALS");
    let letter = stack.letter("ann@example.com", "email_verification").await;
    let confirm = json!({"token": letter.token()});
    // Who did not sign up does not make the account that a stranger has begun.
    let answer = stranger.rest().post("/api/emails/confirm", confirm.clone()).await;
    answer.refused(403, "CURRENT_PASSWORD_REQUIRED");
    let wrong = json!({"token": letter.token(), "currentPassword": "not the password"});
    let answer = stranger.rest().post("/api/emails/confirm", wrong).await;
    answer.refused(403, "CURRENT_PASSWORD_WRONG");
    let confirm = json!({"token": letter.token(), "currentPassword": PASSWORD});
    let confirmed = stranger.rest().post("/api/emails/confirm", confirm.clone()).await.expect(200);
    assert_eq!(confirmed.body, json!({"email": "ann@example.com"}));
    stranger.rest().post("/api/sessions", credentials.clone()).await.expect(201);
    let me = stranger.rest().get("/api/users/me").await.expect(200);
    assert_eq!((&me.body["username"], &me.body["emailVerified"]), (&json!("ann"), &json!(true)));
    let again = stranger.rest().post("/api/emails/confirm", confirm).await;
    again.refused(401, "EMAIL_CODE_INVALID");

    // The same for an address that is taken, and its owner is told.
    stack.after_a_minute().await;
    let rest = Person::stranger(&stack).rest().clone();
    let taken = sign_up(&rest, "Ann@example.com", "zoe").await;
    assert_eq!(told(&taken), told(&free));
    let told_owner = stack.letter("ann@example.com", "already_signed_up").await;
    assert_eq!(told_owner.text("link"), "https://mainstay.test/reset-password");
    assert!(!told_owner.says.as_object().unwrap().contains_key("code"), "{told_owner:?}");
    assert_eq!(stack.letters("ann@example.com").await.len(), 3);
    // Who has signed up but proven nothing keeps no name from anybody.
    sign_up(&rest, "yan@example.com", "zoe").await.expect(201);
    // Names are public anyway.
    for email in ["ann@example.com", "new@example.com"] {
        sign_up(&rest, email, "ANN").await.refused(409, "USERNAME_TAKEN");
    }
    stranger.rest().post("/api/sessions", credentials).await.expect(201);
}

#[tokio::test]
async fn whoever_proves_an_address_first_gets_the_account_and_the_name() {
    let stack = Stack::builder().set("auth", "MAINSTAY_SIGN_UP", "verified").start().await;
    let rest = Person::stranger(&stack).rest().clone();
    sign_up(&rest, "ann@example.com", "ann").await.expect(201);
    let first = stack.letter("ann@example.com", "email_verification").await;
    // More letters are not written at once, and nobody is told.
    sign_up(&rest, "ann@example.com", "anna").await.expect(201);
    assert_eq!(stack.letters("ann@example.com").await.len(), 1);
    stack.after_a_minute().await;
    sign_up(&rest, "ann@example.com", "anna").await.expect(201);
    let second = stack.letter("ann@example.com", "email_verification").await;
    sign_up(&rest, "eve@example.com", "ann").await.expect(201);
    let eve = stack.letter("eve@example.com", "email_verification").await;

    let code = json!({
        "email": "ANN@example.com",
        "code": first.code(),
        "currentPassword": PASSWORD,
    });
    rest.post("/api/emails/confirm", code).await.expect(200);
    let token = json!({"token": second.token(), "currentPassword": PASSWORD});
    rest.post("/api/emails/confirm", token).await.refused(409, "EMAIL_TAKEN");
    let token = json!({"token": eve.token(), "currentPassword": PASSWORD});
    rest.post("/api/emails/confirm", token).await.refused(409, "USERNAME_TAKEN");
    let users = stack.databases.auth.rows("SELECT username FROM users", &[]).await;
    let names: Vec<String> = users.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, ["ann"]);
}

#[tokio::test]
async fn nobody_signs_up_where_it_is_closed() {
    let stack = Stack::builder().set("auth", "MAINSTAY_SIGN_UP", "closed").start().await;
    let stranger = Person::stranger(&stack);
    sign_up(stranger.rest(), "ann@example.com", "ann").await.refused(403, "SIGN_UP_CLOSED");
    let request = CreateUserRequest {
        email: "ann@example.com".to_owned(),
        username: "ann".to_owned(),
        password: PASSWORD.to_owned(),
        ..CreateUserRequest::default()
    };
    let answer = stranger.grpc().users().create_user(request).await;
    refused(answer, Code::PermissionDenied, "SIGN_UP_CLOSED");
    assert_eq!(stack.databases.auth.rows("SELECT FROM users", &[]).await.len(), 0);
}
