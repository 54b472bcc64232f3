//! What users can ask of those who keep data about them: all of it (`export`), and
//! that it is erased: at once here, and afterwards elsewhere, whatever fails.
//!
//! The transaction that deletes an account leaves a row that says what is left to
//! do. A worker in every process does it, step by step, and a step that is done
//! twice does nothing the second time.

mod content;
mod export;
mod rpc;
mod store;
mod worker;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

pub(crate) use self::{
    content::Content,
    export::{Exporter, Json},
    rpc::Rpc,
    store::begin,
    worker::Worker,
};

/// An erasure that is under way.
#[derive(Debug)]
struct Begun {
    id: Uuid,
    user_id: Uuid,
    sessions: i32,
    at: Timestamp,
}

/// What was erased and when. It names nobody.
#[derive(Debug, Serialize)]
struct Receipt<'a> {
    /// Who says so.
    iss: &'a str,
    /// When they say so, in Unix seconds.
    iat: i64,
    /// The number of the receipt.
    jti: Uuid,
    /// When the account was erased.
    erased_at: String,
    accounts: i32,
    sessions: i32,
    posts: i32,
}

/// The `typ` of receipts: no service takes one for an access token.
const RECEIPT: &str = "erasure-receipt+jwt";

// === impl Begun ===

impl Begun {
    fn receipt<'a>(&self, issuer: &'a str, posts: i32) -> Receipt<'a> {
        Receipt {
            iss: issuer,
            iat: Timestamp::now().as_second(),
            jti: self.id,
            erased_at: self.at.to_string(),
            accounts: 1,
            sessions: self.sessions,
            posts,
        }
    }
}
