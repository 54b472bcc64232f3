//! The cookies: how they are named, read and written (RFC 6265bis).

use std::fmt;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use crate::{route::CredentialKind, transcode::Issued};

/// How the cookies are named and written.
///
/// With the `__Host-` prefix a browser takes them from this host alone and over
/// TLS alone, so that no neighbour can plant one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    is_secure: bool,
}

/// The secrets that a browser sent.
pub(crate) struct Sent(Vec<(CredentialKind, String)>);

/// The kinds that have a cookie.
const KINDS: [CredentialKind; 4] =
    [CredentialKind::Access, CredentialKind::Refresh, CredentialKind::Device, CredentialKind::Flow];

/// The secrets that a browser shall keep or forget; the last word on each counts.
#[derive(Default)]
pub(crate) struct Changes(Vec<Issued>);

// === impl Cookies ===

impl Cookies {
    /// Names and writes cookies for TLS, or for plain http.
    pub(crate) fn new(is_secure: bool) -> Self {
        Self { is_secure }
    }

    /// What the cookie with a secret is called.
    pub(crate) fn name(self, kind: CredentialKind) -> &'static str {
        match (kind, self.is_secure) {
            (CredentialKind::Access, true) => "__Host-access",
            (CredentialKind::Access, false) => "access",
            (CredentialKind::Refresh | CredentialKind::Unspecified, true) => "__Host-session",
            (CredentialKind::Refresh | CredentialKind::Unspecified, false) => "session",
            (CredentialKind::Device, true) => "__Host-device",
            (CredentialKind::Device, false) => "device",
            (CredentialKind::Flow, true) => "__Host-flow",
            (CredentialKind::Flow, false) => "flow",
        }
    }

    /// Reads our cookies among the others.
    ///
    /// Of a cookie that is there twice neither is used: one may have been planted,
    /// and nothing says which.
    pub(crate) fn read(self, headers: &HeaderMap) -> Sent {
        // Cookie by cookie, because those of others need not even be text.
        let values = headers.get_all(header::COOKIE).iter();
        let cookies = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        let cookies = cookies.filter_map(|cookie| str::from_utf8(cookie).ok());
        let cookies: Vec<_> = cookies.filter_map(|cookie| cookie.trim().split_once('=')).collect();
        let only = |kind| {
            let mut values = cookies.iter().filter(|(name, _)| *name == self.name(kind));
            match (values.next(), values.next()) {
                (Some((_, value)), None) if !value.is_empty() => Some((*value).to_owned()),
                _ => None,
            }
        };
        Sent(KINDS.into_iter().filter_map(|kind| Some((kind, only(kind)?))).collect())
    }

    /// Writes the `Set-Cookie` header for a secret; none if it cannot be in one.
    fn write(self, issued: &Issued, now: Timestamp) -> Option<HeaderValue> {
        let seconds = match issued.expires_at {
            _ if issued.value.is_empty() => Some(0),
            Some(expires_at) => Some((expires_at - now.as_second()).max(0)),
            None => None,
        };
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if self.is_secure { "; Secure" } else { "" };
        let (name, value) = (self.name(issued.kind), &issued.value);
        let cookie = format!("{name}={value}{age}; Path=/; HttpOnly; SameSite=Lax{secure}");
        let is_token = issued.value.bytes().all(is_cookie_byte);
        HeaderValue::try_from(cookie).ok().filter(|_| is_token)
    }

    /// Tells a browser about changes.
    pub(crate) fn apply(self, changes: &Changes, headers: &mut HeaderMap) {
        let now = Timestamp::now();
        for issued in &changes.0 {
            if let Some(cookie) = self.write(issued, now) {
                headers.append(header::SET_COOKIE, cookie);
            } else {
                tracing::error!(kind = ?issued.kind, "a token does not fit into a cookie");
            }
        }
    }

    /// Whether cookies are for TLS alone, and so the site is, too.
    pub(crate) fn are_secure(self) -> bool {
        self.is_secure
    }
}

/// `cookie-octet` of RFC 6265.
fn is_cookie_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

// === impl Sent ===

impl Sent {
    /// The secret of a kind.
    pub(crate) fn get(&self, kind: CredentialKind) -> Option<&str> {
        self.0.iter().find(|(sent, _)| *sent == kind).map(|(_, value)| &**value)
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").finish_non_exhaustive()
    }
}

// === impl Changes ===

impl Changes {
    /// Has the browser forget a secret.
    pub(crate) fn forget(&mut self, kind: CredentialKind) {
        self.extend([Issued { kind, value: String::new(), expires_at: None }]);
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Issued> for Changes {
    fn extend<T: IntoIterator<Item = Issued>>(&mut self, issued: T) {
        for issued in issued {
            self.0.retain(|earlier| earlier.kind != issued.kind);
            self.0.push(issued);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(is_secure: bool, lines: &[&'static str]) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        let sent = Cookies::new(is_secure).read(&headers);
        let of = |kind| sent.get(kind).map(str::to_owned);
        (of(CredentialKind::Access), of(CredentialKind::Refresh))
    }

    #[test]
    fn our_cookies_are_found_among_others() {
        let both = (Some("a".to_owned()), Some("s".to_owned()));
        assert_eq!(read(true, &["x=1; __Host-access=a; __Host-session=s;y=2"]), both);
        // HTTP/2 may split the header.
        assert_eq!(read(true, &["__Host-access=a", "__Host-session=s"]), both);
        assert_eq!(read(false, &["access=a;session=s"]), both);
        assert_eq!(read(true, &["access=a; session=s"]), (None, None));
        assert_eq!(read(true, &["__Host-access=; __Host-session"]), (None, None));
        assert_eq!(read(true, &[]), (None, None));
    }

    #[test]
    fn of_two_cookies_of_one_name_neither_is_used() {
        assert_eq!(read(false, &["access=a; access=b; session=s"]), (None, Some("s".to_owned())));
        assert_eq!(read(false, &["access=a", "access=a"]), (None, None));
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let now = Timestamp::from_second(1_000).unwrap();
        let issued = |value: &str, expires_at| Issued {
            kind: CredentialKind::Access,
            value: value.to_owned(),
            expires_at,
        };
        let write = |is_secure, issued: Issued| {
            let cookie = Cookies::new(is_secure).write(&issued, now);
            cookie.map(|cookie| cookie.to_str().unwrap().to_owned())
        };
        assert_eq!(
            write(true, issued("t", Some(1_300))).unwrap(),
            "__Host-access=t; Max-Age=300; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            write(false, issued("", None)).unwrap(),
            "access=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        );
        assert!(write(true, issued("t", Some(0))).unwrap().contains("Max-Age=0;"));
        assert_eq!(write(true, issued("t; Domain=evil.org", None)), None);
    }

    #[test]
    fn cookies_of_others_need_not_be_text() {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"theme=caf\xe9; __Host-access=a; \xff=\xff").unwrap();
        headers.insert(header::COOKIE, value);
        let sent = Cookies::new(true).read(&headers);
        assert_eq!(sent.get(CredentialKind::Access), Some("a"));
    }

    #[test]
    fn the_last_word_on_a_cookie_counts() {
        let mut changes = Changes::default();
        changes.extend([Issued {
            kind: CredentialKind::Access,
            value: "t".to_owned(),
            expires_at: None,
        }]);
        changes.forget(CredentialKind::Access);
        let mut headers = HeaderMap::new();
        Cookies::new(true).apply(&changes, &mut headers);
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies.len(), 1);
        assert!(cookies[0].to_str().unwrap().starts_with("__Host-access=;"));
    }
}
