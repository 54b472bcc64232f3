//! One certificate, from the account to the file.

use std::io;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};

use super::{settings::Settings, store::Store};
use crate::server::blocking;

/// How long an authority may take to look at a proof, or to sign.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);
const NO_SUCH_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The authority does not want to, for now: asking again soon makes it worse.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// The authority was not reached, or not understood.
    #[error("the authority did not answer: {}", crate::fatal::causes(.0))]
    Unreachable(#[source] instant_acme::Error),
    /// The folder cannot be used.
    #[error("the folder of MAINSTAY_ACME_FOLDER: {0}")]
    Folder(#[from] io::Error),
}

// === impl Error ===

impl Error {
    /// Whether the authority has made up its mind.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Unreachable(_) | Self::Folder(_) => false,
        }
    }
}

impl From<instant_acme::Error> for Error {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Refused(problem.to_string()),
            error => Self::Unreachable(error),
        }
    }
}

/// Gets a certificate and keeps it.
pub(super) async fn obtain(settings: &Settings, store: &Store) -> Result<(), Error> {
    store.forget_challenges()?;
    let obtained = obtain_with_proofs(settings, store).await;
    store.forget_challenges()?;
    obtained
}

async fn obtain_with_proofs(settings: &Settings, store: &Store) -> Result<(), Error> {
    let names: Vec<_> = settings.domains.iter().cloned().map(Identifier::Dns).collect();
    let new = NewOrder::new(&names);
    let mut order = match account(settings, store).await?.new_order(&new).await {
        Err(error) if is_unknown_account(&error) => {
            store.forget_account()?;
            account(settings, store).await?.new_order(&new).await?
        }
        order => order?,
    };
    prove(&mut order, store).await?;
    let retries = RetryPolicy::new().timeout(PATIENCE);
    match order.poll_ready(&retries).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) | Err(instant_acme::Error::Api(_)) => {
            return Err(Error::Refused(why(&mut order).await));
        }
        Err(error) => return Err(error.into()),
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&retries).await?;
    let store = store.clone();
    let kept = blocking(move || store.keep_certificate(&key, &chain)).await;
    Ok(kept.map_err(io::Error::other)??)
}

/// The account that is kept, or a new one. Whoever sets a domain agrees to the
/// terms of the authority.
async fn account(settings: &Settings, store: &Store) -> Result<Account, Error> {
    let builder = match &settings.root {
        Some(root) => Account::builder_with_root(root.path())?,
        None => Account::builder()?,
    };
    if let Some(credentials) = store.account() {
        return Ok(builder.from_credentials(credentials).await?);
    }
    let contact: Vec<_> = settings.contact.as_deref().into_iter().collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = builder.create(&new, settings.directory.clone(), None).await?;
    let store = store.clone();
    let kept = blocking(move || store.keep_account(&credentials)).await;
    kept.map_err(io::Error::other)??;
    Ok(account)
}

/// Lays out the proof for each name and says so.
async fn prove(order: &mut Order, store: &Store) -> Result<(), Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let challenge = authorization.challenge(ChallengeType::Http01);
        let mut challenge =
            challenge.ok_or_else(|| Error::Refused("it does not offer HTTP-01".to_owned()))?;
        let proof = challenge.key_authorization();
        store.keep_challenge(&challenge.token, proof.as_str())?;
        challenge.set_ready().await?;
    }
    Ok(())
}

/// What the authority found when it looked for the proofs.
async fn why(order: &mut Order) -> String {
    let mut found = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if let Ok(state) = authorization.refresh().await {
            let errors = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
            found.extend(errors.map(|error| error.detail.clone().unwrap_or_default()));
        }
    }
    if found.is_empty() { "it does not say why".to_owned() } else { found.join("; ") }
}

fn is_unknown_account(error: &instant_acme::Error) -> bool {
    matches!(error, instant_acme::Error::Api(problem)
        if problem.r#type.as_deref() == Some(NO_SUCH_ACCOUNT))
}
