//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use platform::access::admit;
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};

use super::KeySet;

/// Serves `mainstay.auth.v1.KeyService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) keys: Arc<KeySet>,
}

#[tonic::async_trait]
impl pb::key_service_server::KeyService for Rpc {
    async fn get_key_set(
        &self,
        request: Request<pb::GetKeySetRequest>,
    ) -> Result<Response<pb::GetKeySetResponse>, Status> {
        let (_, _) = admit(request)?;
        Ok(Response::new(pb::GetKeySetResponse { keys: self.keys.public() }))
    }
}
