//! Access tokens: minted by auth, verified by every service on its own.
//!
//! A token is a JWT signed with Ed25519 (RFC 8037, RFC 9068). The key that it
//! names pins the one algorithm; issuer, audience, type and times must all be
//! right. Verifying costs about 30 µs, so verified tokens are remembered. Whether
//! their session goes on is asked each time, of [`Trust`], which is memory.

mod claims;

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::claims::{MACHINE, SERVICE};
use crate::trust::Trust;

/// The audience of every access token: the services of this product.
pub const AUDIENCE: &str = "mainstay";
/// The `typ` of every access token (RFC 9068).
pub const TYPE: &str = "at+jwt";

const MAX_BYTES: usize = 4096;
const LEEWAY_SECONDS: u64 = 5;
const REMEMBERED: u64 = 10_000;

/// What a token says, in the names of RFC 7519 and OpenID Connect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Who it is for.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The token itself.
    pub jti: Uuid,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
    /// Since when it is valid.
    pub nbf: i64,
    /// Until when it is valid.
    pub exp: i64,
    /// The user's ranks.
    pub roles: Vec<String>,
    /// When the user proved who they are, in Unix seconds (OpenID Connect Core).
    #[serde(default)]
    pub auth_time: i64,
    /// How well: `aal1`, or `aal2` with a second factor (NIST SP 800-63B).
    #[serde(default)]
    pub acr: String,
    /// With what (RFC 8176).
    #[serde(default)]
    pub amr: Vec<String>,
    /// Who acts in the user's name (RFC 8693).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// What a machine may do, scopes with spaces between them (RFC 8693); none for
    /// people, who may do all that they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// Who acts in the name of another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// The user who does.
    pub sub: Uuid,
}

/// Verifies access tokens.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    validation: Validation,
    trust: Trust,
    verified: Cache<String, Verified>,
}

/// A token that was verified, and of which generation the key was.
#[derive(Clone, Debug)]
struct Verified {
    claims: Arc<Claims>,
    generation: u64,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not one of ours.
    #[error("invalid token")]
    Invalid,
    /// It was, but its time is over.
    #[error("expired token")]
    Expired,
    /// Its session has ended, or its user is not trusted any more.
    #[error("the token of a session that has ended")]
    Ended,
    /// It is not known just now which keys sign and who is trusted.
    #[error("what is trusted has not been heard for too long")]
    Unknowable,
}

// === impl Verifier ===

impl Verifier {
    /// Accepts tokens of an issuer that are signed with a key that is trusted.
    pub fn new(issuer: &str, trust: Trust) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.required_spec_claims =
            HashSet::from(["exp", "nbf", "iss", "aud", "sub"].map(str::to_owned));
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self(Arc::new(Inner { validation, trust, verified: Cache::new(REMEMBERED) }))
    }

    /// Returns what a token says if it can be believed, and its bearer trusted.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let claims = self.read(token).await?;
        self.0.trust.check(&claims)?;
        Ok(claims)
    }

    /// The same, also if its session has ended, and whether it has.
    pub(crate) async fn verify_ended(&self, token: &str) -> Result<(Arc<Claims>, bool), Refused> {
        let claims = self.read(token).await?;
        match self.0.trust.check(&claims) {
            Ok(()) => Ok((claims, false)),
            Err(Refused::Ended) => Ok((claims, true)),
            Err(refused) => Err(refused),
        }
    }

    async fn read(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        match self.remembered(token) {
            Some(claims) => Ok(claims),
            None => self.verify_afresh(token).await,
        }
    }

    /// What a token was found to say before; a key may have been revoked meanwhile.
    fn remembered(&self, token: &str) -> Option<Arc<Claims>> {
        let Verified { claims, generation } = self.0.verified.get(token)?;
        let is_good =
            claims.exp > Timestamp::now().as_second() && generation == self.0.trust.generation();
        if !is_good {
            self.0.verified.invalidate(token);
        }
        is_good.then_some(claims)
    }

    async fn verify_afresh(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let kid = kid(token).ok_or(Refused::Invalid)?;
        let (key, generation) = self.0.trust.key(&kid).await?;
        let decoded = decode::<Claims>(token, &key, &self.0.validation);
        let data = decoded.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Refused::Expired,
            _ => Refused::Invalid,
        })?;
        let claims = Arc::new(data.claims);
        let verified = Verified { claims: Arc::clone(&claims), generation };
        self.0.verified.insert(token.to_owned(), verified);
        Ok(claims)
    }
}

/// The key that a token names, if its header is one that we would write.
fn kid(token: &str) -> Option<String> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let header = decode_header(token).ok()?;
    let is_ours = header.typ.as_deref() == Some(TYPE) && header.alg == Algorithm::EdDSA;
    let carries_a_key = header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.x5t.is_some()
        || header.x5t_s256.is_some();
    // Nothing that must be understood to be safe is understood here (RFC 7515, 4.1.11).
    let is_plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
    header.kid.filter(|_| is_ours && !carries_a_key && is_plain)
}

#[cfg(test)]
mod tests;
