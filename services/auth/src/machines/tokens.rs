//! What a key is exchanged for.

use jiff::{SignedDuration, Timestamp};
use platform::{
    identity::ApiKey,
    token::{AUDIENCE, Claims, MACHINE, SERVICE},
};
use proto::auth::v1::ExchangeApiKeyResponse;
use uuid::Uuid;

use super::{Error, Owner};
use crate::sessions::Issuer;

/// So long before its end there is a warning of that of a service's key.
const A_MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How a machine proved who it is.
const PROOF: &str = "api_key";

/// A key as the database knows it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) key_id: Uuid,
    pub(super) owner: Owner,
    pub(super) secret_hash: Vec<u8>,
    pub(super) scopes: Vec<String>,
    /// Those of the owner, at the moment.
    pub(super) roles: Vec<String>,
    pub(super) expires_at: Timestamp,
    /// Its owner may not be acted for.
    pub(super) is_suspended: bool,
}

/// Decides whether a key that was presented is good. Whatever is wrong with it, the
/// same is done and the same is said.
pub(super) fn check(
    presented: &ApiKey,
    known: Option<Known>,
    now: Timestamp,
) -> Result<Known, Error> {
    let is_right = match &known {
        Some(known) => presented.has_hash(&known.secret_hash),
        None => presented.has_hash(&[0; 32]),
    };
    known
        .filter(|known| is_right && !known.is_suspended && known.expires_at > now)
        .ok_or(Error::Invalid)
}

/// Makes the access token of a key. It never outlives the key.
pub(super) fn exchange(
    issuer: &Issuer,
    known: &Known,
    now: Timestamp,
) -> Result<ExchangeApiKeyResponse, Error> {
    warn_of_the_end(known, now);
    let claims = claims(issuer, known, now);
    Ok(ExchangeApiKeyResponse {
        access_token: issuer.keys.sign(&claims)?,
        token_type: "Bearer".to_owned(),
        expires_in: i32::try_from(claims.exp - claims.iat).unwrap_or(i32::MAX),
        scope: claims.scope.unwrap_or_default(),
    })
}

/// A product whose services are strangers to each other stands still, so nobody should
/// find out by that.
fn warn_of_the_end(known: &Known, now: Timestamp) {
    let left = known.expires_at.duration_since(now);
    if known.roles.iter().any(|role| role == SERVICE) && left < A_MONTH {
        let (account, days) = (known.owner.id(), left.as_hours() / 24);
        tracing::warn!(
            service_account_id = %account,
            days,
            event.name = "auth.service_key.ends_soon",
            "the key of service account {account} ends in {days} days: make another with \
             `mainstay admin service-key`"
        );
    }
}

fn claims(issuer: &Issuer, known: &Known, now: Timestamp) -> Claims {
    let lasts = i64::from(issuer.lifetimes.access);
    let now = now.as_second();
    Claims {
        iss: issuer.name.clone(),
        aud: AUDIENCE.to_owned(),
        sub: known.owner.id(),
        // What ends the key ends this.
        sid: known.key_id,
        jti: Uuid::now_v7(),
        iat: now,
        nbf: now,
        exp: (now + lasts).min(known.expires_at.as_second()),
        roles: roles(known),
        // A machine never just proved who it is: what asks for that is not for it.
        auth_time: 0,
        acr: String::new(),
        amr: vec![PROOF.to_owned()],
        act: None,
        scope: Some(known.scopes.join(" ")),
    }
}

/// The roles of the owner; an account of a machine says that it is one.
fn roles(known: &Known) -> Vec<String> {
    let mut roles = known.roles.clone();
    let is_service = roles.iter().any(|role| role == SERVICE);
    if matches!(known.owner, Owner::ServiceAccount(_)) && !is_service {
        roles.push(MACHINE.to_owned());
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(key: &ApiKey, expires_at: Timestamp, is_suspended: bool) -> Known {
        Known {
            key_id: key.id(),
            owner: Owner::User(Uuid::now_v7()),
            secret_hash: key.hash(),
            scopes: Vec::new(),
            roles: Vec::new(),
            expires_at,
            is_suspended,
        }
    }

    #[test]
    fn only_the_right_secret_of_a_key_in_force_is_good() {
        let (key, other, now) = (ApiKey::random(), ApiKey::random(), Timestamp::now());
        let (past, future) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        check(&key, Some(known(&key, future, false)), now).unwrap();
        for wrong in [
            None,
            Some(known(&key, past, false)),
            Some(known(&key, now, false)),
            Some(known(&key, future, true)),
            Some(known(&other, future, false)),
            Some(Known { secret_hash: vec![0; 32], ..known(&key, future, false) }),
        ] {
            assert!(matches!(check(&key, wrong, now), Err(Error::Invalid)));
        }
    }

    #[test]
    fn accounts_of_machines_say_what_they_are() {
        let key = ApiKey::random();
        let of = |owner, own: &[&str]| {
            let own = own.iter().map(|&role| role.to_owned()).collect();
            roles(&Known { owner, roles: own, ..known(&key, Timestamp::MAX, false) })
        };
        let id = Uuid::now_v7();
        assert_eq!(of(Owner::User(id), &["editor"]), ["editor"]);
        assert_eq!(of(Owner::ServiceAccount(id), &["editor"]), ["editor", "machine"]);
        assert_eq!(of(Owner::ServiceAccount(id), &["service"]), ["service"]);
    }
}
