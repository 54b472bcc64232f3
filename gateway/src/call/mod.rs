//! Calls to services: bytes in, bytes out.
//!
//! Everything of tonic's client stays in this folder, so that another can replace
//! it. What it leaves to be done: a deadline over the whole call that says
//! `DEADLINE_EXCEEDED`, telling a broken connection from a service's answer,
//! trying again, choosing among addresses and leaving alone what is broken.

mod balance;
mod breaker;
mod failure;
mod raw;
mod retry;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use platform::{
    Fatal,
    limits::{Overloaded, Shedder},
    request_id::RequestContext,
    status::{self, Reason},
    upstream::{self, Address, DEFAULT_DEADLINE},
};
use tokio::time::{sleep, timeout};
use tonic::{Extensions, Request, Status, client::Grpc, metadata::MetadataMap, transport::Channel};

use self::{
    balance::Backend,
    failure::Failure,
    retry::{Budget, Retries},
};
pub(crate) use self::{
    raw::Raw,
    stream::{Messages, Opened, Rest, rest},
};
use crate::route::{Rpc, Table};

/// A page of lists is some hundred KiB; what is larger is a mistake of ours.
const LARGEST_REPLY: usize = 16 * 1024 * 1024;

/// The services, by the beginning of their packages' names.
#[derive(Clone, Debug)]
pub(crate) struct Upstreams(Arc<[Upstream]>);

/// One service: where it is, and how much it is asked.
#[derive(Debug)]
struct Upstream {
    package: &'static str,
    backend: Backend,
    budget: Budget,
    shedder: Shedder,
}

/// What a service is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// The method.
    pub(crate) rpc: &'a Rpc,
    /// What goes with the message: who asks, an idempotency key.
    pub(crate) metadata: HeaderMap,
    /// The message.
    pub(crate) message: Bytes,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The message.
    pub(crate) message: Bytes,
    /// What came with it.
    pub(crate) metadata: HeaderMap,
}

// === impl Call ===

impl<'a> Call<'a> {
    /// A message without anything to go with it.
    pub(crate) fn new(rpc: &'a Rpc, message: Bytes) -> Self {
        Self { rpc, metadata: HeaderMap::new(), message }
    }

    /// The same, made by whoever holds a token.
    pub(crate) fn with(mut self, authorization: HeaderValue) -> Self {
        self.metadata.insert(AUTHORIZATION, authorization);
        self
    }
}

// === impl Upstreams ===

impl Upstreams {
    /// Prepares the connections; each is made when it is first needed. What one
    /// service is asked at a time is bounded, so that a slow one leaves room for
    /// the others.
    pub(crate) fn connect(
        services: &[(&'static str, Address)],
        shedder: impl Fn() -> Shedder,
    ) -> Self {
        let upstream = |(package, address): &(&'static str, Address)| Upstream {
            package,
            backend: Backend::new(package, address),
            budget: Budget::default(),
            shedder: shedder(),
        };
        Self(services.iter().map(upstream).collect())
    }

    /// Checks that every method of a table has a service.
    pub(crate) fn serve_all(&self, table: &Table) -> Result<(), Fatal> {
        let mut all = table.routes().chain(table.methods());
        let orphan = all.find(|route| self.find(&route.rpc).is_err());
        orphan.map_or(Ok(()), |route| {
            Err(Fatal::Contract(format!("no service is known for {}", route.rpc.path)))
        })
    }

    /// Refuses what could not be called now, before anything of it is read.
    pub(crate) fn check(&self, rpc: &Rpc) -> Result<(), Overloaded> {
        self.find(rpc).map_or(Ok(()), |upstream| upstream.shedder.check(rpc.criticality))
    }

    /// Calls a method, and again if that is safe and the service could not be
    /// reached.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Answered, Status> {
        self.again(call, Backend::call).await
    }

    /// Tries a call, and again if that is safe and the service could not be reached.
    async fn again<'a, T, F>(
        &'a self,
        call: Call<'a>,
        attempt: impl Fn(&'a Backend, Call<'a>) -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let upstream = self.find(call.rpc)?;
        let _permit = upstream.shedder.enter(call.rpc.criticality)?;
        let mut retries = Retries::new(&upstream.budget, call.rpc.is_idempotent);
        loop {
            let failure = match attempt(&upstream.backend, call.clone()).await {
                Ok(answered) => {
                    retries.succeeded();
                    return Ok(answered);
                }
                Err(failure) => failure,
            };
            match retries.after(&failure) {
                Some(pause) => sleep(pause).await,
                None => return Err(failure.into_status()),
            }
        }
    }

    fn find(&self, rpc: &Rpc) -> Result<&Upstream, Status> {
        let found = self.0.iter().find(|upstream| rpc.package().starts_with(upstream.package));
        found.ok_or_else(|| status::refuse(Reason::METHOD_UNKNOWN))
    }
}

// === impl Backend ===

impl Backend {
    /// Calls a method once, wherever that is best.
    async fn call(&self, call: Call<'_>) -> Result<Answered, Failure> {
        let context =
            RequestContext::current().unwrap_or_else(|| RequestContext::read(&HeaderMap::new()));
        let work = async {
            let lease = self.lease().await?;
            let answer = once(lease.channel(), call, &context).await;
            lease.report(answer.as_ref().err());
            answer
        };
        let allowed = context.remaining().unwrap_or(DEFAULT_DEADLINE);
        timeout(allowed, work).await.unwrap_or_else(|_elapsed| Err(Failure::late()))
    }
}

/// Calls a method once.
async fn once(
    channel: Channel,
    call: Call<'_>,
    context: &RequestContext,
) -> Result<Answered, Failure> {
    let Call { rpc, mut metadata, message } = call;
    upstream::propagate(context, &mut metadata);
    let metadata = MetadataMap::from_headers(metadata);
    let request = Request::from_parts(metadata, Extensions::default(), message);
    let mut client = Grpc::new(channel).max_decoding_message_size(LARGEST_REPLY);
    let ready = client.ready().await;
    ready.map_err(|error| Failure::of(Status::from_error(Box::new(error))))?;
    let reply = client.unary(request, rpc.path.clone(), Raw).await.map_err(Failure::of)?;
    let (metadata, message, _) = reply.into_parts();
    Ok(Answered { message, metadata: metadata.into_headers() })
}
