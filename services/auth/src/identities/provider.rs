//! Another site: where to send a browser, and what to make of what it brings back.

use std::{sync::Arc, time::Duration};

use openidconnect::{
    AccessToken, AuthType, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret,
    EmptyAdditionalClaims, EndpointMaybeSet, EndpointNotSet, EndpointSet, OAuth2TokenResponse as _,
    PkceCodeChallenge, RedirectUrl, RequestTokenError, Scope, SubjectIdentifier, UserInfoClaims,
    UserInfoError,
    core::{
        CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreResponseType, CoreTokenResponse,
    },
};
use platform::Fatal;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;
use url::Url;

use super::{
    Claimed, Failure, Settings,
    egress::Egress,
    flow::Flow,
    metadata::{Known, Metadata},
    verify,
};

/// A site that people can sign in with.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(super) settings: Settings,
    redirect_url: RedirectUrl,
    egress: Egress,
    known: Known,
}

/// Every site.
#[derive(Debug)]
pub(crate) struct Providers(Vec<Provider>);

/// What a browser brought back.
#[derive(Debug)]
pub(super) struct CameBack {
    pub(super) code: String,
    pub(super) iss: String,
    pub(super) error: String,
}

/// Who somebody is at the other site.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub(super) claimed: Claimed,
    metadata: Arc<Metadata>,
    access_token: AccessToken,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// All that a call has to ask a site takes no longer together: its caller waits for
/// ten seconds.
const AT_MOST: Duration = Duration::from_secs(8);

// === impl Providers ===

impl Providers {
    /// Prepares every site; none is asked anything yet.
    pub(crate) fn new(settings: Vec<Settings>, public_url: &str) -> Result<Self, Fatal> {
        let all = settings.into_iter().map(|settings| Provider::new(settings, public_url));
        all.collect::<Result<_, _>>().map(Self)
    }

    /// The site with a name.
    pub(super) fn named(&self, id: &str) -> Option<&Provider> {
        self.all().find(|provider| provider.settings.id == id)
    }

    /// The site that issues tokens under a URL.
    pub(super) fn issuing(&self, issuer: &str) -> Option<&Provider> {
        self.all().find(|provider| provider.settings.issuer.as_str() == issuer)
    }

    /// Every site, in the order of the configuration.
    pub(super) fn all(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

// === impl Provider ===

impl Provider {
    fn new(settings: Settings, public_url: &str) -> Result<Self, Fatal> {
        let public_url = public_url.trim_end_matches('/');
        // One for each site: an answer that was meant for another one arrives elsewhere
        // (RFC 9700, section 4.4.2).
        let redirect_url = format!("{public_url}/sign-in/callback/{}", settings.id);
        let redirect_url = RedirectUrl::new(redirect_url)
            .map_err(|error| Fatal::unavailable("MAINSTAY_PUBLIC_URL", error))?;
        let egress = Egress::new(settings.reach)?;
        Ok(Self { settings, redirect_url, egress, known: Known::default() })
    }

    /// Where to send a browser that begins a visit.
    pub(super) async fn authorization_url(&self, flow: &Flow) -> Result<Url, Failure> {
        let metadata = self.known.get(&self.settings.issuer, &self.egress);
        let metadata = within(metadata).await?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&flow.verifier());
        let scopes = self.settings.scopes.iter().cloned().map(Scope::new);
        let client = self.client(&metadata);
        let way = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (state, nonce) = (flow.state(), flow.nonce());
        let request = client.authorize_url(way, move || state, move || nonce);
        let (url, _, _) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        Ok(url)
    }

    /// Finds out who came back.
    pub(super) async fn confirm(
        &self,
        flow: &Flow,
        came_back: CameBack,
    ) -> Result<Confirmed, Failure> {
        within(self.exchange(flow, came_back)).await
    }

    /// What the site says about somebody beside who they are, unless it said so
    /// already.
    pub(super) async fn complete(&self, confirmed: Confirmed) -> Result<Claimed, Failure> {
        let Confirmed { mut claimed, metadata, access_token } = confirmed;
        if claimed.email.is_none() && metadata.userinfo_endpoint().is_some() {
            let subject = SubjectIdentifier::new(claimed.subject.clone());
            let said = within(self.user_info(&metadata, access_token, subject)).await?;
            claimed.complete(said.standard_claims());
        }
        Ok(claimed)
    }

    async fn exchange(&self, flow: &Flow, came_back: CameBack) -> Result<Confirmed, Failure> {
        let CameBack { code, iss, error } = came_back;
        let metadata = self.known.get(&self.settings.issuer, &self.egress).await?;
        let must_name =
            metadata.additional_metadata().authorization_response_iss_parameter_supported;
        if (must_name || !iss.is_empty()) && iss != self.settings.issuer.as_str() {
            return Err(Failure::Refused("the answer comes from another site".to_owned()));
        }
        if !error.is_empty() || code.is_empty() {
            return Err(Failure::Refused("the site says no".to_owned()));
        }
        let tokens = self.redeem(&metadata, flow, code).await?;
        let judge = |metadata: &Metadata| {
            let client = self.client(metadata);
            verify::claims(client.id_token_verifier(), client.client_id(), &tokens, &flow.nonce())
        };
        let claimed = match judge(&metadata) {
            Err(verify::Wrong::UnknownKey) => {
                let issuer = &self.settings.issuer;
                let newer = self.known.newer(&metadata, issuer, &self.egress).await?;
                newer.map_or(Err(verify::Wrong::UnknownKey), |metadata| judge(&metadata))
            }
            judged => judged,
        };
        let claimed = claimed.map_err(|wrong| Failure::Refused(wrong.to_string()))?;
        Ok(Confirmed { claimed, metadata, access_token: tokens.access_token().clone() })
    }

    async fn redeem(
        &self,
        metadata: &Metadata,
        flow: &Flow,
        code: String,
    ) -> Result<CoreTokenResponse, Failure> {
        let client = self.client(metadata);
        let request = client.exchange_code(AuthorizationCode::new(code));
        let request = request.map_err(Failure::unavailable)?.set_pkce_verifier(flow.verifier());
        request.request_async(&self.egress).await.map_err(|error| match error {
            RequestTokenError::Request(error) => Failure::unavailable(error),
            // Neither its description nor its body: it may hold anything.
            RequestTokenError::ServerResponse(said) => {
                Failure::Refused(format!("the code was refused: {}", said.error().as_ref()))
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Failure::Refused("the answer to the code makes no sense".to_owned())
            }
        })
    }

    async fn user_info(
        &self,
        metadata: &Metadata,
        access_token: AccessToken,
        subject: SubjectIdentifier,
    ) -> Result<UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>, Failure> {
        let client = self.client(metadata);
        let request = client.user_info(access_token, Some(subject));
        let request = request.map_err(Failure::unavailable)?;
        request.request_async(&self.egress).await.map_err(|error| match error {
            UserInfoError::Request(error) => Failure::unavailable(error),
            error => Failure::Refused(error.to_string()),
        })
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let id = ClientId::new(self.settings.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        client.set_redirect_uri(self.redirect_url.clone()).set_auth_type(auth_type(metadata))
    }
}

/// How a site wants the client's secret: in a header, unless it takes it in the body
/// only.
fn auth_type(metadata: &Metadata) -> AuthType {
    let Some(methods) = metadata.token_endpoint_auth_methods_supported() else {
        return AuthType::BasicAuth;
    };
    let takes = |method| methods.contains(&method);
    let is_body_only = takes(CoreClientAuthMethod::ClientSecretPost)
        && !takes(CoreClientAuthMethod::ClientSecretBasic);
    if is_body_only { AuthType::RequestBody } else { AuthType::BasicAuth }
}

async fn within<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(AT_MOST, work).await.map_err(|_elapsed| Failure::Silent)?
}
