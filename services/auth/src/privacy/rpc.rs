//! The gRPC edge: caller, decode, check, one call, reply.

use std::{pin::Pin, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::{Pool, Replies};
use futures_util::{Stream, stream};
use jiff::Timestamp;
use platform::{
    access::admit,
    status::{self, Reason},
};
use proto::{auth::v1 as pb, google::api::HttpBody};
use serde_json::Value;
use tonic::{Request, Response, Status, metadata::MetadataMap};
use uuid::Uuid;

use super::{
    RECEIPT,
    export::{self, Export, Exporter},
    store,
};
use crate::{keys::KeySet, mail::PostOffice};

/// Serves `mainstay.auth.v1.PrivacyService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) post_office: PostOffice,
    pub(crate) exporter: Exporter,
    pub(crate) keys: Arc<KeySet>,
}

/// An archive, piece by piece.
type Pieces = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

const A_MOMENT: Duration = Duration::from_secs(1);

#[tonic::async_trait]
impl pb::privacy_service_server::PrivacyService for Rpc {
    type ExportUserStream = Pieces;

    async fn erase_user(
        &self,
        request: Request<pb::EraseUserRequest>,
    ) -> Result<Response<pb::EraseUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let given = (&self.post_office, user_id, caller.user_id());
        let once = self.replies.once(caller.request());
        let erased = once.transaction(given, |transaction, &(post_office, user_id, by)| {
            Box::pin(store::begin(transaction, post_office, user_id, by))
        });
        let forget = (caller.user_id() == Some(user_id)).then(String::new);
        Ok(erased.await?.reply(|erasure| pb::EraseUserResponse {
            erasure: Some(erasure),
            access_token: forget.clone(),
            refresh_token: forget,
        }))
    }

    async fn get_erasure(
        &self,
        request: Request<pb::GetErasureRequest>,
    ) -> Result<Response<pb::GetErasureResponse>, Status> {
        let (_, request) = admit(request)?;
        let unknown = || status::refuse(Reason::ERASURE_UNKNOWN);
        let id = Uuid::try_parse(&request.receipt_number).map_err(|_no_number| unknown())?;
        let mut erasure = store::find(&self.pool, id).await?.ok_or_else(unknown)?;
        erasure.receipt = self.signed_anew(erasure.receipt);
        Ok(Response::new(pb::GetErasureResponse { erasure: Some(erasure) }))
    }

    async fn export_user(
        &self,
        request: Request<pb::ExportUserRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let export = self.exporter.begin(user_id, caller.session_id()).await?;
        let pieces: Pieces = Box::pin(stream::try_unfold(export, piece));
        let mut response = Response::new(pieces);
        describe(response.metadata_mut());
        Ok(response)
    }
}

async fn piece(mut export: Export) -> Result<Option<(HttpBody, Export)>, Status> {
    let data = export.piece().await?;
    let content_type = "application/zip".to_owned();
    Ok(data.map(|data| (HttpBody { content_type, data, extensions: Vec::new() }, export)))
}

/// Says what the file is called, and that nobody keeps it but who asked: a part of an
/// archive is of no use with one that is made anew.
fn describe(metadata: &mut MetadataMap) {
    let today = Timestamp::now().strftime("%Y-%m-%d");
    let disposition = format!("attachment; filename=\"mainstay-archive-{today}.zip\"");
    if let Ok(disposition) = disposition.parse() {
        metadata.insert("content-disposition", disposition);
    }
    metadata.insert("cache-control", tonic::metadata::MetadataValue::from_static("no-store"));
    metadata.insert("accept-ranges", tonic::metadata::MetadataValue::from_static("none"));
}

// === impl Error ===

impl From<export::Error> for Status {
    fn from(error: export::Error) -> Self {
        match error {
            export::Error::Account(error) => error.into(),
            export::Error::Database(error) => error.into(),
            export::Error::Content(error) => {
                tracing::warn!(%error, "an archive is given up: {error}");
                status::refuse_until(Reason::EXPORT_UNAVAILABLE, A_MOMENT)
            }
            error @ (export::Error::Archive(_) | export::Error::Json(_)) => {
                status::internal(&error)
            }
        }
    }
}

// === impl Rpc ===

impl Rpc {
    /// The same receipt, signed with a key that is published now: that of its day is
    /// gone after some weeks.
    fn signed_anew(&self, receipt: String) -> String {
        let claims = receipt.split('.').nth(1);
        let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims = claims.and_then(|claims| serde_json::from_slice::<Value>(&claims).ok());
        let signed = claims.map(|claims| self.keys.sign_as(RECEIPT, &claims));
        signed.and_then(Result::ok).unwrap_or(receipt)
    }
}
