//! What a site says about itself: fetched when it is needed, and kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openidconnect::{
    AdditionalProviderMetadata, IssuerUrl, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{Failure, egress::Egress};

/// The document of OpenID Connect Discovery, and the keys that it leads to.
pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What later standards added to the document.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct More {
    /// Whether it names itself in its answers (RFC 9207).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

/// What is known about a site.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    found: Option<(Arc<Metadata>, Instant)>,
    failed_at: Option<Instant>,
    /// When a key that was not known last made us ask again.
    asked_for_keys_at: Option<Instant>,
}

/// For how long it is believed without asking again.
const FRESH: Duration = Duration::from_hours(1);
/// For how long it is believed when the site does not answer.
const STALE: Duration = Duration::from_hours(24);
/// So often, at most, a key that is not known makes us ask again.
const BETWEEN_KEYS: Duration = Duration::from_mins(1);
/// A site that did not answer is left alone for this time.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

// === impl Known ===

impl Known {
    /// What the site says. Many who ask at once are one request.
    pub(super) async fn get(
        &self,
        issuer: &IssuerUrl,
        egress: &Egress,
    ) -> Result<Arc<Metadata>, Failure> {
        let mut kept = self.0.lock().await;
        if let Some((found, at)) = &kept.found
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(found));
        }
        let fetched = match kept.failed_at {
            Some(at) if at.elapsed() < AFTER_FAILURE => Err(Failure::Silent),
            _ => kept.fetch(issuer, egress).await,
        };
        match (fetched, &kept.found) {
            (Err(_), Some((found, at))) if at.elapsed() < STALE => Ok(Arc::clone(found)),
            (fetched, _) => fetched,
        }
    }

    /// What the site says now, when it signs with a key that is not in what it said
    /// before; none if it was asked a moment ago.
    pub(super) async fn newer(
        &self,
        than: &Arc<Metadata>,
        issuer: &IssuerUrl,
        egress: &Egress,
    ) -> Result<Option<Arc<Metadata>>, Failure> {
        let mut kept = self.0.lock().await;
        match (&kept.found, kept.asked_for_keys_at) {
            (Some((found, _)), _) if !Arc::ptr_eq(found, than) => Ok(Some(Arc::clone(found))),
            (_, Some(at)) if at.elapsed() < BETWEEN_KEYS => Ok(None),
            _ => {
                kept.asked_for_keys_at = Some(Instant::now());
                kept.fetch(issuer, egress).await.map(Some)
            }
        }
    }
}

// === impl Kept ===

impl Kept {
    async fn fetch(
        &mut self,
        issuer: &IssuerUrl,
        egress: &Egress,
    ) -> Result<Arc<Metadata>, Failure> {
        let fetched = Metadata::discover_async(issuer.clone(), egress).await;
        let fetched = fetched.map_err(Failure::unavailable).and_then(|metadata| {
            let is_permitted = egress.permits(metadata.authorization_endpoint().url());
            is_permitted.then_some(metadata).ok_or(Failure::Nowhere)
        });
        self.failed_at = fetched.is_err().then(Instant::now);
        let fetched = Arc::new(fetched?);
        self.found = Some((Arc::clone(&fetched), Instant::now()));
        Ok(fetched)
    }
}
