//! The gRPC edge: caller, decode, check, one call, reply.

use std::{sync::Arc, time::Duration};

use database::{Once, Pool, Replies};
use platform::{
    access::{Caller, admit},
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Error, Factors, add::Owner, store};
use crate::sessions::Issuer;

/// Replies that hold secrets are kept as briefly as helps whoever lost one.
const KEEP: Duration = Duration::from_mins(5);

/// Serves `mainstay.auth.v1.FactorService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) factors: Arc<Factors>,
    pub(crate) issuer: Issuer,
}

#[tonic::async_trait]
impl pb::factor_service_server::FactorService for Rpc {
    async fn list_factors(
        &self,
        request: Request<pb::ListFactorsRequest>,
    ) -> Result<Response<pb::ListFactorsResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let factors = store::list(&self.pool, user_id).await?;
        let recovery_codes_left = store::recovery_codes_left(&self.pool, user_id).await?;
        Ok(Response::new(pb::ListFactorsResponse { factors, recovery_codes_left }))
    }

    async fn begin_totp(
        &self,
        request: Request<pb::BeginTotpRequest>,
    ) -> Result<Response<pb::BeginTotpResponse>, Status> {
        let (caller, request) = admit(request)?;
        let given = (&self.factors, owner(&caller, &request.user_id)?);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, &(factors, owner)| {
            Box::pin(factors.begin_totp(transaction, owner.user_id))
        });
        Ok(done.await?.reply(|reply| reply))
    }

    async fn confirm_totp(
        &self,
        request: Request<pb::ConfirmTotpRequest>,
    ) -> Result<Response<pb::ConfirmTotpResponse>, Status> {
        let (caller, request) = admit(request)?;
        let owner = owner(&caller, &request.user_id)?;
        let given = (self, owner, request);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, (rpc, owner, request)| {
            let shown = (&*request.code, &*request.name);
            Box::pin(rpc.factors.confirm_totp(transaction, *owner, shown, &rpc.issuer))
        });
        Ok(done.await?.reply(|reply| reply))
    }

    async fn begin_passkey(
        &self,
        request: Request<pb::BeginPasskeyRequest>,
    ) -> Result<Response<pb::BeginPasskeyResponse>, Status> {
        let (caller, request) = admit(request)?;
        let given = (&self.factors, owner(&caller, &request.user_id)?);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, &(factors, owner)| {
            Box::pin(factors.begin_passkey(transaction, owner.user_id))
        });
        Ok(done.await?.reply(|reply| reply))
    }

    async fn confirm_passkey(
        &self,
        request: Request<pb::ConfirmPasskeyRequest>,
    ) -> Result<Response<pb::ConfirmPasskeyResponse>, Status> {
        let (caller, request) = admit(request)?;
        let owner = owner(&caller, &request.user_id)?;
        let given = (self, owner, request);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, (rpc, owner, request)| {
            Box::pin(rpc.factors.confirm_passkey(transaction, *owner, request, &rpc.issuer))
        });
        Ok(done.await?.reply(|reply| reply))
    }

    async fn delete_factor(
        &self,
        request: Request<pb::DeleteFactorRequest>,
    ) -> Result<Response<pb::DeleteFactorResponse>, Status> {
        let (caller, request) = admit(request)?;
        let owner = owner(&caller, &request.user_id)?;
        let factor_id = Uuid::try_parse(&request.factor_id).map_err(|_none| Error::NotFound)?;
        let given = (&self.factors, owner, factor_id);
        let done = self.pool.transaction(given, |transaction, &(factors, owner, factor_id)| {
            Box::pin(factors.remove(transaction, owner, factor_id))
        });
        done.await?;
        Ok(Response::new(pb::DeleteFactorResponse {}))
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<pb::RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<pb::RegenerateRecoveryCodesResponse>, Status> {
        let (caller, request) = admit(request)?;
        let given = (&self.factors, owner(&caller, &request.user_id)?);
        let once = self.once(&caller);
        let done = once.transaction(given, |transaction, &(factors, owner)| {
            Box::pin(factors.regenerate_codes(transaction, owner))
        });
        Ok(done.await?.reply(|reply| reply))
    }
}

// === impl Rpc ===

impl Rpc {
    fn once<'a>(&'a self, caller: &'a Caller) -> Once<'a> {
        self.replies.once(caller.request()).kept_for(KEEP)
    }
}

/// The caller, acting for themselves, and their session.
fn owner(caller: &Caller, user_id: &str) -> Result<Owner, Status> {
    let user_id = caller.acting_for(user_id)?;
    let session_id = caller.session_id();
    let session_id = session_id.ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))?;
    Ok(Owner { user_id, session_id })
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => status::not_found("second factor"),
            Error::WrongProof => status::refuse(Reason::PROOF_REFUSED),
            Error::TooManyWrongCodes { wait_seconds } => {
                let wait = Duration::try_from_secs_f64(wait_seconds).unwrap_or_default();
                status::refuse_until(Reason::TOO_MANY_WRONG_CODES, wait)
            }
            Error::ChallengeInvalid => status::refuse(Reason::CHALLENGE_INVALID),
            Error::FlowInvalid => status::refuse(Reason::FLOW_INVALID),
            Error::NotBegun => status::refuse(Reason::FACTOR_NOT_BEGUN),
            Error::TotpExists => status::refuse(Reason::TOTP_EXISTS),
            Error::TooMany => status::refuse(Reason::TOO_MANY_FACTORS),
            Error::NoFactor => status::refuse(Reason::FACTOR_REQUIRED),
            Error::PasskeyRefused => status::refuse(Reason::PASSKEY_REFUSED),
            Error::NoPasskeys => status::refuse(Reason::PASSKEYS_UNAVAILABLE),
            Error::Unusable | Error::Sealed(_) => status::internal(&error),
            Error::Session(error) => error.into(),
            Error::User(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
