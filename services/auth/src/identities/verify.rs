//! What an ID token must be (OpenID Connect Core, section 3.1.3.7).

use jiff::Timestamp;
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, Nonce, OAuth2TokenResponse as _,
    SignatureVerificationError, TokenResponse as _,
    core::{
        CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm,
        CoreTokenResponse,
    },
};

use super::Claimed;

/// What is wrong with a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    #[error("it is signed with a key that the site does not have")]
    UnknownKey,
    #[error("there is no ID token")]
    Missing,
    #[error("the ID token is for another client")]
    AnotherClient,
    #[error("the ID token comes with another access token")]
    AnotherAccessToken,
    #[error("the subject is empty or too long")]
    Subject,
    #[error("the ID token is refused: {0}")]
    Claims(ClaimsVerificationError),
}

/// Signatures that only the site can make. `none` and HMAC with the client's secret
/// are not among them, whatever the site offers.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How far the site's clock may be from ours, in seconds.
const SKEW: i64 = 60;
/// How old a token may be that was made a moment ago, in seconds.
const OLDEST: i64 = 600;
/// OpenID Connect Core, section 2.
const MOST_SUBJECT_BYTES: usize = 255;

/// Who a site says that somebody is, once all of it is checked.
pub(super) fn claims(
    verifier: CoreIdTokenVerifier<'_>,
    client_id: &ClientId,
    tokens: &CoreTokenResponse,
    nonce: &Nonce,
) -> Result<Claimed, Wrong> {
    let id_token = tokens.id_token().ok_or(Wrong::Missing)?;
    let verifier = verifier.set_allowed_algs(ALGORITHMS).set_issue_time_verifier_fn(|issued_at| {
        let age = Timestamp::now().as_second() - issued_at.timestamp();
        let is_new = (-SKEW..=OLDEST).contains(&age);
        is_new.then_some(()).ok_or_else(|| "it was not issued just now".to_owned())
    });
    let claims = id_token.claims(&verifier, nonce).map_err(Wrong::of)?;
    // The crate leaves this one to us.
    if claims.authorized_party().is_some_and(|party| party != client_id) {
        return Err(Wrong::AnotherClient);
    }
    if !goes_with(id_token, claims, tokens, &verifier).unwrap_or(false) {
        return Err(Wrong::AnotherAccessToken);
    }
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > MOST_SUBJECT_BYTES || subject.contains('\0') {
        return Err(Wrong::Subject);
    }
    Ok(Claimed::read(claims))
}

/// Whether an ID token was issued with an access token, if it says with which.
fn goes_with(
    id_token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    tokens: &CoreTokenResponse,
    verifier: &CoreIdTokenVerifier<'_>,
) -> Option<bool> {
    let Some(expected) = claims.access_token_hash() else { return Some(true) };
    let (algorithm, key) = (id_token.signing_alg().ok()?, id_token.signing_key(verifier).ok()?);
    let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).ok()?;
    Some(actual == *expected)
}

// === impl Wrong ===

impl Wrong {
    fn of(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ) => Self::UnknownKey,
            error => Self::Claims(error),
        }
    }
}
