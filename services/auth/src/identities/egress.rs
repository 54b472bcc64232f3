//! Requests to other sites: nowhere that an operator did not mean, and never for long.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use platform::Fatal;
use reqwest::{
    Client,
    dns::{Name, Resolve, Resolving},
    redirect::Policy,
};
use url::{Host, Url};

/// Where requests may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Over TLS to addresses that anybody can reach.
    Public,
    /// Over TLS to private networks, too.
    Private,
    /// To this machine alone, also without TLS: for development and tests.
    ThisMachine,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("requests may not go to {0}")]
    Forbidden(String),
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Malformed(#[from] http::Error),
}

/// A client for one site.
#[derive(Clone, Debug)]
pub(super) struct Egress {
    client: Client,
    reach: Reach,
}

/// Looks names up and drops addresses that requests may not go to, so that there
/// is no moment between looking and connecting.
#[derive(Debug)]
struct Guard(Reach);

const TIMEOUT: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 1024 * 1024;

// === impl Egress ===

impl Egress {
    /// Prepares requests. Redirects are not followed, and proxies not used.
    pub(super) fn new(reach: Reach) -> Result<Self, Fatal> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT)
            .pool_max_idle_per_host(2)
            .user_agent("mainstay")
            .dns_resolver(Arc::new(Guard(reach)))
            .build();
        let client = client.map_err(|error| Fatal::unavailable("requests to providers", error))?;
        Ok(Self { client, reach })
    }

    /// Whether requests may go to a URL, as far as that can be told without looking
    /// its name up.
    pub(super) fn permits(&self, url: &Url) -> bool {
        let is_secure = url.scheme() == "https";
        let has_scheme = is_secure || (url.scheme() == "http" && self.reach == Reach::ThisMachine);
        let is_there = match url.host() {
            Some(Host::Domain(name)) => self.reach != Reach::ThisMachine || name == "localhost",
            Some(Host::Ipv4(address)) => self.reach.includes(address.into()),
            Some(Host::Ipv6(address)) => self.reach.includes(address.into()),
            None => false,
        };
        has_scheme && is_there && url.username().is_empty() && url.password().is_none()
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let request = reqwest::Request::try_from(request)?;
        if !self.permits(request.url()) {
            let host = request.url().host_str().unwrap_or_default();
            return Err(Failure::Forbidden(host.to_owned()));
        }
        let mut answer = self.client.execute(request).await?;
        // What the site itself got wrong is not about who wants to sign in.
        if answer.status().is_server_error() {
            return Err(Failure::Status(answer.status().as_u16()));
        }
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Egress {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

// === impl Guard ===

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|it| reach.includes(it.ip())).collect();
            if allowed.is_empty() {
                return Err(Failure::Forbidden(name.as_str().to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

// === impl Reach ===

impl Reach {
    fn includes(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::ThisMachine => address.is_loopback(),
            Self::Public => is_public(address),
            // Cloud machines find their secrets at a link-local address.
            Self::Private => match address {
                IpAddr::V4(it) => !it.is_link_local() && !it.is_multicast() && !it.is_unspecified(),
                IpAddr::V6(it) => {
                    !it.is_unicast_link_local() && !it.is_multicast() && !it.is_unspecified()
                }
            },
        }
    }
}

/// Whether the registries of special addresses leave an address to everybody
/// (RFC 6890 and its successors).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64: what counts is the address that is meant.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        // Teredo, documentation, 6to4 and others for special use.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002 | 0x3fff, ..] => false,
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_for_public_sites() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::",
            "2001::1",
        ];
        for address in private {
            assert!(!Reach::Public.includes(address.parse().unwrap()), "{address}");
        }
        let public = [
            "1.1.1.1",
            "100.63.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
        ];
        for address in public {
            assert!(Reach::Public.includes(address.parse().unwrap()), "{address}");
        }
        for address in ["10.1.2.3", "127.0.0.1", "fd12::1", "1.1.1.1"] {
            assert!(Reach::Private.includes(address.parse().unwrap()), "{address}");
        }
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0"] {
            assert!(!Reach::Private.includes(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn urls_are_judged_before_they_are_asked() {
        for (reach, url, expected) in [
            (Reach::Public, "https://sso.example.com/token", true),
            (Reach::Public, "http://sso.example.com/token", false),
            (Reach::Public, "https://10.0.0.1/token", false),
            (Reach::Public, "https://[::1]/token", false),
            (Reach::Public, "https://0x7f.1/token", false),
            (Reach::Public, "https://user:pass@sso.example.com/", false),
            (Reach::Public, "file:///etc/passwd", false),
            (Reach::Private, "https://10.0.0.1/token", true),
            (Reach::Private, "https://169.254.169.254/", false),
            (Reach::Private, "http://10.0.0.1/token", false),
            (Reach::ThisMachine, "http://localhost:9/", true),
            (Reach::ThisMachine, "http://127.0.0.1:9/", true),
            (Reach::ThisMachine, "http://sso.example.com/", false),
            (Reach::ThisMachine, "https://10.0.0.1/", false),
        ] {
            let egress = Egress::new(reach).unwrap();
            assert_eq!(egress.permits(&url.parse().unwrap()), expected, "{reach:?} {url}");
        }
    }

    #[tokio::test]
    async fn names_that_lead_to_private_addresses_lead_nowhere() {
        let egress = Egress::new(Reach::Public).unwrap();
        let request = http::Request::get("https://localhost:1/").body(Vec::new()).unwrap();
        let error = egress.send(request).await.unwrap_err();
        let mut causes = vec![error.to_string()];
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
        while let Some(it) = cause {
            causes.push(it.to_string());
            cause = it.source();
        }
        assert!(causes.join(": ").contains("may not go to localhost"), "{causes:?}");
    }
}
