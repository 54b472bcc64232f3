//! What a client can read (RFC 9110, section 12.5.1).

use http::{HeaderMap, header};

const PROBLEM: &str = "application/problem+json";

/// Whether a client takes answers in JSON. One that says nothing takes anything,
/// and one that names problems reads them, which are JSON too: it shall hear of
/// them rather than of its header.
pub(crate) fn takes_json(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    let is_named = |(range, quality): &(String, f32)| range == PROBLEM && *quality > 0.0;
    ranges.is_empty() || quality(&ranges, "application/json") > 0.0 || ranges.iter().any(is_named)
}

/// Whether a client takes answers of a type. One that says nothing takes anything.
pub(crate) fn takes(headers: &HeaderMap, media_type: &str) -> bool {
    let ranges = ranges(headers);
    ranges.is_empty() || quality(&ranges, media_type) > 0.0
}

/// Which of two types a client likes better; the second if it does not say.
pub(crate) fn prefers(headers: &HeaderMap, first: &str, second: &str) -> bool {
    let ranges = ranges(headers);
    quality(&ranges, first) > quality(&ranges, second)
}

/// Whether a client asks for JSON rather than a page, in so many words.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    let named = |name| ranges.iter().find(|(range, _)| range == name).map(|(_, quality)| *quality);
    match (named("application/json"), named("text/html")) {
        (Some(json), Some(html)) => json > html,
        (Some(json), None) => json > 0.0,
        (None, _) => false,
    }
}

fn ranges(headers: &HeaderMap) -> Vec<(String, f32)> {
    let values = headers.get_all(header::ACCEPT).iter();
    let texts = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    texts.map(str::trim).filter(|text| !text.is_empty()).map(range).collect()
}

fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (name, quality.unwrap_or(1.0))
}

/// The quality that the most specific range gives a type.
fn quality(ranges: &[(String, f32)], media_type: &str) -> f32 {
    let (family, _) = media_type.split_once('/').unwrap_or_default();
    let candidates = [media_type.to_owned(), format!("{family}/*"), "*/*".to_owned()];
    let find = |name: &String| ranges.iter().find(|(range, _)| range == name);
    candidates.iter().find_map(find).map_or(0.0, |(_, quality)| *quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: &str) -> (bool, bool) {
        let headers = [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect();
        (takes_json(&headers), prefers_json(&headers))
    }

    #[test]
    fn clients_get_what_they_ask_for() {
        for (accept, expected) in [
            ("", (true, false)),
            ("*/*", (true, false)),
            ("application/*", (true, false)),
            ("application/json", (true, true)),
            ("Application/JSON; charset=utf-8", (true, true)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", (true, false)),
            ("text/html;q=0.5, application/json", (true, true)),
            ("text/html", (false, false)),
            ("application/json;q=0, */*", (false, false)),
            ("application/xml, text/*", (false, false)),
            ("application/problem+json", (true, false)),
            ("application/problem+json;q=0", (false, false)),
        ] {
            assert_eq!(asked(accept), expected, "{accept}");
        }
        assert!(takes_json(&HeaderMap::new()));
    }
}
