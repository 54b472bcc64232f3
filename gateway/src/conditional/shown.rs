//! What of a service's message a client sees: read off the wire, field by field,
//! before anything is transcoded.

use aws_lc_rs::digest::{Context, SHA256};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::Tag;
use crate::route::Route;

/// What a client sees of a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Names it; none where part of what is sent is not shown.
    pub(crate) tag: Option<Tag>,
    /// Asks for the next page, if it is a page and not the last one.
    pub(crate) next_page: Option<String>,
}

/// A field on the wire.
struct Field<'a> {
    number: u32,
    /// With its key.
    raw: &'a [u8],
    /// What it holds, if that is bytes.
    bytes: Option<&'a [u8]>,
}

// === impl Shown ===

impl Shown {
    /// Reads what a route shows of a message. One that cannot be read has no tag,
    /// and transcoding tells why.
    pub(crate) fn of(route: &Route, message: &[u8]) -> Self {
        let output = route.rpc.method.output();
        let next_page = text_number(&output, "next_page_token");
        let next_page = next_page.and_then(|number| last_text(message, number));
        let is_partly_hidden = route.response_field.is_none() && !route.rpc.gives.is_empty();
        let tag = if is_partly_hidden { None } else { tag(route, &output, message) };
        Self { tag, next_page: next_page.filter(|token| !token.is_empty()) }
    }
}

fn tag(route: &Route, output: &MessageDescriptor, message: &[u8]) -> Option<Tag> {
    let mut hash = Context::new(&SHA256);
    let (resource, version) = match &route.response_field {
        None => {
            hash.update(message);
            (Some(output.clone()), Some(message))
        }
        Some(field) => {
            let mut resource = None;
            for found in fields(message) {
                let found = found?;
                if found.number == field.number() {
                    hash.update(found.raw);
                    resource = found.bytes;
                }
            }
            (message_of(field), resource)
        }
    };
    let number = resource.and_then(|resource| text_number(&resource, "etag"));
    let version = number.zip(version).and_then(|(number, bytes)| last_text(bytes, number));
    Some(Tag::new(version.as_deref(), &hash.finish()))
}

fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_list() && !field.is_map() => Some(message),
        _ => None,
    }
}

/// The number of a field that holds one text.
pub(crate) fn text_number(message: &MessageDescriptor, name: &str) -> Option<u32> {
    let field = message.get_field_by_name(name)?;
    (field.kind() == Kind::String && !field.is_list()).then(|| field.number())
}

/// The text of a field; the last one counts.
fn last_text(message: &[u8], number: u32) -> Option<String> {
    let found = fields(message).map_while(|found| found).filter(|found| found.number == number);
    let bytes = found.last()?.bytes?;
    str::from_utf8(bytes).ok().map(str::to_owned)
}

/// The fields of a message, in the order of the wire; none where it breaks off.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Option<Field<'_>>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let found = field(&mut rest);
        if found.is_none() {
            rest = &[];
        }
        Some(found)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let whole = *rest;
    let (number, wire_type) = decode_key(rest).ok()?;
    let bytes = if wire_type == WireType::LengthDelimited {
        let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
        let (bytes, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(bytes)
    } else {
        skip_field(wire_type, number, rest, DecodeContext::default()).ok()?;
        None
    };
    let raw = whole.get(..whole.len() - rest.len())?;
    Some(Field { number, raw, bytes })
}

/// The same message for the same request: its fields in the order of their
/// numbers, whatever the order in which a client wrote them. Of a field that is
/// there twice the order stays, because the last one counts.
pub(crate) fn canonical(message: &[u8]) -> Option<Vec<u8>> {
    let mut found: Vec<_> = fields(message).collect::<Option<_>>()?;
    found.sort_by_key(|field| field.number);
    let raw: Vec<_> = found.iter().map(|field| field.raw).collect();
    Some(raw.concat())
}

#[cfg(test)]
mod tests {
    use http::Method;
    use prost::Message;
    use proto::{
        auth::v1::{CreateSessionResponse, Profile, Session},
        content::v1::{GetPostResponse, ListPostsRequest, ListPostsResponse, Post},
    };

    use super::*;
    use crate::route::Table;

    fn shown(method: &Method, path: &str, message: &impl Message) -> Shown {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let found = table.find(method, path).unwrap();
        Shown::of(found.route, &message.encode_to_vec())
    }

    #[test]
    fn tags_follow_what_is_shown_and_nothing_else() {
        let author = Some(Profile::default());
        let post =
            |title: &str| Post { title: title.into(), author: author.clone(), ..Post::default() };
        let tag = |post| {
            shown(&Method::GET, "/api/posts/1", &GetPostResponse { post: Some(post) }).tag.unwrap()
        };
        assert_eq!(tag(post("a")), tag(post("a")));
        assert_ne!(tag(post("a")), tag(post("b")));
        let session = |id: &str, token: &str| CreateSessionResponse {
            session: Some(Session { id: id.into(), ..Session::default() }),
            access_token: Some(token.to_owned()),
            ..CreateSessionResponse::default()
        };
        let tag = |session| shown(&Method::POST, "/api/sessions", &session).tag.unwrap();
        assert_eq!(tag(session("s", "one")), tag(session("s", "two")), "tokens are not shown");
        assert_ne!(tag(session("s", "one")), tag(session("t", "one")));
    }

    #[test]
    fn pages_name_the_next_one() {
        let page = |token: Option<&str>| {
            let page = ListPostsResponse {
                posts: vec![Post::default()],
                next_page_token: token.map(Into::into),
            };
            shown(&Method::GET, "/api/posts", &page)
        };
        assert_eq!(page(Some("t")).next_page.as_deref(), Some("t"));
        assert_eq!((page(None).next_page, page(Some("")).next_page), (None, None));
        assert_ne!(page(None).tag, page(Some("t")).tag);
    }

    #[test]
    fn what_cannot_be_read_has_no_tag() {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let found = table.find(&Method::GET, "/api/posts/1").unwrap();
        for broken in [&[0x0a][..], &[0x0a, 5, 1], &[0x0b], &[0xff; 11]] {
            assert_eq!(Shown::of(found.route, broken).tag, None, "{broken:?}");
        }
    }

    #[test]
    fn requests_are_the_same_in_whatever_order_they_are_written() {
        let parts = [
            ListPostsRequest { user_id: "u".to_owned(), ..ListPostsRequest::default() },
            ListPostsRequest { page_size: Some(5), ..ListPostsRequest::default() },
            ListPostsRequest { page_size: Some(6), ..ListPostsRequest::default() },
        ];
        let [user, five, six] = parts.map(|part| part.encode_to_vec());
        let one = canonical(&[&user[..], &five, &six].concat()).unwrap();
        assert_eq!(canonical(&[&five[..], &six, &user].concat()).unwrap(), one);
        assert_ne!(canonical(&[&six[..], &five, &user].concat()).unwrap(), one);
        assert_eq!(canonical(&[0x0a]), None);
    }
}
