//! Typed gRPC clients that talk to the services directly.

use std::time::Duration;

use proto::{
    auth::v1::{
        administration_service_client::AdministrationServiceClient,
        api_key_service_client::ApiKeyServiceClient, audit_service_client::AuditServiceClient,
        email_service_client::EmailServiceClient, factor_service_client::FactorServiceClient,
        identity_service_client::IdentityServiceClient, key_service_client::KeyServiceClient,
        password_service_client::PasswordServiceClient,
        privacy_service_client::PrivacyServiceClient,
        service_account_service_client::ServiceAccountServiceClient,
        session_service_client::SessionServiceClient, sign_in_service_client::SignInServiceClient,
        user_service_client::UserServiceClient,
    },
    content::v1::post_service_client::PostServiceClient,
};
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::{service::Service, stack::Stack};

/// Somebody's way to the services.
#[derive(Clone, Debug)]
pub struct Grpc {
    auth: Channel,
    content: Channel,
    bearer: Bearer,
}

/// Sends a token with each call, if there is one.
#[derive(Clone, Debug, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

/// A connection with a token.
pub type Authorized = InterceptedService<Channel, Bearer>;

const LIMIT: Duration = Duration::from_secs(30);

/// A connection to a service; it is made when first used.
pub fn channel(service: &Service) -> Channel {
    Endpoint::from_shared(service.url()).unwrap().timeout(LIMIT).connect_lazy()
}

/// The reason in a status, as the catalogue names it.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Asserts that a call was refused for a reason, and returns the status.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(
    result: Result<Response<T>, Status>,
    code: Code,
    why: &str,
) -> Status {
    let status = result.expect_err(why);
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

// === impl Grpc ===

impl Grpc {
    /// Without a token.
    pub fn new(stack: &Stack) -> Self {
        let (auth, content) = (channel(&stack.auth), channel(&stack.content));
        Self { auth, content, bearer: Bearer::default() }
    }

    /// With a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { bearer: Bearer::of(token), ..self.clone() }
    }

    /// The token in use; empty without one.
    pub fn token(&self) -> &str {
        let token = self.bearer.0.as_ref().map(|header| header.to_str().unwrap());
        token.unwrap_or_default().trim_start_matches("Bearer ")
    }

    /// Accounts.
    pub fn users(&self) -> UserServiceClient<Authorized> {
        UserServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Sessions.
    pub fn sessions(&self) -> SessionServiceClient<Authorized> {
        SessionServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// What admins do to accounts.
    pub fn administration(&self) -> AdministrationServiceClient<Authorized> {
        AdministrationServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// What happened.
    pub fn audit(&self) -> AuditServiceClient<Authorized> {
        AuditServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Second factors.
    pub fn factors(&self) -> FactorServiceClient<Authorized> {
        FactorServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Proving more than a password.
    pub fn sign_in(&self) -> SignInServiceClient<Authorized> {
        SignInServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Addresses of accounts.
    pub fn emails(&self) -> EmailServiceClient<Authorized> {
        EmailServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Passwords.
    pub fn passwords(&self) -> PasswordServiceClient<Authorized> {
        PasswordServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Accounts of other sites.
    pub fn identities(&self) -> IdentityServiceClient<Authorized> {
        IdentityServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Keys.
    pub fn keys(&self) -> KeyServiceClient<Authorized> {
        KeyServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// API keys.
    pub fn api_keys(&self) -> ApiKeyServiceClient<Authorized> {
        ApiKeyServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Accounts of machines.
    pub fn service_accounts(&self) -> ServiceAccountServiceClient<Authorized> {
        ServiceAccountServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// What is kept about users.
    pub fn privacy(&self) -> PrivacyServiceClient<Authorized> {
        PrivacyServiceClient::with_interceptor(self.auth.clone(), self.bearer.clone())
    }

    /// Posts.
    pub fn posts(&self) -> PostServiceClient<Authorized> {
        PostServiceClient::with_interceptor(self.content.clone(), self.bearer.clone())
    }

    /// The bare connection to the service of a package.
    pub fn channel_of(&self, package: &str) -> Channel {
        match package {
            "mainstay.auth.v1" => self.auth.clone(),
            "mainstay.content.v1" => self.content.clone(),
            other => panic!("which service serves {other}?"),
        }
    }
}

// === impl Bearer ===

impl Bearer {
    /// This token.
    pub fn of(token: &str) -> Self {
        Self(Some(format!("Bearer {token}").parse().unwrap()))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}
