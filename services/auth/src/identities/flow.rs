//! A visit to another site, from its beginning to its end.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use openidconnect::{CsrfToken, Nonce, PkceCodeVerifier};

use super::Error;
use crate::secrets::Token;

/// What ties the end of a visit to its beginning.
///
/// All that the protocol asks for is made of one secret that only the browser has:
/// the other site cannot know it, and the database holds only its hash. Whoever
/// comes back with a `state` of another browser, or with a code of another visit,
/// does not have the secret that they go with.
#[derive(Debug)]
pub(super) struct Flow {
    token: Token,
    /// Whether an account is linked, rather than somebody signed in.
    is_link: bool,
}

/// How the `state` of a visit begins that links an account, so that the page that it
/// ends on knows what to ask for.
const LINK: &str = "link.";

// === impl Flow ===

impl Flow {
    /// Begins a visit. Its secret is always new: one that somebody else may have put
    /// into the browser is never used.
    pub(super) fn begin(is_link: bool) -> Self {
        Self { token: Token::random(), is_link }
    }

    /// Ends a visit, in the browser that began it.
    pub(super) fn end(token: String, state: &str, is_link: bool) -> Result<Self, Error> {
        let flow = Self { token: Token::presented(token), is_link };
        let expected = flow.state();
        verify_slices_are_equal(expected.secret().as_bytes(), state.as_bytes())
            .map_err(|_another| Error::WrongFlow)?;
        Ok(flow)
    }

    /// The secret itself, for the browser.
    pub(super) fn into_text(self) -> String {
        self.token.into_text()
    }

    /// What the database knows of it.
    pub(super) fn hash(&self) -> Vec<u8> {
        self.token.hash()
    }

    /// What comes back with the browser.
    pub(super) fn state(&self) -> CsrfToken {
        let prefix = if self.is_link { LINK } else { "" };
        CsrfToken::new(format!("{prefix}{}", self.token.derive("oidc state")))
    }

    /// What comes back in the ID token.
    pub(super) fn nonce(&self) -> Nonce {
        Nonce::new(self.token.derive("oidc nonce"))
    }

    /// What the code is good with, and with nothing else (RFC 7636).
    pub(super) fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.token.derive("oidc pkce"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_began_a_visit_ends_it() {
        let flow = Flow::begin(false);
        let (state, nonce) = (flow.state(), flow.nonce());
        let verifier = flow.verifier();
        let token = flow.into_text();
        let ended = Flow::end(token.clone(), state.secret(), false).unwrap();
        assert_eq!(ended.nonce().secret(), nonce.secret());
        assert_eq!(ended.verifier().secret(), verifier.secret());
        assert_ne!(nonce.secret(), verifier.secret());

        let other = Flow::begin(false);
        Flow::end(token.clone(), other.state().secret(), false).unwrap_err();
        Flow::end(other.into_text(), state.secret(), false).unwrap_err();
        Flow::end(token.clone(), state.secret(), true).unwrap_err();
        Flow::end(token, "", false).unwrap_err();
        Flow::end(String::new(), "", false).unwrap_err();
    }
}
