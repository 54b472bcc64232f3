//! Codes of authenticator apps: RFC 6238 with SHA-1, six digits and 30 seconds,
//! which is what all apps understand.

use aws_lc_rs::rand;
use jiff::Timestamp;
use qrcode::{QrCode, render::svg};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::Error;

/// As long as the output of SHA-1 (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;
const QR_PIXELS: u32 = 240;

/// The secret of an authenticator app.
pub(super) struct App(Vec<u8>);

/// What its owner needs to set it up.
#[derive(Debug)]
pub(super) struct SetUp {
    pub(super) secret: String,
    pub(super) uri: String,
    pub(super) qr_svg: String,
}

// === impl App ===

impl App {
    /// Draws a new secret.
    #[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
    pub(super) fn random() -> Self {
        let mut bytes = vec![0; SECRET_BYTES];
        rand::fill(&mut bytes).expect("the system's random numbers");
        Self(bytes)
    }

    /// A secret that was stored.
    pub(super) fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The secret itself, to be sealed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The step whose code this is, if it is one of now, a step before or a step
    /// after (RFC 6238, section 5.2).
    pub(super) fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let totp = self.totp("", "").ok()?;
        let step = totp.check(code, u64::try_from(now.as_second()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// What sets an app up for an account of a site.
    pub(super) fn set_up(&self, site: &str, account: &str) -> Result<SetUp, Error> {
        let totp = self.totp(site, account)?;
        let uri = totp.to_url().map_err(|_unnamed| Error::Unusable)?;
        let code = QrCode::new(&uri).map_err(|_too_long| Error::Unusable)?;
        let qr_svg = code.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
        Ok(SetUp { secret: Secret::from(self.0.clone()).to_base32(), uri, qr_svg })
    }

    fn totp(&self, site: &str, account: &str) -> Result<Totp, Error> {
        let site = Some(site).filter(|site| !site.is_empty());
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(self.0.clone());
        let builder = builder.with_issuer(site).with_account_name(account);
        builder.build().map_err(|_short| Error::Unusable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B: the last six digits of its codes with SHA-1.
    #[test]
    fn codes_are_those_of_the_standard() {
        let app = App::stored(b"12345678901234567890".to_vec());
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(app.step_of(code, at(second)), Some(second / 30), "{second}");
            assert_eq!(app.step_of(code, at(second + 30)), Some(second / 30), "{second}");
            assert_eq!(app.step_of(code, at(second - 30)), Some(second / 30), "{second}");
            assert_eq!(app.step_of(code, at(second + 60)), None, "{second}");
            assert_eq!(app.step_of(code, at(second - 60)), None, "{second}");
        }
        for wrong in ["", "28708", "2870822", "abcdef"] {
            assert_eq!(app.step_of(wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_set_up_with_the_same_secret_in_three_forms() {
        let app = App::stored(b"12345678901234567890".to_vec());
        let set_up = app.set_up("example.com", "ann@example.com").unwrap();
        assert_eq!(set_up.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(set_up.uri.starts_with("otpauth://totp/example.com:ann"), "{}", set_up.uri);
        assert!(set_up.uri.contains(&format!("secret={}", set_up.secret)), "{}", set_up.uri);
        assert!(set_up.qr_svg.contains("<svg"));
        assert_ne!(App::random().bytes(), App::random().bytes());
    }
}
