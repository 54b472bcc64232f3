//! Listening on an address, and on `localhost` over both IPv4 and IPv6.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, lookup_host};

use crate::fatal::Fatal;

/// Listens on every address that a name such as `localhost:8080` stands for.
///
/// With port 0 the first address takes any free port and the others the same
/// one. The first address must be had; another that a machine does not have
/// (IPv6 in many containers) is done without.
pub(super) async fn listen(address: &str) -> Result<Vec<TcpListener>, Fatal> {
    let failed = |cause| Fatal::Listen { address: address.to_owned(), cause };
    let mut addresses: Vec<_> = lookup_host(address).await.map_err(failed)?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    let mut listeners: Vec<TcpListener> = Vec::new();
    for mut wanted in addresses {
        if let Some(first) = listeners.first()
            && wanted.port() == 0
        {
            wanted.set_port(first.local_addr().map_err(failed)?.port());
        }
        match TcpListener::bind(wanted).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse || listeners.is_empty() => {
                return Err(failed(error));
            }
            Err(error) => tracing::debug!(%wanted, %error, "address not available"),
        }
    }
    Ok(listeners)
}
