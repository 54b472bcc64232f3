//! What a client says that it sends.

use http::{HeaderMap, header};
use platform::status::Reason;

use crate::problem::Problem;

/// How a file is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// As it is, of this media type.
    File(String),
    /// In a form with this boundary.
    Form(String),
}

// === impl Media ===

impl Media {
    /// Reads what the headers say; a file without a type is refused, because to
    /// guess is how pictures become scripts.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Box<Problem>> {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let first = types.next().and_then(|media_type| media_type.to_str().ok());
        let is_plain = types.next().is_none() && !headers.contains_key(header::CONTENT_ENCODING);
        let media_type = first.filter(|text| is_plain && is_media_type(text));
        let media_type = media_type.ok_or_else(|| {
            let detail = "name the file's media type as content-type, or send a form";
            Problem::of(Reason::UNSUPPORTED_MEDIA_TYPE).detail(detail)
        })?;
        if !essence(media_type).eq_ignore_ascii_case("multipart/form-data") {
            return Ok(Self::File(media_type.to_owned()));
        }
        multer::parse_boundary(media_type).map(Self::Form).map_err(|_unreadable| {
            let detail = "the form's content-type names no boundary";
            Problem::of(Reason::MALFORMED_REQUEST).detail(detail)
        })
    }
}

/// The type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// `type/subtype` and whatever parameters (RFC 9110, section 8.3.1).
fn is_media_type(text: &str) -> bool {
    let is_token = |text: &str| {
        let is_token_byte =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(is_token_byte)
    };
    essence(text).split_once('/').is_some_and(|(family, kind)| is_token(family) && is_token(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_what_they_are() {
        let read = |types: &[&str]| {
            let mut headers = HeaderMap::new();
            for it in types {
                headers.append(header::CONTENT_TYPE, it.parse().unwrap());
            }
            Media::of(&headers).map_err(|problem| problem.status.as_u16())
        };
        assert_eq!(read(&["image/png"]), Ok(Media::File("image/png".to_owned())));
        let text = "text/plain; charset=utf-8";
        assert_eq!(read(&[text]), Ok(Media::File(text.to_owned())));
        let form = read(&["Multipart/Form-Data; boundary=\"b 1\""]);
        assert_eq!(form, Ok(Media::Form("b 1".to_owned())));
        assert_eq!(read(&["multipart/form-data"]), Err(400));
        for wrong in [&[][..], &["image/png", "image/png"], &["png"], &["image/"], &["i m/p"]] {
            assert_eq!(read(wrong), Err(415), "{wrong:?}");
        }
    }
}
