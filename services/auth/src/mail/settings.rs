//! Which way letters leave: `MAINSTAY_MAIL_URL` and what belongs to it.

use std::{fmt, fs, net::IpAddr, path::PathBuf, str::FromStr};

use lettre::{message::Mailbox, transport::smtp::authentication::Credentials};
use platform::config::Reader;
use url::{Url, form_urlencoded};

/// Everything that sending needs to be told.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `MAINSTAY_MAIL_URL`: a mailbox in the database by default.
    pub(super) route: Route,
    /// `MAINSTAY_MAIL_FROM`: who letters come from, as `Mainstay <no-reply@example.com>`.
    pub(super) from: Mailbox,
    /// `MAINSTAY_PRODUCT_NAME`: in whose name they are written; `Mainstay` by default.
    pub(super) product: String,
    /// `MAINSTAY_MAIL_CA`: who vouches for the server, a PEM file; the system's
    /// authorities by default.
    pub(super) authorities: Option<Vec<u8>>,
    /// Whether somebody said so, or it is only what happens when nobody does.
    pub(super) is_chosen: bool,
}

/// The way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Route {
    /// `mailbox:`, which `mainstay mail` reads.
    #[default]
    Mailbox,
    /// `file:///folder`, a file for each letter.
    Folder(PathBuf),
    /// `smtp://` or `smtps://`.
    Smtp(Relay),
}

/// A server that takes letters.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Relay {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
}

/// How what is sent is kept from others on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything that matters.
    StartTls,
    /// Not at all.
    None,
}

/// What is wrong with the setting; never the setting, which holds a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    #[error(
        "must be smtp://USER:PASSWORD@HOST:587?tls=required, smtps://USER:PASSWORD@HOST, file:///FOLDER or mailbox:"
    )]
    Malformed,
    #[error("tls must be `required` or `none`, and nothing else may follow the question mark")]
    Parameters,
    #[error("a password is not sent in the clear: say smtps:// or tls=required")]
    PasswordInTheClear,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings.
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let route: Option<Route> = reader.optional("MAINSTAY_MAIL_URL");
        let from = reader.optional("MAINSTAY_MAIL_FROM");
        if matches!(route, Some(Route::Smtp(_))) && from.is_none() {
            let example = "such as Mainstay <no-reply@example.com>";
            reader.problem(format!("MAINSTAY_MAIL_FROM is not set, or no address {example}"));
        }
        Self {
            is_chosen: route.is_some(),
            route: route.unwrap_or_default(),
            from: from.unwrap_or_else(nobody),
            product: reader.or("MAINSTAY_PRODUCT_NAME", "Mainstay".to_owned()),
            authorities: authorities(reader),
        }
    }
}

/// Whom letters come from that nobody answers.
#[expect(clippy::expect_used, reason = "this address is one")]
fn nobody() -> Mailbox {
    "Mainstay <no-reply@localhost>".parse().expect("an address")
}

fn authorities(reader: &mut Reader) -> Option<Vec<u8>> {
    let path: PathBuf = reader.optional("MAINSTAY_MAIL_CA")?;
    let read = fs::read(&path);
    if let Err(error) = &read {
        reader.problem(format!("MAINSTAY_MAIL_CA: cannot read {}: {error}", path.display()));
    }
    read.ok()
}

// === impl Route ===

impl FromStr for Route {
    type Err = Invalid;

    fn from_str(s: &str) -> Result<Self, Invalid> {
        let url: Url = s.parse().map_err(|_malformed| Invalid::Malformed)?;
        match url.scheme() {
            "mailbox" if s == "mailbox:" => Ok(Self::Mailbox),
            "file" if url.query().is_none() => {
                url.to_file_path().map(Self::Folder).map_err(|()| Invalid::Malformed)
            }
            "smtp" | "smtps" => Relay::read(&url).map(Self::Smtp),
            _ => Err(Invalid::Malformed),
        }
    }
}

// === impl Relay ===

impl Relay {
    fn read(url: &Url) -> Result<Self, Invalid> {
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Invalid::Malformed)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(Invalid::Malformed);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let security = security(url, is_loopback(&host))?;
        let usual = match security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::None => 25,
        };
        let credentials = credentials(url);
        if security == Security::None && credentials.is_some() && !is_loopback(&host) {
            return Err(Invalid::PasswordInTheClear);
        }
        Ok(Self { port: url.port().unwrap_or(usual), host, security, credentials })
    }

    /// Whether everybody on the way can read what is sent.
    pub(super) fn is_open(&self) -> bool {
        self.security == Security::None && !is_loopback(&self.host)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({}:{}, {:?})", self.host, self.port, self.security)
    }
}

/// Nobody's letters are sent in the clear over a network unless that was asked for.
fn security(url: &Url, is_loopback: bool) -> Result<Security, Invalid> {
    let is_secure = url.scheme() == "smtps";
    match url.query() {
        None | Some("tls=required") if is_secure => Ok(Security::Tls),
        None if is_loopback => Ok(Security::None),
        None | Some("tls=required") => Ok(Security::StartTls),
        Some("tls=none") if !is_secure => Ok(Security::None),
        Some(_) => Err(Invalid::Parameters),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn credentials(url: &Url) -> Option<Credentials> {
    let password = url.password()?;
    Some(Credentials::new(decoded(url.username()), decoded(password)))
}

/// Undoes percent-encoding; plus and ampersand mean nothing in this part of a URL.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26");
    let decoded = form_urlencoded::parse(text.as_bytes()).next();
    decoded
        .map(
            |(text, value)| {
                if value.is_empty() { text.into_owned() } else { format!("{text}={value}") }
            },
        )
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(url: &str) -> Result<(String, u16, Security), Invalid> {
        match url.parse()? {
            Route::Smtp(relay) => Ok((relay.host, relay.port, relay.security)),
            other => panic!("{url} is {other:?}"),
        }
    }

    #[test]
    fn letters_are_not_sent_in_the_clear_unless_somebody_asks_for_it() {
        use Security::{None, StartTls, Tls};
        for (url, host, port, security) in [
            ("smtp://mail.example.com", "mail.example.com", 587, StartTls),
            ("smtp://mail.example.com:2525?tls=required", "mail.example.com", 2525, StartTls),
            ("smtps://mail.example.com", "mail.example.com", 465, Tls),
            ("smtp://mail.example.com?tls=none", "mail.example.com", 25, None),
            ("smtp://localhost:1025", "localhost", 1025, None),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, None),
            ("smtp://[::1]:1025", "::1", 1025, None),
            ("smtp://localhost:1025?tls=required", "localhost", 1025, StartTls),
        ] {
            assert_eq!(relay(url), Ok((host.to_owned(), port, security)), "{url}");
        }
        let open: Route = "smtp://mail.example.com?tls=none".parse().unwrap();
        assert!(matches!(open, Route::Smtp(relay) if relay.is_open()));
        for (url, problem) in [
            ("smtp://ann:secret@mail.example.com?tls=none", Invalid::PasswordInTheClear),
            ("smtp://mail.example.com?tls=maybe", Invalid::Parameters),
            ("smtp://mail.example.com?verify=no", Invalid::Parameters),
            ("smtps://mail.example.com?tls=none", Invalid::Parameters),
            ("smtp://", Invalid::Malformed),
            ("smtp://mail.example.com/path", Invalid::Malformed),
            ("http://mail.example.com", Invalid::Malformed),
            ("mail.example.com", Invalid::Malformed),
            ("mailbox:x", Invalid::Malformed),
            ("file://elsewhere/folder", Invalid::Malformed),
        ] {
            assert_eq!(url.parse::<Route>(), Err(problem), "{url}");
        }
    }

    #[test]
    fn passwords_are_read_as_they_were_meant_and_never_shown() {
        let url = "smtps://ann%40example.com:a%2Fb+c&d=e%20%25@mail.example.com";
        let Ok(Route::Smtp(relay)) = url.parse() else { panic!("{url}") };
        let expected = Credentials::new("ann@example.com".to_owned(), "a/b+c&d=e %".to_owned());
        assert_eq!(relay.credentials, Some(expected));
        let shown = format!("{relay:?}");
        assert!(!shown.contains("a/b") && !shown.contains("ann"), "{shown}");
    }

    #[test]
    fn the_other_ways_out() {
        assert_eq!("mailbox:".parse(), Ok(Route::Mailbox));
        assert_eq!("file:///var/mail".parse(), Ok(Route::Folder("/var/mail".into())));
    }
}
