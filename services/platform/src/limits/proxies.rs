//! Who is believed when they say whom they speak for.

use std::{net::IpAddr, str::FromStr};

use http::{HeaderMap, HeaderName};

use super::Client;

/// The header that proxies add the address of their client to.
pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// More than this many proxies in a row are a loop, or a flood.
const MOST_HOPS: usize = 32;

/// Networks whose hosts are believed: `10.0.0.0/8, ::1, loopback, private`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

/// What is wrong with a list of networks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a network; write addresses such as 192.0.2.7, networks such as 10.0.0.0/8 or \
     fd00::/8, `loopback`, `private` or `none`, separated by commas"
)]
pub struct InvalidNetwork(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

// === impl Proxies ===

impl Proxies {
    const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];
    const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

    /// Nobody is believed.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whoever is on this machine.
    pub fn nearby() -> Self {
        Self(Self::LOOPBACK.iter().filter_map(|network| network.parse().ok()).collect())
    }

    /// The address of the client: the nearest that no host of ours vouches for.
    ///
    /// `X-Forwarded-For` is read from the right. Each entry is only as good as
    /// whoever wrote it, and that is the one after it.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut client = Client::peer(peer);
        let values = headers.get_all(X_FORWARDED_FOR).iter();
        let texts: Vec<_> = values.map(|value| value.to_str().unwrap_or("?")).collect();
        let hops = texts.iter().rev().flat_map(|text| text.rsplit(','));
        for hop in hops.take(MOST_HOPS) {
            if !self.trusts(client.address) {
                break;
            }
            match address(hop.trim()) {
                Some(address) => client = Client { address, is_forwarded: true },
                // What stands left of it could be anybody's.
                None => break,
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromStr for Proxies {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let mut networks = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let words: &[&str] = match word {
                "none" => &[],
                "loopback" => &Self::LOOPBACK,
                "private" => &Self::PRIVATE,
                _ => &[word],
            };
            for network in words {
                networks.push(network.parse().map_err(|()| InvalidNetwork(word.to_owned()))?);
            }
        }
        Ok(Self(networks))
    }
}

// === impl Network ===

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let (network, address, width) = match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits(), address.to_bits(), 128)
            }
            _ => return false,
        };
        let differing = (network ^ address).checked_shr(width - u32::from(self.bits));
        differing.is_none_or(|bits| bits == 0)
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_malformed| ())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width).ok_or(())?,
            None => width,
        };
        Ok(Self { address, bits })
    }
}

/// An address as proxies write it: bare, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let address = text.parse().ok().or_else(with_port).or_else(bare)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies: Proxies = proxies.parse().unwrap();
        let headers = forwarded.iter().map(|text| (X_FORWARDED_FOR, text.parse().unwrap()));
        proxies.client(peer.parse().unwrap(), &headers.collect()).address.to_string()
    }

    #[test]
    fn a_client_is_believed_as_far_as_our_own_proxies_vouch_for_it() {
        let ours = "10.0.0.0/8, 2001:db8::/32";
        for (proxies, peer, forwarded, expected) in [
            ("none", "10.0.0.1", &["192.0.2.1"][..], "10.0.0.1"),
            (ours, "10.0.0.1", &[], "10.0.0.1"),
            (ours, "198.51.100.7", &["192.0.2.1"], "198.51.100.7"),
            (ours, "10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            // What a client wrote itself stands on the left and is not read.
            (ours, "10.0.0.1", &["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            (ours, "10.0.0.1", &["6.6.6.6", "192.0.2.1, 10.9.9.9"], "192.0.2.1"),
            (ours, "10.0.0.1", &["6.6.6.6,nonsense,10.9.9.9"], "10.9.9.9"),
            (ours, "10.0.0.1", &["nonsense"], "10.0.0.1"),
            (ours, "10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            (ours, "::ffff:10.0.0.1", &["192.0.2.1:5000"], "192.0.2.1"),
            (ours, "2001:db8::1", &["[2a00::1]:443"], "2a00::1"),
            (ours, "2001:db9::1", &["192.0.2.1"], "2001:db9::1"),
            ("loopback", "::1", &["2a00::1"], "2a00::1"),
            ("loopback", "127.9.9.9", &["[2a00::2]"], "2a00::2"),
            ("private", "172.31.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("private", "172.32.0.1", &["192.0.2.1"], "172.32.0.1"),
            ("0.0.0.0/0", "8.8.8.8", &["192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(
                client(proxies, peer, forwarded),
                expected,
                "{proxies} {peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_told_and_named() {
        for bad in ["10.0.0.0/33", "10.0.0", "::/129", "local", "10.0.0.0/x", "10.0.0.0/"] {
            let told = format!("::1,{bad}").parse::<Proxies>().unwrap_err();
            assert_eq!(told, InvalidNetwork(bad.to_owned()));
        }
    }

    #[test]
    fn nearby_is_not_the_internet() {
        let trusts = |text: &str| Proxies::nearby().trusts(text.parse().unwrap());
        assert!(trusts("127.0.0.1") && trusts("::1"));
        assert!(!trusts("192.168.1.1") && !trusts("fd00::1"), "others may be there, too");
        assert!(
            !trusts("8.8.8.8")
                && !trusts("2a00::1")
                && !Proxies::none().trusts([127, 0, 0, 1].into())
        );
    }
}
