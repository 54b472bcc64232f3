//! What is asked of a request before anything of it is read: whether there is room
//! for it, and whether its caller has asked for too much already.

use std::sync::Arc;

use http::HeaderValue;
use platform::{
    access::bearer,
    limits::{Limits, Overloaded, Payer, Standing},
    request_id::RequestContext,
    token::{Claims, Verifier},
};

use proto::options::v1::RateClass;

use crate::{
    call::Upstreams,
    credentials::Identity,
    route::{CredentialKind, Rpc},
};

/// Guards the way to the services.
#[derive(Debug)]
pub(crate) struct Guard {
    upstreams: Upstreams,
    limits: Limits,
    /// Tells users from those who make up tokens; without it all pay by address.
    verifier: Option<Verifier>,
}

// === impl Guard ===

impl Guard {
    /// Counts with these limits.
    pub(crate) fn new(upstreams: Upstreams, limits: Limits, verifier: Option<Verifier>) -> Self {
        Self { upstreams, limits, verifier }
    }

    /// Refuses what could not be called now.
    pub(crate) fn check_room(&self, rpc: &Rpc) -> Result<(), Overloaded> {
        self.upstreams.check(rpc)
    }

    /// Takes a request from its caller's budget; none if there is no limit.
    pub(crate) async fn count(&self, rpc: &Rpc, identity: Option<&Identity>) -> Option<Standing> {
        let claims = match identity {
            Some(identity) => self.claims(identity).await,
            None => None,
        };
        let user = claims.map(|claims| claims.sub);
        let client = RequestContext::current().and_then(|context| context.client);
        self.limits.take(rpc.rate_class, Payer::of(rpc.rate_class, user, client)).await
    }

    /// Takes what no route leads to, a page or a mistake, from the budget of looking.
    pub(crate) async fn count_other(&self) -> Option<Standing> {
        let client = RequestContext::current().and_then(|context| context.client);
        let class = RateClass::Read;
        self.limits.take(class, Payer::of(class, None, client)).await
    }

    /// Whether a token is one that services will believe.
    pub(crate) async fn is_good(&self, authorization: &HeaderValue) -> bool {
        let Some(verifier) = &self.verifier else { return false };
        match authorization.to_str().ok().and_then(bearer) {
            Some(token) => verifier.verify(token).await.is_ok(),
            None => false,
        }
    }

    /// What a token says, if it is a good one.
    async fn claims(&self, identity: &Identity) -> Option<Arc<Claims>> {
        let verifier = self.verifier.as_ref()?;
        let token = match identity {
            Identity::Header(header) => bearer(header.to_str().ok()?)?,
            Identity::Cookies(sent) => sent.get(CredentialKind::Access)?,
        };
        verifier.verify(token).await.ok()
    }
}
