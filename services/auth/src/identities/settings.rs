//! Which other sites people can sign in with, as an operator sets it.

use std::collections::BTreeSet;

use openidconnect::IssuerUrl;
use platform::config::{List, Reader};
use secrecy::SecretString;
use url::{Host, Url};

use super::egress::Reach;

/// One site.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Its name in paths, from `MAINSTAY_PROVIDERS`.
    pub(crate) id: String,
    /// `MAINSTAY_PROVIDER_…_NAME`: its name for people; the one in paths by default.
    pub(crate) display_name: String,
    /// `…_ISSUER`: the URL whose `/.well-known/openid-configuration` describes it.
    pub(crate) issuer: IssuerUrl,
    /// `…_CLIENT_ID`: what the site calls us.
    pub(crate) client_id: String,
    /// `…_CLIENT_SECRET`: what proves to it that it is us; none for public clients.
    pub(crate) client_secret: Option<SecretString>,
    /// `…_SCOPES`: what is asked for beside `openid`; `email,profile` by default.
    pub(crate) scopes: Vec<String>,
    /// `…_TRUST_EMAIL`: whether the site's word that an address is verified counts as
    /// if we had verified it. False by default.
    pub(crate) trust_email: bool,
    /// `…_ALLOW_PRIVATE`: whether it may be in a private network. False by default.
    pub(crate) reach: Reach,
}

const MOST_ID_CHARS: usize = 32;

// === impl Settings ===

impl Settings {
    /// Reads the settings of every site.
    pub(crate) fn read_all(reader: &mut Reader) -> Vec<Self> {
        let List(ids) = reader.or("MAINSTAY_PROVIDERS", List::default());
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for id in ids {
            if !is_id(&id) {
                let rule =
                    "has at most 32 small letters, digits and `-`, and does not begin with `-`";
                reader.problem(format!("MAINSTAY_PROVIDERS: the name {id} {rule}"));
                continue;
            }
            let Some(settings) = Self::read(reader, id) else { continue };
            let is_new = seen.insert(settings.id.clone())
                && seen.insert(settings.issuer.as_str().to_owned());
            if is_new {
                all.push(settings);
            } else {
                let id = settings.id;
                reader.problem(format!("MAINSTAY_PROVIDERS: {id} or its issuer is there twice"));
            }
        }
        all
    }

    fn read(reader: &mut Reader, id: String) -> Option<Self> {
        let prefix = format!("MAINSTAY_PROVIDER_{}", id.to_ascii_uppercase().replace('-', "_"));
        let key = |name: &str| format!("{prefix}_{name}");
        let issuer: String = reader.required(&key("ISSUER"));
        let client_id: String = reader.required(&key("CLIENT_ID"));
        let scopes = List(vec!["email".to_owned(), "profile".to_owned()]);
        let allow_private = reader.or(&key("ALLOW_PRIVATE"), false);
        let mut settings = Self {
            display_name: reader.or(&key("NAME"), id.clone()),
            issuer: IssuerUrl::new("https://invalid".to_owned()).ok()?,
            client_id,
            client_secret: reader.optional::<String>(&key("CLIENT_SECRET")).map(Into::into),
            scopes: reader.or(&key("SCOPES"), scopes).0,
            trust_email: reader.or(&key("TRUST_EMAIL"), false),
            reach: Reach::Public,
            id,
        };
        if issuer.is_empty() {
            return None;
        }
        let Some(found) = reach(&issuer, allow_private).zip(IssuerUrl::new(issuer).ok()) else {
            let rule =
                "must be an https URL without query and fragment (http only on this machine)";
            reader.problem(format!("{}: {rule}", key("ISSUER")));
            return None;
        };
        (settings.reach, settings.issuer) = found;
        Some(settings)
    }
}

/// Where a site with this issuer may be; none if it cannot be an issuer.
fn reach(issuer: &str, allow_private: bool) -> Option<Reach> {
    let url = Url::parse(issuer).ok()?;
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        _ if !is_bare => None,
        "https" if allow_private => Some(Reach::Private),
        "https" => Some(Reach::Public),
        "http" if is_loopback => Some(Reach::ThisMachine),
        _ => None,
    }
}

fn is_id(id: &str) -> bool {
    let is_char = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=MOST_ID_CHARS).contains(&id.len()) && id.bytes().all(is_char) && !id.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Vec<Settings>, String> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut reader = Reader::from_pairs(pairs);
        let settings = Settings::read_all(&mut reader);
        reader.finish(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn several_sites_are_read() {
        let all = read(&[
            ("MAINSTAY_PROVIDERS", "google, my-co"),
            ("MAINSTAY_PROVIDER_GOOGLE_ISSUER", "https://accounts.google.com"),
            ("MAINSTAY_PROVIDER_GOOGLE_CLIENT_ID", "g"),
            ("MAINSTAY_PROVIDER_MY_CO_ISSUER", "https://sso.example.com/realms/x"),
            ("MAINSTAY_PROVIDER_MY_CO_CLIENT_ID", "m"),
            ("MAINSTAY_PROVIDER_MY_CO_CLIENT_SECRET", "s3cret"),
            ("MAINSTAY_PROVIDER_MY_CO_NAME", "My Co"),
            ("MAINSTAY_PROVIDER_MY_CO_SCOPES", "email"),
            ("MAINSTAY_PROVIDER_MY_CO_TRUST_EMAIL", "true"),
            ("MAINSTAY_PROVIDER_MY_CO_ALLOW_PRIVATE", "true"),
        ])
        .unwrap();
        let [google, my_co] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((&*google.display_name, google.trust_email), ("google", false));
        assert_eq!(
            (google.reach, google.scopes.join(" ")),
            (Reach::Public, "email profile".into())
        );
        assert_eq!((&*my_co.display_name, my_co.trust_email), ("My Co", true));
        assert_eq!((my_co.reach, my_co.scopes.join(" ")), (Reach::Private, "email".into()));
        assert!(!format!("{my_co:?}").contains("s3cret"));
        assert!(read(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_site_is_said_at_start() {
        for (issuer, allowed) in [
            ("https://sso.example.com", true),
            ("http://localhost:9000", true),
            ("http://127.0.0.1:9000/x", true),
            ("http://sso.example.com", false),
            ("http://10.0.0.1", false),
            ("ftp://localhost", false),
            ("https://sso.example.com?x=1", false),
            ("https://user@sso.example.com", false),
            ("nonsense", false),
        ] {
            let read = read(&[
                ("MAINSTAY_PROVIDERS", "a"),
                ("MAINSTAY_PROVIDER_A_ISSUER", issuer),
                ("MAINSTAY_PROVIDER_A_CLIENT_ID", "x"),
            ]);
            assert_eq!(read.is_ok(), allowed, "{issuer}");
        }
        let problems = read(&[("MAINSTAY_PROVIDERS", "a,B,-c")]).unwrap_err();
        for part in ["A_ISSUER is not set", "A_CLIENT_ID is not set", "the name B", "the name -c"] {
            assert!(problems.contains(part), "{problems}");
        }
        let twice = read(&[
            ("MAINSTAY_PROVIDERS", "a,b"),
            ("MAINSTAY_PROVIDER_A_ISSUER", "https://sso.example.com"),
            ("MAINSTAY_PROVIDER_A_CLIENT_ID", "x"),
            ("MAINSTAY_PROVIDER_B_ISSUER", "https://sso.example.com"),
            ("MAINSTAY_PROVIDER_B_CLIENT_ID", "x"),
        ]);
        assert!(twice.unwrap_err().contains("b or its issuer is there twice"));
    }
}
