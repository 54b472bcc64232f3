//! Signing in with accounts of other sites, over REST with a browser's cookies and
//! over gRPC.

mod forged;
mod key;
mod linking;
mod site;
mod visits;

use serde_json::{Value, json};
use tests::{Answer, Rest, Stack};

use self::{
    key::Signature,
    site::{Site, param},
};

/// Somebody's way to begin and end a visit to a site.
struct Visitor<'a> {
    rest: &'a Rest,
    site: &'a Site,
    /// Where visits begin and end.
    base: &'static str,
}

// === impl Visitor ===

impl<'a> Visitor<'a> {
    /// Somebody who signs in with the site that is known as `acme`.
    fn new(rest: &'a Rest, site: &'a Site) -> Self {
        Self { rest, site, base: "/api/providers/acme" }
    }

    /// Somebody who links it.
    fn linking(rest: &'a Rest, site: &'a Site) -> Self {
        Self { rest, site, base: "/api/users/me/providers/acme" }
    }

    /// Begins a visit and returns where the browser is sent.
    async fn begin(&self) -> String {
        let path = format!("{}/begin", self.base);
        let begun = self.rest.post(&path, json!({"returnPath": "/welcome?x=1"})).await;
        assert!(begun.status == 200, "{begun:?}");
        assert!(begun.body.get("flowToken").is_none(), "{begun:?}");
        begun.text_at("/authorizationUrl")
    }

    /// Ends it with something that was brought back.
    async fn end(&self, visit: &str, code: &str, more: Value) -> Answer {
        let mut body = json!({"state": param(visit, "state"), "code": code});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.rest.post(&format!("{}/finish", self.base), body).await
    }

    /// Visits the site and comes back as somebody.
    async fn come_as(&self, claims: &Value) -> Answer {
        let visit = self.begin().await;
        let code = self.site.grant(&visit, claims, Signature::Good);
        self.end(&visit, &code, json!({})).await
    }
}

/// What the site says of Ann.
fn ann() -> Value {
    json!({
        "sub": "ann-at-acme", "email": "Ann@Example.com", "email_verified": true,
        "preferred_username": "ann", "name": "Ann Lee",
    })
}

/// How many rows a table of auth has.
async fn count(stack: &Stack, table: &str) -> usize {
    stack.databases.auth.rows(&format!("SELECT FROM {table}"), &[]).await.len()
}
