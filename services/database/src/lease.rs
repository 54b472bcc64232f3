//! A connection on loan. Whoever drops their request while a statement runs
//! leaves it running: it is cancelled, and the connection is not given to others.

use deadpool_postgres::Object;
use platform::server::spawn;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

/// A connection that goes back to the pool when its work has ended.
pub(crate) struct Lease {
    client: Option<Object>,
    tls: Option<MakeRustlsConnect>,
}

// === impl Lease ===

impl Lease {
    pub(crate) fn new(client: Object, tls: Option<MakeRustlsConnect>) -> Self {
        Self { client: Some(client), tls }
    }

    pub(crate) fn client(&mut self) -> Result<&mut Object, Error> {
        self.client.as_mut().ok_or_else(|| Error::Config("the lease has ended".to_owned()))
    }

    /// Gives the connection back.
    pub(crate) fn end(mut self) {
        drop(self.client.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let client = Object::take(client);
        let (token, tls) = (client.cancel_token(), self.tls.take());
        drop(spawn(async move {
            cancel(token, tls).await;
            drop(client);
        }));
    }
}

async fn cancel(token: CancelToken, tls: Option<MakeRustlsConnect>) {
    let cancelled = match tls {
        Some(tls) => token.cancel_query(tls).await,
        None => token.cancel_query(NoTls).await,
    };
    if let Err(error) = cancelled {
        tracing::debug!(%error, "a statement that nobody waits for was not cancelled");
    }
}
