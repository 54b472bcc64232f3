//! The gRPC edge: caller, decode, check, one call, reply.

use std::{sync::Arc, time::Duration};

use database::{Once, Pool, Replies};
use platform::{
    access::{Caller, admit},
    status::{self, Reason},
    time::to_proto,
};
use proto::auth::v1 as pb;
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use super::{Again, again, complete, store, with_passkey};
use crate::{
    defence::Who,
    devices::Device,
    factors::{Error, Evidence, Factors},
    reproof::Prover,
    sessions::{self, Issuer, SignedIn},
};

/// Serves `mainstay.auth.v1.SignInService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) prover: Prover,
    pub(crate) factors: Arc<Factors>,
    pub(crate) issuer: Issuer,
}

#[tonic::async_trait]
impl pb::sign_in_service_server::SignInService for Rpc {
    async fn verify_second_factor(
        &self,
        request: Request<pb::VerifySecondFactorRequest>,
    ) -> Result<Response<pb::VerifySecondFactorResponse>, Status> {
        let (caller, request) = admit(request)?;
        let device = Device::presented(request.device_token, &request.device_name);
        let pb::VerifySecondFactorRequest { challenge, code, recovery_code, passkey, flow, .. } =
            request;
        let evidence = Evidence::of(code, recovery_code, passkey, flow);
        let evidence = evidence.ok_or_else(|| nothing("code, recovery_code or passkey"))?;
        let given = (self, challenge, evidence, device);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, (rpc, challenge, evidence, device)| {
            let shown = (&**challenge, evidence, device);
            Box::pin(complete(transaction, shown, &rpc.factors, &rpc.issuer))
        });
        Ok(done.await?.reply(sessions::second_factor_verified))
    }

    async fn begin_passkey_sign_in(
        &self,
        request: Request<pb::BeginPasskeySignInRequest>,
    ) -> Result<Response<pb::BeginPasskeySignInResponse>, Status> {
        let (caller, request) = admit(request)?;
        let half = Some(request.challenge).filter(|challenge| !challenge.is_empty());
        let half = half.map(|challenge| self.factors.half(&challenge)).transpose()?;
        let given = (&self.factors, half.map(|ticket| ticket.says.user_id));
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, &(factors, user_id)| {
            Box::pin(async move {
                let (options, flow) = factors.ask_passkey(transaction, user_id).await?;
                Ok::<_, Error>(pb::BeginPasskeySignInResponse {
                    options: Some(options),
                    flow: Some(flow.text),
                    flow_expires_at: Some(to_proto(flow.expires_at)),
                })
            })
        });
        Ok(done.await?.reply(|reply| reply))
    }

    async fn finish_passkey_sign_in(
        &self,
        request: Request<pb::FinishPasskeySignInRequest>,
    ) -> Result<Response<pb::FinishPasskeySignInResponse>, Status> {
        let (caller, request) = admit(request)?;
        let device = Device::presented(request.device_token, &request.device_name);
        let given = (self, request.passkey.unwrap_or_default(), request.flow, device);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, (rpc, passkey, flow, device)| {
            let shown = (passkey, flow.as_str(), device);
            Box::pin(with_passkey(transaction, shown, &rpc.factors, &rpc.issuer))
        });
        Ok(done.await?.reply(sessions::passkey_signed_in))
    }

    async fn reauthenticate(
        &self,
        request: Request<pb::ReauthenticateRequest>,
    ) -> Result<Response<pb::ReauthenticateResponse>, Status> {
        let (caller, request) = admit(request)?;
        let who = caller.user_id().zip(caller.session_id());
        let (user_id, session_id) = who.ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))?;
        let pb::ReauthenticateRequest { password, code, passkey, flow } = request;
        let shown = match (Evidence::of(code, None, passkey, flow), password) {
            (Some(evidence), _) => Again::Factor(evidence),
            (None, Some(password)) => {
                let who = Who { user_id, session_id };
                self.check_password(who, password.into()).await?
            }
            (None, None) => return Err(nothing("code, passkey or password")),
        };
        let given = (self, (user_id, session_id), shown);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, (rpc, who, shown)| {
            Box::pin(again(transaction, *who, shown, (&rpc.factors, &rpc.issuer)))
        });
        Ok(done.await?.reply(renewed))
    }
}

// === impl Rpc ===

impl Rpc {
    async fn check_password(&self, who: Who, password: SecretString) -> Result<Again, Status> {
        let hash = store::password_hash(&self.pool, who.user_id).await?;
        if self.prover.verify(who, password, hash).await? {
            return Ok(Again::Password);
        }
        Err(sessions::Error::WrongCredentials.into())
    }

    /// As with sessions: who loses the reply gets the same one for a while.
    fn once<'a>(&'a self, caller: &'a Caller) -> Once<'a> {
        let keep = Duration::from_secs(self.issuer.lifetimes.access.into());
        self.replies.once(caller.request()).kept_for(keep)
    }
}

fn renewed(signed_in: SignedIn) -> pb::ReauthenticateResponse {
    pb::ReauthenticateResponse {
        session: signed_in.session,
        access_token: signed_in.access_token,
        access_token_expires_at: signed_in.access_token_expires_at,
    }
}

/// Whoever shows nothing has not proven who they are.
fn nothing(wanted: &str) -> Status {
    status::refuse_because(Reason::PROOF_REFUSED, &format!("send one of {wanted}"))
}
