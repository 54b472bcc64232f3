//! Tokens for requests that cannot be sent twice.

use http::HeaderValue;
use jiff::Timestamp;
use tonic::Status;

use super::{Changes, Credentials, Identity, bearer, end, is_session_ended, is_token_refused};
use crate::{
    holder,
    route::{CredentialKind, Rpc},
};

/// A token that expires this soon may have when it is read.
const SOON_SECONDS: i64 = 10;

// === impl Credentials ===

impl Credentials {
    /// Decides with which token a request is made, before any of it is sent: one
    /// that says that it has expired is exchanged, because a body cannot be sent
    /// again.
    pub(crate) async fn settle(
        &self,
        rpc: &Rpc,
        identity: &Identity,
        changes: &mut Changes,
    ) -> Result<Option<HeaderValue>, Status> {
        let sent = match identity {
            Identity::Header(given) => return Ok(Some(given.clone())),
            Identity::Cookies(_) if rpc.takes_refresh() => return Ok(None),
            Identity::Cookies(sent) => sent,
        };
        let given = sent.get(CredentialKind::Access).map(bearer).transpose()?;
        if given.as_ref().is_some_and(|given| !has_expired(given)) {
            return Ok(given);
        }
        let Some(renewable) = self.renewable(sent) else {
            if given.is_some() {
                changes.forget(CredentialKind::Access);
            }
            return Ok(None);
        };
        match self.renew(renewable, changes).await {
            Ok(token) => token.as_deref().map(bearer).transpose(),
            Err(_unreachable) if rpc.is_public => Ok(None),
            Err(unreachable) => Err(unreachable),
        }
    }

    /// Notes what a refusal means for the cookies: if the token was refused all the
    /// same, the next attempt finds a new one.
    pub(crate) async fn note(&self, status: &Status, identity: &Identity, changes: &mut Changes) {
        let Identity::Cookies(sent) = identity else { return };
        if is_session_ended(status) {
            end(changes);
        } else if is_token_refused(status)
            && let Some(renewable) = self.renewable(sent)
            && let Err(unreachable) = self.renew(renewable, changes).await
        {
            tracing::debug!(code = ?unreachable.code(), "the session was not renewed");
        }
    }
}

fn has_expired(authorization: &HeaderValue) -> bool {
    let expiry = holder::expiry(authorization);
    expiry.is_some_and(|expiry| expiry <= Timestamp::now().as_second() + SOON_SECONDS)
}
