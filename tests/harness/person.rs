//! People who use the product, over REST with cookies and over gRPC with tokens.

use proto::auth::v1::{CreateSessionRequest, CreateUserRequest};
use serde_json::json;

use crate::{grpc::Grpc, rest::Rest, stack::Stack};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id; empty for a stranger.
    pub id: String,
    /// Their user name.
    pub username: String,
    /// Their address.
    pub email: String,
    rest: Rest,
    grpc: Grpc,
}

// === impl Person ===

impl Person {
    /// Somebody who is not signed in.
    pub fn stranger(stack: &Stack) -> Self {
        Self {
            id: String::new(),
            username: String::new(),
            email: String::new(),
            rest: Rest::new(stack.gateway.listen),
            grpc: Grpc::new(stack),
        }
    }

    /// A user who has just signed up and signed in.
    pub async fn user(stack: &Stack, name: &str) -> Self {
        Self::with_roles(stack, name, &[]).await
    }

    /// A user who may change what others published.
    pub async fn editor(stack: &Stack, name: &str) -> Self {
        Self::with_roles(stack, name, &["editor"]).await
    }

    /// A user who may do almost everything.
    pub async fn admin(stack: &Stack, name: &str) -> Self {
        Self::with_roles(stack, name, &["admin"]).await
    }

    /// Their way through the gateway.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Their way to the services.
    pub fn grpc(&self) -> &Grpc {
        &self.grpc
    }

    /// What they sign in with.
    pub fn credentials(&self) -> CreateSessionRequest {
        CreateSessionRequest {
            email: self.email.clone(),
            password: PASSWORD.to_owned(),
            ..CreateSessionRequest::default()
        }
    }

    /// Signs in through the gateway, from another device.
    pub async fn on_another_device(&self, stack: &Stack) -> Rest {
        let rest = Rest::new(stack.gateway.listen);
        self.sign_in(&rest).await;
        rest
    }

    /// Writes a draft and returns its id.
    pub async fn write(&self, title: &str) -> String {
        let post = json!({"title": title, "body": format!("About {title}.")});
        self.rest.post("/api/users/me/posts", post).await.expect(201).text_at("/id")
    }

    /// Writes a post, publishes it and returns its id.
    pub async fn publish(&self, title: &str) -> String {
        let id = self.write(title).await;
        let path = format!("/api/posts/{id}/publish");
        self.rest.call("POST", &path).send().await.expect(200);
        id
    }

    async fn with_roles(stack: &Stack, name: &str, roles: &[&str]) -> Self {
        let mut person = Self::stranger(stack);
        name.clone_into(&mut person.username);
        person.email = format!("{name}@example.com");
        // Names such as `root` are reserved: who has a role is given theirs with it.
        let first = if roles.is_empty() { name.to_owned() } else { format!("new-{name}") };
        let account = CreateUserRequest {
            email: person.email.clone(),
            username: first.clone(),
            display_name: String::new(),
            password: PASSWORD.to_owned(),
        };
        let made = person.grpc.users().create_user(account).await.unwrap().into_inner();
        person.id = made.user.unwrap().id;
        if !roles.is_empty() {
            let sql = "UPDATE users SET roles = $1, username = $2 WHERE username = $3";
            assert_eq!(stack.databases.auth.execute(sql, &[&roles, &name, &first]).await, 1);
        }
        let session = person.grpc.sessions().create_session(person.credentials()).await.unwrap();
        let session = session.into_inner();
        person.grpc = person.grpc.with_token(&session.access_token.unwrap());
        // Their browser is another device, and their first one.
        let sql = "DELETE FROM devices WHERE user_id::text = $1";
        stack.databases.auth.execute(sql, &[&person.id]).await;
        person.sign_in(&person.rest).await;
        person
    }

    async fn sign_in(&self, rest: &Rest) {
        let credentials = json!({"email": self.email, "password": PASSWORD});
        rest.post("/api/sessions", credentials).await.expect(201);
    }
}
