//! The layer that finds out the client's address, and drops what only says so.

use std::{
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName, Request, header::FORWARDED};
use tower::{Layer, Service};

use super::{Proxies, proxies::X_FORWARDED_FOR};

/// What nobody behind us is to believe: we have seen who it is.
const CLAIMS: [HeaderName; 6] = [
    X_FORWARDED_FOR,
    FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// An extension of a request. The accept loop puts in the other end of the
/// connection; behind [`Forwarded`] it is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Where it is, as far as hosts of ours vouch for it.
    pub address: IpAddr,
    /// Whether a host of ours vouches for it, and so has counted what it asks for.
    pub is_forwarded: bool,
}

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded(pub(crate) std::sync::Arc<Proxies>);

/// The service made by [`Forwarded`].
#[derive(Clone, Debug)]
pub(crate) struct Addressed<S> {
    layer: Forwarded,
    inner: S,
}

// === impl Client ===

impl Client {
    /// The other end of a connection.
    pub(crate) fn peer(address: IpAddr) -> Self {
        Self { address: address.to_canonical(), is_forwarded: false }
    }
}

impl<S> Layer<S> for Forwarded {
    type Service = Addressed<S>;

    fn layer(&self, inner: S) -> Addressed<S> {
        Addressed { layer: self.clone(), inner }
    }
}

impl<S, B> Service<Request<B>> for Addressed<S>
where
    S: Service<Request<B>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(peer) = request.extensions().get::<Client>() {
            let client = self.layer.0.client(peer.address, request.headers());
            request.extensions_mut().insert(client);
        }
        drop_claims(request.headers_mut());
        self.inner.call(request)
    }
}

fn drop_claims(headers: &mut HeaderMap) {
    for name in CLAIMS {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::Arc};

    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test]
    async fn claims_end_here_and_the_address_is_known() {
        let seen = service_fn(|request: Request<()>| {
            let claims = CLAIMS.iter().filter(|name| request.headers().contains_key(*name)).count();
            ready(Ok::<_, Infallible>((claims, request.extensions().get().copied())))
        });
        let layer = Forwarded(Arc::new("loopback".parse().unwrap()));
        let mut request = Request::get("/").extension(Client::peer([127, 0, 0, 1].into()));
        for name in CLAIMS {
            request = request.header(name, "192.0.2.1");
        }
        let seen = layer.layer(seen).oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(seen, (0, Some(Client { address: [192, 0, 2, 1].into(), is_forwarded: true })));
    }
}
