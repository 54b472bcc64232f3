//! The gRPC edge: caller, decode, check, one call, reply.

use std::time::Duration;

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use platform::{
    access::admit,
    server::Stopping,
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};

use super::Hub;

/// When to come back after having been too slow.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The database was asked within this time, unless it does not answer.
const FRESH: Duration = Duration::from_secs(3);

/// Serves `mainstay.auth.v1.TrustService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) hub: Hub,
    pub(crate) stopping: Stopping,
}

#[tonic::async_trait]
impl pb::trust_service_server::TrustService for Rpc {
    type WatchTrustStream = BoxStream<'static, Result<pb::WatchTrustResponse, Status>>;

    async fn watch_trust(
        &self,
        request: Request<pb::WatchTrustRequest>,
    ) -> Result<Response<Self::WatchTrustStream>, Status> {
        let (_, _) = admit(request)?;
        // What was true a while ago would be taken for what is true now.
        if !self.hub.trust().is_fresh(FRESH) {
            return Err(status::refuse_until(Reason::UNAVAILABLE, A_MOMENT));
        }
        let (snapshot, feed) = self.hub.subscribe();
        let changes = stream::unfold(feed, |mut feed| async {
            match feed.recv().await {
                Ok(message) => Some((Ok(message), feed)),
                Err(RecvError::Lagged(_)) => {
                    Some((Err(status::refuse_until(Reason::OVERLOADED, A_MOMENT)), feed))
                }
                Err(RecvError::Closed) => None,
            }
        });
        let stopping = self.stopping.clone();
        let told = async move { stopping.told().await };
        let all = stream::iter(snapshot.into_iter().map(Ok)).chain(changes);
        Ok(Response::new(all.take_until(told).boxed()))
    }
}
