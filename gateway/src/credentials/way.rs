//! The ways to call a method that all have the same rules for tokens.

use http::{HeaderValue, header::AUTHORIZATION};
use tonic::Status;

use crate::call::{Answered, Call, Opened, Upstreams};

/// A way to call a method.
pub(crate) trait Way: Copy + Send + Sync {
    /// What comes back.
    type Answer: Send;

    /// Calls a method as whoever the call says.
    fn go(
        self,
        upstreams: &Upstreams,
        call: Call<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Status>> + Send;
}

/// One message back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Once;

/// Messages back, and the token that the call was made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamed;

impl Way for Once {
    type Answer = Answered;

    async fn go(self, upstreams: &Upstreams, call: Call<'_>) -> Result<Answered, Status> {
        upstreams.call(call).await
    }
}

impl Way for Streamed {
    type Answer = (Opened, Option<HeaderValue>);

    async fn go(self, upstreams: &Upstreams, call: Call<'_>) -> Result<Self::Answer, Status> {
        let authorization = call.metadata.get(AUTHORIZATION).cloned();
        Ok((upstreams.open(call).await?, authorization))
    }
}
