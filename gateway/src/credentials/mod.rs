//! Cookies on the browser's side, tokens on the services' side.
//!
//! A request with an `Authorization` header is carried as it is, and its cookies
//! are not read. Any other is called with the token in its access cookie, which
//! is exchanged for a new one where it has expired.

mod cookies;
mod refresh;
mod settle;
mod way;

use http::{HeaderMap, HeaderValue, header};
use platform::{
    Fatal,
    status::{self, Reason},
};
use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt};

pub(crate) use self::cookies::{Changes, Cookies, Sent};
use self::refresh::{Refreshed, Refresher};
pub(crate) use self::way::{Once, Streamed, Way};
use crate::{
    call::{Call, Upstreams},
    route::{CredentialKind, Rpc, Table},
};

/// Longer than any token that a service accepts.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Carries calls for whoever makes them.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) cookies: Cookies,
    pub(crate) upstreams: Upstreams,
    refresher: Option<Refresher>,
}

/// How a request says who makes it.
pub(crate) enum Identity {
    /// By itself.
    Header(HeaderValue),
    /// By cookies, or not at all.
    Cookies(Sent),
}

// === impl Identity ===

impl Identity {
    /// Whether nothing says who makes the request.
    pub(crate) fn is_anonymous(&self) -> bool {
        match self {
            Self::Header(_) => false,
            Self::Cookies(sent) => {
                let kinds = [CredentialKind::Access, CredentialKind::Refresh];
                kinds.into_iter().all(|kind| sent.get(kind).is_none())
            }
        }
    }

    /// The secret of a kind, for methods that take it as a field.
    pub(crate) fn secret(&self, kind: CredentialKind) -> Option<&str> {
        match self {
            Self::Header(_) => None,
            Self::Cookies(sent) => sent.get(kind),
        }
    }
}

// === impl Credentials ===

impl Credentials {
    /// Finds the method in the contract that exchanges tokens.
    pub(crate) fn new(
        cookies: Cookies,
        table: &Table,
        upstreams: Upstreams,
    ) -> Result<Self, Fatal> {
        let refresher = Refresher::find(table, upstreams.clone())?;
        Ok(Self { cookies, upstreams, refresher })
    }

    /// Reads who makes a request. A header that no service would read is refused
    /// here: theirs have less room for headers than ours.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Identity, Status> {
        match headers.get(header::AUTHORIZATION) {
            Some(given) if given.len() > MAX_TOKEN_BYTES => {
                Err(status::refuse(Reason::TOKEN_INVALID))
            }
            Some(given) => Ok(Identity::Header(given.clone())),
            None => Ok(Identity::Cookies(self.cookies.read(headers))),
        }
    }

    /// Calls a method one way or another and notes what becomes of the cookies.
    pub(crate) async fn call<W: Way>(
        &self,
        way: W,
        call: Call<'_>,
        identity: &Identity,
        changes: &mut Changes,
    ) -> Result<W::Answer, Status> {
        let rpc = call.rpc;
        match identity {
            Identity::Header(given) => way.go(&self.upstreams, call.with(given.clone())).await,
            // The secret inside the message says who calls; an access token that
            // has expired would only be in the way.
            Identity::Cookies(_) if rpc.takes_refresh() => {
                let answer = way.go(&self.upstreams, call).await;
                answer.map_err(|status| match refusal(rpc, &status) {
                    Some(refusal) => {
                        end(changes);
                        refusal
                    }
                    None => status,
                })
            }
            Identity::Cookies(sent) => {
                let answer = self.call_with(way, call, sent, changes).await;
                if answer.as_ref().is_err_and(is_session_ended) {
                    end(changes);
                }
                answer
            }
        }
    }

    async fn call_with<W: Way>(
        &self,
        way: W,
        call: Call<'_>,
        sent: &Sent,
        changes: &mut Changes,
    ) -> Result<W::Answer, Status> {
        let given = sent.get(CredentialKind::Access);
        if given.is_some() || self.renewable(sent).is_none() {
            let answer = self.call_as(way, call.clone(), given).await;
            if given.is_some() && call.rpc.is_public && answer.as_ref().is_err_and(is_unverified) {
                return self.call_as_stranger(way, call, answer).await;
            }
            if given.is_some() && call.rpc.is_public && answer.as_ref().is_err_and(is_session_ended)
            {
                // Whoever has no session any more may do what strangers may: sign in.
                end(changes);
                return self.call_as_stranger(way, call, answer).await;
            }
            let is_stale = matches!(&answer, Err(status) if is_token_refused(status));
            if given.is_none() || !is_stale {
                return answer;
            }
        }
        let Some(renewable) = self.renewable(sent) else {
            changes.forget(CredentialKind::Access);
            return self.call_as(way, call, None).await;
        };
        match self.renew(renewable, changes).await {
            Ok(token) => self.call_as(way, call, token.as_deref()).await,
            Err(unreachable) if call.rpc.is_public => {
                self.call_as_stranger(way, call, Err(unreachable)).await
            }
            Err(unreachable) => Err(unreachable),
        }
    }

    /// A stranger is served; whoever would be refused as one is told that it is not
    /// known who they are.
    async fn call_as_stranger<W: Way>(
        &self,
        way: W,
        call: Call<'_>,
        unknown: Result<W::Answer, Status>,
    ) -> Result<W::Answer, Status> {
        match self.call_as(way, call, None).await {
            Err(status) if is_about_caller(&status) => unknown,
            answer => answer,
        }
    }

    async fn call_as<W: Way>(
        &self,
        way: W,
        call: Call<'_>,
        token: Option<&str>,
    ) -> Result<W::Answer, Status> {
        let call = match token.map(bearer).transpose()? {
            Some(authorization) => call.with(authorization),
            None => call,
        };
        way.go(&self.upstreams, call).await
    }

    fn renewable<'a>(&'a self, sent: &'a Sent) -> Option<(&'a Refresher, &'a str)> {
        Some((self.refresher.as_ref()?, sent.get(CredentialKind::Refresh)?))
    }

    /// Exchanges the refresh token. Without a new one the call goes on for a
    /// stranger; an error says that nobody knows.
    async fn renew(
        &self,
        (refresher, token): (&Refresher, &str),
        changes: &mut Changes,
    ) -> Result<Option<String>, Status> {
        match refresher.refresh(token).await {
            Refreshed::Renewed(issued) => {
                let access = issued.iter().find(|issued| issued.kind == CredentialKind::Access);
                changes.extend(issued.iter().cloned());
                Ok(access.map(|access| access.value.clone()))
            }
            Refreshed::Refused => {
                end(changes);
                Ok(None)
            }
            Refreshed::Unreachable(status) => Err(status),
        }
    }
}

/// A token as a header; one that cannot be in one is none of ours.
fn bearer(token: &str) -> Result<HeaderValue, Status> {
    let header = HeaderValue::try_from(format!("Bearer {token}")).ok();
    let header = header.filter(|_| token.len() <= MAX_TOKEN_BYTES);
    header.ok_or_else(|| status::refuse(Reason::TOKEN_INVALID))
}

/// The session is over, whatever the cookies say.
fn end(changes: &mut Changes) {
    changes.forget(CredentialKind::Access);
    changes.forget(CredentialKind::Refresh);
}

/// What to say when a service refuses a secret inside the message. One that breaks
/// the rules of its field was never issued: the client did not write that field.
fn refusal(rpc: &Rpc, status: &Status) -> Option<Status> {
    let is_secret = |violation: &FieldViolation| {
        rpc.takes.iter().any(|taken| taken.field.name() == violation.field)
    };
    match status.code() {
        Code::Unauthenticated => Some(status.clone()),
        Code::InvalidArgument => {
            let violations = status.get_details_bad_request()?.field_violations;
            let is_refused = !violations.is_empty() && violations.iter().all(is_secret);
            is_refused.then(|| status::refuse(Reason::SESSION_ENDED))
        }
        _ => None,
    }
}

/// Whether a refusal could be due to not knowing the caller.
fn is_about_caller(status: &Status) -> bool {
    [Code::Unauthenticated, Code::PermissionDenied, Code::NotFound].contains(&status.code())
}

/// Whether a service cannot tell at the moment whether a token is good.
fn is_unverified(status: &Status) -> bool {
    status::reason_of(status) == Some(Reason::CALLER_UNKNOWN)
}

fn is_session_ended(status: &Status) -> bool {
    status.code() == Code::Unauthenticated
        && status::reason_of(status) == Some(Reason::SESSION_ENDED)
}

/// Whether a service refuses the access token, as opposed to whoever it names.
fn is_token_refused(status: &Status) -> bool {
    let reasons = [Reason::TOKEN_EXPIRED, Reason::TOKEN_INVALID];
    status.code() == Code::Unauthenticated
        && status::reason_of(status).is_some_and(|reason| reasons.contains(&reason))
}
