//! Files that are the same for everybody: sent compressed, and only to those who
//! do not have them yet.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, Crc, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use platform::status::Reason;

use super::POLICY;
use crate::{Response, problem::Problem};

/// A file.
#[derive(Debug)]
pub(super) struct Asset {
    media_type: &'static str,
    /// None for files that are there compressed only.
    plain: Option<Bytes>,
    gzip: Option<Bytes>,
    tag: String,
    keeping: Keeping,
}

/// How long a file may be kept without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// For ever: another content has another name.
    Forever,
    /// Not at all.
    AskEachTime,
}

/// What is smaller is not worth it.
const SMALLEST: usize = 1024;

// === impl Asset ===

impl Asset {
    /// A file made at start.
    pub(super) fn new(media_type: &'static str, text: impl Into<Bytes>) -> Self {
        let plain: Bytes = text.into();
        let gzip = (plain.len() > SMALLEST).then(|| gzip(&plain).ok()).flatten();
        let tag = tag(&plain);
        let keeping = Keeping::AskEachTime;
        Self { media_type, plain: Some(plain), gzip: gzip.map(Bytes::from), tag, keeping }
    }

    /// A file that is compressed already, and whose name changes with it.
    pub(super) fn compressed(media_type: &'static str, gzip: &'static [u8]) -> Self {
        let tag = tag(gzip);
        let gzip = Some(Bytes::from_static(gzip));
        Self { media_type, plain: None, gzip, tag, keeping: Keeping::Forever }
    }

    /// The answer to a request for it.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Result<Response, Box<Problem>> {
        // Whoever says nothing takes anything (RFC 9110, section 12.5.3), but means
        // plain text if there is some.
        let asked = headers.contains_key(header::ACCEPT_ENCODING);
        let takes_gzip = takes(headers, "gzip");
        let (body, coding) = match (&self.gzip, &self.plain) {
            (Some(gzip), _) if takes_gzip => (gzip, Some("gzip")),
            (_, Some(plain)) => (plain, None),
            (Some(gzip), None) if !asked => (gzip, Some("gzip")),
            _ => {
                let detail = "this file is there compressed only; accept gzip";
                return Err(Problem::of(Reason::NOT_ACCEPTABLE).detail(detail));
            }
        };
        let tag = match coding {
            Some(coding) => format!("\"{}-{coding}\"", self.tag),
            None => format!("\"{}\"", self.tag),
        };
        let is_known = knows(headers, &tag);
        let mut response =
            if is_known { Response::default() } else { Response::new(body.clone().into()) };
        *response.status_mut() = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        self.describe(response.headers_mut(), &tag, coding.filter(|_| !is_known));
        Ok(response)
    }

    fn describe(&self, headers: &mut HeaderMap, tag: &str, coding: Option<&'static str>) {
        let keeping = match self.keeping {
            Keeping::Forever => "public, max-age=31536000, immutable",
            Keeping::AskEachTime => "no-cache",
        };
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.media_type);
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::CACHE_CONTROL, keeping);
        set(header::VARY, "Accept-Encoding");
        coding.map(|coding| set(header::CONTENT_ENCODING, coding));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
    }
}

/// Whether a client names a coding, and does not refuse it.
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let texts = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let mut ranges = texts.filter_map(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().filter(|name| name == coding || name == "*")?;
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        Some((name == coding, quality.unwrap_or(1.0)))
    });
    let all: Vec<_> = ranges.by_ref().collect();
    let named = all.iter().find(|(is_named, _)| *is_named).or(all.first());
    named.is_some_and(|(_, quality)| *quality > 0.0)
}

/// Whether a client has the file already; comparison is weak (RFC 9110, section
/// 13.1.2).
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut texts = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    texts.any(|known| {
        let known = known.trim();
        known == "*" || known.trim_start_matches("W/") == tag
    })
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn tag(content: &[u8]) -> String {
    let mut crc = Crc::new();
    crc.update(content);
    format!("{:08x}{:x}", crc.sum(), content.len())
}
