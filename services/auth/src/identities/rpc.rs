//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use database::Pool;
use platform::{
    access::admit,
    causes,
    status::{self, Reason},
    time::to_proto,
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Error, Failure,
    flow::Flow,
    links,
    provider::{CameBack, Provider, Providers},
    store, visits,
};
use crate::{
    devices::Device,
    mail::PostOffice,
    sessions::{Issuer, SignedIn},
    users::SignUp,
};

/// Serves `mainstay.auth.v1.IdentityService`.
///
/// Idempotency keys do not count here. A visit that is begun twice is two visits,
/// because nobody may get the secret of somebody else's; a code is good once.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) providers: Arc<Providers>,
    pub(crate) issuer: Issuer,
    pub(crate) post_office: PostOffice,
    pub(crate) sign_up: SignUp,
}

/// A visit that has begun.
struct Begun {
    authorization_url: String,
    flow_token: String,
    expires_at: prost_types::Timestamp,
}

#[tonic::async_trait]
impl pb::identity_service_server::IdentityService for Rpc {
    async fn list_providers(
        &self,
        request: Request<pb::ListProvidersRequest>,
    ) -> Result<Response<pb::ListProvidersResponse>, Status> {
        admit(request)?;
        let providers = self.providers.all().map(|provider| pb::Provider {
            id: provider.settings.id.clone(),
            display_name: provider.settings.display_name.clone(),
        });
        Ok(Response::new(pb::ListProvidersResponse { providers: providers.collect() }))
    }

    async fn begin_sign_in(
        &self,
        request: Request<pb::BeginSignInRequest>,
    ) -> Result<Response<pb::BeginSignInResponse>, Status> {
        let (_, request) = admit(request)?;
        let provider = self.provider(&request.provider)?;
        let Begun { authorization_url, flow_token, expires_at } =
            self.begin(provider, &request.return_path, None).await?;
        Ok(Response::new(pb::BeginSignInResponse {
            authorization_url,
            flow_token: Some(flow_token),
            flow_token_expires_at: Some(expires_at),
        }))
    }

    async fn finish_sign_in(
        &self,
        request: Request<pb::FinishSignInRequest>,
    ) -> Result<Response<pb::FinishSignInResponse>, Status> {
        let (_, request) = admit(request)?;
        let provider = self.provider(&request.provider)?;
        let flow = Flow::end(request.flow_token, &request.state, false)?;
        let return_path = visits::take(&self.pool, &flow, provider, None).await?;
        let device = Device::presented(request.device_token, &request.device_name);
        let pb::FinishSignInRequest { code, iss, error, .. } = request;
        let came_back = CameBack { code, iss, error };
        let signed_in = self.sign_in(provider, &flow, came_back, device).await?;
        Ok(Response::new(pb::FinishSignInResponse {
            session: signed_in.session,
            access_token: signed_in.access_token,
            access_token_expires_at: signed_in.access_token_expires_at,
            refresh_token: signed_in.refresh_token,
            refresh_token_expires_at: signed_in.refresh_token_expires_at,
            return_path,
            flow_token: Some(String::new()),
            device_token: signed_in.device_token,
            device_token_expires_at: signed_in.device_token_expires_at,
        }))
    }

    async fn list_identities(
        &self,
        request: Request<pb::ListIdentitiesRequest>,
    ) -> Result<Response<pb::ListIdentitiesResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let identities = store::list(&self.pool, user_id, &self.providers).await?;
        Ok(Response::new(pb::ListIdentitiesResponse { identities }))
    }

    async fn begin_link(
        &self,
        request: Request<pb::BeginLinkRequest>,
    ) -> Result<Response<pb::BeginLinkResponse>, Status> {
        let (caller, request) = admit(request)?;
        caller.acting_for(&request.user_id)?;
        let provider = self.provider(&request.provider)?;
        let Begun { authorization_url, flow_token, expires_at } =
            self.begin(provider, &request.return_path, caller.session_id()).await?;
        Ok(Response::new(pb::BeginLinkResponse {
            authorization_url,
            flow_token: Some(flow_token),
            flow_token_expires_at: Some(expires_at),
        }))
    }

    async fn finish_link(
        &self,
        request: Request<pb::FinishLinkRequest>,
    ) -> Result<Response<pb::FinishLinkResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let provider = self.provider(&request.provider)?;
        let flow = Flow::end(request.flow_token, &request.state, true)?;
        let session_id = caller.session_id();
        let return_path = visits::take(&self.pool, &flow, provider, session_id).await?;
        let pb::FinishLinkRequest { code, iss, error, .. } = request;
        let confirmed = provider.confirm(&flow, CameBack { code, iss, error }).await;
        let confirmed = confirmed.map_err(|failure| refuse(provider, failure))?;
        let claimed = provider.complete(confirmed).await;
        let claimed = claimed.map_err(|failure| refuse(provider, failure))?;
        let of_whom = (user_id, session_id);
        let identity = links::link(&self.pool, of_whom, &claimed, provider, &self.post_office);
        Ok(Response::new(pb::FinishLinkResponse {
            identity: Some(identity.await?),
            return_path,
            flow_token: Some(String::new()),
        }))
    }

    async fn delete_identity(
        &self,
        request: Request<pb::DeleteIdentityRequest>,
    ) -> Result<Response<pb::DeleteIdentityResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let identity_id = Uuid::try_parse(&request.identity_id).map_err(|_none| Error::NotFound)?;
        let of_whom = (user_id, caller.session_id());
        links::delete(&self.pool, of_whom, identity_id, &self.providers, &self.post_office).await?;
        Ok(Response::new(pb::DeleteIdentityResponse {}))
    }
}

// === impl Rpc ===

impl Rpc {
    fn provider(&self, id: &str) -> Result<&Provider, Error> {
        self.providers.named(id).ok_or(Error::UnknownProvider)
    }

    async fn begin(
        &self,
        provider: &Provider,
        return_path: &str,
        session_id: Option<Uuid>,
    ) -> Result<Begun, Status> {
        let flow = Flow::begin(session_id.is_some());
        let url = provider.authorization_url(&flow).await;
        let url = url.map_err(|failure| refuse(provider, failure))?;
        let return_path = if return_path.is_empty() { "/" } else { return_path };
        let kept = visits::insert(&self.pool, &flow, provider, return_path, session_id);
        let expires_at = to_proto(kept.await?);
        Ok(Begun { authorization_url: url.into(), flow_token: flow.into_text(), expires_at })
    }

    async fn sign_in(
        &self,
        provider: &Provider,
        flow: &Flow,
        came_back: CameBack,
        device: Device,
    ) -> Result<SignedIn, Status> {
        let confirmed = provider.confirm(flow, came_back).await;
        let confirmed = confirmed.map_err(|failure| refuse(provider, failure))?;
        // Of those who are known nothing more is asked.
        let claimed = if store::is_known(&self.pool, &confirmed.claimed).await? {
            confirmed.claimed
        } else {
            let completed = provider.complete(confirmed).await;
            completed.map_err(|failure| refuse(provider, failure))?
        };
        let arriving = (&self.post_office, self.sign_up);
        let given = (&claimed, provider, &self.issuer, arriving);
        Ok(store::sign_in(&self.pool, given, &device).await?)
    }
}

/// Logs why a site signed nobody in: the caller cannot do anything about it.
fn refuse(provider: &Provider, failure: Failure) -> Error {
    let id = &provider.settings.id;
    tracing::warn!(
        provider = id,
        error = causes(&failure),
        event.name = "auth.identity.refused",
        "{id} signed nobody in"
    );
    failure.into()
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownProvider => status::refuse(Reason::PROVIDER_UNKNOWN),
            Error::WrongFlow => status::refuse(Reason::SIGN_IN_FLOW_INVALID),
            Error::Provider(Failure::Refused(_)) => status::refuse(Reason::IDENTITY_REFUSED),
            Error::Provider(Failure::Unavailable(_) | Failure::Silent | Failure::Nowhere) => {
                status::refuse(Reason::PROVIDER_UNAVAILABLE)
            }
            Error::EmailTaken => status::refuse(Reason::IDENTITY_EMAIL_TAKEN),
            Error::EmailMissing => status::refuse(Reason::IDENTITY_EMAIL_MISSING),
            Error::Taken => status::refuse(Reason::IDENTITY_TAKEN),
            Error::SignUpClosed => status::refuse(Reason::SIGN_UP_CLOSED),
            Error::SiteLinked => status::refuse(Reason::PROVIDER_LINKED),
            Error::LastWay => status::refuse(Reason::LAST_SIGN_IN_METHOD),
            Error::NotFound => status::not_found("identity"),
            Error::Session(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
