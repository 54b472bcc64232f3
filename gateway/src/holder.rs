//! Who uses streams and sends files, as far as counting goes.

use std::net::{IpAddr, Ipv6Addr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Extensions, HeaderValue};
use platform::limits::Client;
use serde::Deserialize;

/// What a caller's streams and bytes are counted under.
///
/// The name inside a token is believed here, because what is counted for it only
/// counts once a service has verified the token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A user.
    User(String),
    /// Somebody who is not signed in, by address; IPv6 counts by network.
    Address(Option<IpAddr>),
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<i64>,
}

// === impl Holder ===

impl Holder {
    /// Reads who makes a request from the token that it is carried with.
    pub(crate) fn of(authorization: Option<&HeaderValue>, extensions: &Extensions) -> Self {
        match authorization.and_then(claims).and_then(|claims| claims.sub) {
            Some(user) => Self::User(user),
            None => Self::Address(extensions.get::<Client>().map(|client| network(client.address))),
        }
    }

    /// Whether it is one caller, rather than everybody of whom nothing is known.
    pub(crate) fn is_known(&self) -> bool {
        *self != Self::Address(None)
    }
}

/// When a token says that it expires, in seconds since 1970.
pub(crate) fn expiry(authorization: &HeaderValue) -> Option<i64> {
    claims(authorization)?.exp
}

fn claims(authorization: &HeaderValue) -> Option<Claims> {
    let (_, token) = authorization.to_str().ok()?.split_once(' ')?;
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Whoever has one IPv6 address has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(claims: &str) -> HeaderValue {
        format!("Bearer h.{}.s", URL_SAFE_NO_PAD.encode(claims)).parse().unwrap()
    }

    fn client(address: &str) -> Client {
        Client { address: address.parse().unwrap(), is_forwarded: false }
    }

    #[test]
    fn callers_are_users_or_networks() {
        let mut extensions = Extensions::new();
        let user = header(r#"{"sub": "ann", "exp": 5, "roles": []}"#);
        assert_eq!(Holder::of(Some(&user), &extensions), Holder::User("ann".to_owned()));
        assert_eq!(expiry(&user), Some(5));
        assert_eq!(Holder::of(None, &extensions), Holder::Address(None));
        extensions.insert(client("2001:db8:1:2:3:4:5:6"));
        let network = Holder::Address(Some("2001:db8:1:2::".parse().unwrap()));
        for nobody in ["{}", "[", r#"{"sub": 1}"#] {
            assert_eq!(Holder::of(Some(&header(nobody)), &extensions), network);
        }
        extensions.insert(client("::ffff:192.0.2.1"));
        let opaque = HeaderValue::from_static("Bearer opaque");
        let v4 = Holder::Address(Some("192.0.2.1".parse().unwrap()));
        assert_eq!(Holder::of(Some(&opaque), &extensions), v4);
    }
}
