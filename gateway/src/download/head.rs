//! What a service says beside a file, as headers that are safe to send.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::pieces::File;

/// What a service may say in its metadata.
const ALLOWED: [HeaderName; 6] = [
    header::ACCEPT_RANGES,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LAST_MODIFIED,
];
/// How long the file is. `content-length` itself would be that of the gRPC answer.
const LENGTH: &str = "http-content-length";

/// Types that no browser takes for a page, whatever is in them.
const SAFE: [&str; 8] = [
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
    "audio/",
    "video/",
];
const OPAQUE: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// Should a browser show it all the same, then as something that can do nothing.
const SANDBOX: HeaderValue =
    HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

/// The headers of a file.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) headers: HeaderMap,
    /// How many bytes follow, if the service says so.
    pub(super) length: Option<u64>,
    /// Whether it is only the part that was asked for.
    pub(super) is_part: bool,
}

// === impl Head ===

impl Head {
    /// Reads what a service says.
    pub(super) fn read(metadata: &HeaderMap, file: &File, asked: &HeaderMap) -> Self {
        let said = |name: &HeaderName| Some((name.clone(), metadata.get(name)?.clone()));
        let mut headers: HeaderMap = ALLOWED.iter().filter_map(said).collect();
        let is_part =
            asked.contains_key(header::RANGE) && headers.contains_key(header::CONTENT_RANGE);
        if !is_part {
            headers.remove(header::CONTENT_RANGE);
        }
        let length = headers.get(header::CONTENT_RANGE).and_then(part_length);
        let length = length.or_else(|| metadata.get(LENGTH)?.to_str().ok()?.parse().ok());
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        let content_type = HeaderValue::try_from(&file.content_type).ok();
        let content_type = content_type.filter(|content_type| !content_type.is_empty());
        headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(OPAQUE));
        headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
        if !is_safe(&file.content_type) {
            let disposition = attachment(headers.get(header::CONTENT_DISPOSITION));
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        Self { headers, length, is_part }
    }

    /// Whether a client has it already (RFC 9110, section 13.1.2).
    pub(super) fn is_known_to(&self, asked: &HeaderMap) -> bool {
        let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let Some(own) = self.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
            return false;
        };
        let known = asked.get_all(header::IF_NONE_MATCH).iter();
        let mut known =
            known.filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
        known.any(|tag| tag.trim() == "*" || strong(tag) == strong(own))
    }
}

fn is_safe(content_type: &str) -> bool {
    let content_type = crate::upload::essence(content_type).to_ascii_lowercase();
    let is = |safe: &&str| {
        content_type == **safe || safe.ends_with('/') && content_type.starts_with(*safe)
    };
    SAFE.iter().any(is)
}

/// `attachment`, with the parameters that the service gave: its file name.
fn attachment(said: Option<&HeaderValue>) -> HeaderValue {
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    let (_, parameters) = said.split_once(';').unwrap_or_default();
    let parameters = parameters.trim();
    let text = if parameters.is_empty() {
        "attachment".to_owned()
    } else {
        format!("attachment; {parameters}")
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The length of `bytes 0-99/1000`.
fn part_length(range: &HeaderValue) -> Option<u64> {
    let (range, _) = range.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
    to.checked_sub(from)?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_browser_runs_is_shown() {
        let disposition = |content_type: &str, said: &str| {
            let file = File { content_type: content_type.to_owned(), ..File::default() };
            let said = [(header::CONTENT_DISPOSITION, said.parse().unwrap())];
            let head = Head::read(&said.into_iter().collect(), &file, &HeaderMap::new());
            head.headers[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned()
        };
        assert_eq!(disposition("image/png", "inline; filename=a"), "inline; filename=a");
        assert_eq!(disposition("Video/MP4; x=y", "inline"), "inline");
        for unsafe_type in ["text/html", "image/svg+xml", "", "text/plain2", "application/pdf"] {
            assert_eq!(disposition(unsafe_type, "inline; filename=a"), "attachment; filename=a");
            assert_eq!(disposition(unsafe_type, "inline"), "attachment");
        }
    }

    #[test]
    fn parts_have_a_length() {
        let length = |range: &'static str| part_length(&HeaderValue::from_static(range));
        assert_eq!(length("bytes 0-99/1000"), Some(100));
        assert_eq!(length("bytes 5-5/*"), Some(1));
        for none in ["bytes */1000", "bytes 5-4/9", "bytes 0-18446744073709551615/*", "lines 0-1/2"]
        {
            assert_eq!(length(none), None, "{none}");
        }
    }
}
