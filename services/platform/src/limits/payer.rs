//! Whose budget a request is taken from.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use proto::options::v1::RateClass;
use uuid::Uuid;

use super::Client;

/// A user whose token was verified, or else an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A user.
    User(Uuid),
    /// An address; of IPv6 the first 64 bits, which is what one customer gets.
    Address(IpAddr),
}

// === impl Payer ===

impl Payer {
    /// Whoever makes a request. Who proves who they are pays by address: an
    /// account of their own must not buy anybody more guesses.
    pub fn of(class: RateClass, user: Option<Uuid>, client: Option<Client>) -> Self {
        match user {
            Some(user) if class != RateClass::SignIn => Self::User(user),
            // Without a connection, in a test, there is no address.
            Some(_) | None => Self::Address(network(
                client.map_or(Ipv6Addr::UNSPECIFIED.into(), |client| client.address),
            )),
        }
    }
}

impl fmt::Display for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Address(address) => write!(f, "address:{address}"),
        }
    }
}

/// An IPv4 address, or the network of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let host = u128::from(u64::MAX);
            Ipv6Addr::from_bits(address.to_bits() & !host).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer(client: &str) -> Payer {
        Payer::of(RateClass::Read, None, Some(Client::peer(client.parse().unwrap())))
    }

    #[test]
    fn one_customer_is_one_payer() {
        assert_eq!(payer("2001:db8:1:2::1"), payer("2001:db8:1:2:ffff::9"));
        assert_ne!(payer("2001:db8:1:2::1"), payer("2001:db8:1:3::1"));
        assert_ne!(payer("192.0.2.1"), payer("192.0.2.2"));
        assert_eq!(payer("192.0.2.1"), payer("::ffff:192.0.2.1"));
        assert_eq!(payer("2001:db8:1:2::1").to_string(), "address:2001:db8:1:2::");
    }

    #[test]
    fn users_pay_for_themselves_but_for_guesses_by_address() {
        let (user, client) = (Some(Uuid::now_v7()), Some(Client::peer([192, 0, 2, 1].into())));
        assert_eq!(Payer::of(RateClass::Write, user, client), Payer::User(user.unwrap()));
        assert_eq!(Payer::of(RateClass::SignIn, user, client), payer("192.0.2.1"));
    }
}
