//! Where a list goes on (RFC 8288), for clients that do not look into bodies.

use http::{HeaderValue, Uri, header};

use crate::{percent, route::Route};

/// The field of a request that asks for a page.
const ASKS: &str = "page_token";

/// The `Link` header of a list: its first page, and the next one if there is one.
/// None for what is not a list in pages, which its shape tells.
pub(crate) fn header(
    route: &Route,
    target: &Uri,
    next_page: Option<&str>,
) -> Option<(header::HeaderName, HeaderValue)> {
    let method = &route.rpc.method;
    method.output().get_field_by_name("next_page_token")?;
    let asks = method.input().get_field_by_name(ASKS)?;
    let is_token = |pair: &str| {
        let name = percent::decode_query(pair.split('=').next().unwrap_or_default());
        name.is_some_and(|name| name == ASKS || name == asks.json_name())
    };
    let pairs = target.query().unwrap_or_default().split('&');
    let others: Vec<_> = pairs.filter(|pair| !pair.is_empty() && !is_token(pair)).collect();
    let page = |token: Option<&str>| {
        let token = token.map(|token| format!("{}={}", asks.json_name(), percent::encode(token)));
        let query = others.iter().map(|pair| (*pair).to_owned()).chain(token);
        let query = query.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("<{}{mark}{query}>", target.path())
    };
    let next = next_page.map(|token| format!("{}; rel=\"next\", ", page(Some(token))));
    let links = format!("{}{}; rel=\"first\"", next.unwrap_or_default(), page(None));
    Some((header::LINK, HeaderValue::try_from(links).ok()?))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::route::Table;

    fn links(target: &str, next_page: Option<&str>) -> Option<String> {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let target: Uri = target.parse().unwrap();
        let found = table.find(&Method::GET, target.path()).unwrap();
        let (_, value) = header(found.route, &target, next_page)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn lists_lead_on_with_everything_else_that_was_asked() {
        for (target, next_page, expected) in [
            ("/api/posts", None, "</api/posts>; rel=\"first\""),
            (
                "/api/posts?pageSize=5&pageToken=old",
                Some("a/b="),
                "</api/posts?pageSize=5&pageToken=a%2Fb%3D>; rel=\"next\", \
                 </api/posts?pageSize=5>; rel=\"first\"",
            ),
            (
                "/api/users/a%20b/posts?page%5Ftoken=old&&page_size=1",
                Some("t"),
                "</api/users/a%20b/posts?page_size=1&pageToken=t>; rel=\"next\", \
                 </api/users/a%20b/posts?page_size=1>; rel=\"first\"",
            ),
        ] {
            assert_eq!(links(target, next_page).as_deref(), Some(expected), "{target}");
        }
        assert_eq!(links("/api/posts/1", None), None);
    }
}
