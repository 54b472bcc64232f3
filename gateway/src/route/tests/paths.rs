//! Which path leads where, and what it fills.

use proptest::{collection::vec, prelude::*, sample::select};

use super::super::{
    template::{Segment, Template},
    trie::Trie,
};

/// A path, the template that it leads to, and what it fills.
type Case<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

/// The template that a path leads to, and what it fills.
fn lead(templates: &[&'static str], path: &str) -> Option<(&'static str, Vec<(String, String)>)> {
    let mut trie = Trie::new();
    let parsed: Vec<_> = templates.iter().map(|it| (Template::parse(it).unwrap(), *it)).collect();
    for (index, (template, _)) in parsed.iter().enumerate() {
        trie.insert(template, index);
    }
    let (index, segments) = trie.find(path, |_| true)?;
    let (template, text) = &parsed[*index];
    let captured = template.capture(&segments).into_iter();
    Some((text, captured.map(|(field, value)| (field.to_owned(), value)).collect()))
}

fn leads(templates: &[&'static str], cases: &[Case<'_>]) {
    for (path, template, fills) in cases {
        let fills = fills.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned()));
        let expected = template.map(|template| (template.to_owned(), fills.collect::<Vec<_>>()));
        let found = lead(templates, path).map(|(template, fills)| (template.to_owned(), fills));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn wildcards_match_what_they_say() {
    leads(
        &["/**"],
        &[
            ("/", Some("/**"), &[]),
            ("/a", Some("/**"), &[]),
            ("/a/b/c", Some("/**"), &[]),
            ("/a/", Some("/**"), &[]),
        ],
    );
    leads(
        &["/a/**", "/b/*", "/c/*/d/**"],
        &[
            ("/a/b", Some("/a/**"), &[]),
            ("/a/b/c/d", Some("/a/**"), &[]),
            ("/a", Some("/a/**"), &[]),
            ("/b/c", Some("/b/*"), &[]),
            ("/b", None, &[]),
            ("/b/", None, &[]),
            ("/b/c/d", None, &[]),
            ("/c/x/d/e", Some("/c/*/d/**"), &[]),
            ("/c/x/d", Some("/c/*/d/**"), &[]),
            ("/c/d/e", None, &[]),
            ("/c/x/y/d/e", None, &[]),
            ("/x", None, &[]),
        ],
    );
}

#[test]
fn variables_take_their_segments() {
    let templates = [
        "/a/{x}/c/d/e",
        "/{x=a/*}/b/{y=*}/c",
        "/a/{x=b/*}/{y=**}",
        "/alpha/{x=*}/beta/{y=*}/gamma",
        "/{x=*}/z",
        "/{x=**}/y/z",
        "/a/b/c/{x=**}",
        "/v1/{x.name=shelves/*/books/*}",
        "/v1/{x.name=shelves/*/books/**}",
        "/v1/{x.name=shelves/*}",
    ];
    leads(
        &templates,
        &[
            ("/a/book/c/d/e", Some("/a/{x}/c/d/e"), &[("x", "book")]),
            ("/a/hello/b/world/c", Some("/{x=a/*}/b/{y=*}/c"), &[("x", "a/hello"), ("y", "world")]),
            (
                "/a/b/zoo/animal/tiger",
                Some("/a/{x=b/*}/{y=**}"),
                &[("x", "b/zoo"), ("y", "animal/tiger")],
            ),
            ("/a/b/zoo", Some("/a/{x=b/*}/{y=**}"), &[("x", "b/zoo"), ("y", "")]),
            (
                "/alpha/dog/beta/eat/gamma",
                Some("/alpha/{x=*}/beta/{y=*}/gamma"),
                &[("x", "dog"), ("y", "eat")],
            ),
            ("/foo/z", Some("/{x=*}/z"), &[("x", "foo")]),
            ("/foo/bar/y/z", Some("/{x=**}/y/z"), &[("x", "foo/bar")]),
            ("/y/z", Some("/{x=*}/z"), &[("x", "y")]),
            ("/a/b/c/foo/bar/baz", Some("/a/b/c/{x=**}"), &[("x", "foo/bar/baz")]),
            ("/a/b/c", Some("/a/b/c/{x=**}"), &[("x", "")]),
            ("/v1/shelves/1", Some("/v1/{x.name=shelves/*}"), &[("x.name", "shelves/1")]),
            (
                "/v1/shelves/1/books/2",
                Some("/v1/{x.name=shelves/*/books/*}"),
                &[("x.name", "shelves/1/books/2")],
            ),
            (
                "/v1/shelves/1/books",
                Some("/v1/{x.name=shelves/*/books/**}"),
                &[("x.name", "shelves/1/books")],
            ),
            (
                "/v1/shelves/1/books/2/3",
                Some("/v1/{x.name=shelves/*/books/**}"),
                &[("x.name", "shelves/1/books/2/3")],
            ),
            ("/v1/shelves", None, &[]),
        ],
    );
}

#[test]
fn a_verb_owns_its_url_wherever_it_stands() {
    let templates = [
        "/a/{y=*}",
        "/a/{y=*}:verb",
        "/a/{y=d/**}:verb",
        "/{x=*}/a:verb",
        "/{x=**}/b:verb",
        "/g/{x=**}/h:verb",
        "/a/{y=*}:other",
        "/files/{x=**}",
    ];
    leads(
        &templates,
        &[
            ("/a/world", Some("/a/{y=*}"), &[("y", "world")]),
            ("/a/world:verb", Some("/a/{y=*}:verb"), &[("y", "world")]),
            ("/a/world:other", Some("/a/{y=*}:other"), &[("y", "world")]),
            // A verb that no template has is a part of the segment.
            ("/a/world:nothing", Some("/a/{y=*}"), &[("y", "world:nothing")]),
            ("/a/wo:verb:other", Some("/a/{y=*}:other"), &[("y", "wo:verb")]),
            // So is a verb that no template of this path has.
            ("/files/x/y:other", Some("/files/{x=**}"), &[("x", "x/y:other")]),
            // An encoded colon separates nothing.
            ("/a/world%3Averb", Some("/a/{y=*}"), &[("y", "world:verb")]),
            ("/a/world:", Some("/a/{y=*}"), &[("y", "world:")]),
            ("/a/d/animal/tiger:verb", Some("/a/{y=d/**}:verb"), &[("y", "d/animal/tiger")]),
            ("/foo/a:verb", Some("/{x=*}/a:verb"), &[("x", "foo")]),
            ("/foo/bar/baz/b:verb", Some("/{x=**}/b:verb"), &[("x", "foo/bar/baz")]),
            ("/b:verb", Some("/{x=**}/b:verb"), &[("x", "")]),
            ("/g/foo/bar/h:verb", Some("/g/{x=**}/h:verb"), &[("x", "foo/bar")]),
            ("/g/h:verb", Some("/g/{x=**}/h:verb"), &[("x", "")]),
            ("/foo/bar:verb", None, &[]),
        ],
    );
}

#[test]
fn what_is_written_out_beats_what_is_left_open() {
    let templates = [
        "/a/{x}/{y}",
        "/a/b/{y}",
        "/a/{x}/c",
        "/f/{x=**}",
        "/f/{x=**}/meta",
        "/f/{x=**}/meta/size",
        "/f/exact",
    ];
    leads(
        &templates,
        &[
            ("/a/1/2", Some("/a/{x}/{y}"), &[("x", "1"), ("y", "2")]),
            ("/a/b/2", Some("/a/b/{y}"), &[("y", "2")]),
            ("/a/1/c", Some("/a/{x}/c"), &[("x", "1")]),
            // From the left.
            ("/a/b/c", Some("/a/b/{y}"), &[("y", "c")]),
            ("/f", Some("/f/{x=**}"), &[("x", "")]),
            ("/f/exact", Some("/f/exact"), &[]),
            ("/f/exact/more", Some("/f/{x=**}"), &[("x", "exact/more")]),
            ("/f/meta", Some("/f/{x=**}/meta"), &[("x", "")]),
            ("/f/1/2/meta", Some("/f/{x=**}/meta"), &[("x", "1/2")]),
            ("/f/meta/meta", Some("/f/{x=**}/meta"), &[("x", "meta")]),
            ("/f/1/meta/size", Some("/f/{x=**}/meta/size"), &[("x", "1")]),
            ("/f/1/meta/other", Some("/f/{x=**}"), &[("x", "1/meta/other")]),
        ],
    );
}

#[test]
fn escapes_are_decoded_but_slashes_between_segments_stay_apart() {
    let templates = ["/a/{x}/c", "/m/{x=p/*/q/*}/c", "/m/{x=**}", "/s/{x=*}", "/l%2Fl/{x}"];
    leads(
        &templates,
        &[
            ("/a/p%20q%2Fr+/c", Some("/a/{x}/c"), &[("x", "p q/r+")]),
            ("/a/%C3%A9%21%23/c", Some("/a/{x}/c"), &[("x", "é!#")]),
            ("/%61/x/%63", Some("/a/{x}/c"), &[("x", "x")]),
            ("/s/1%2f2", Some("/s/{x=*}"), &[("x", "1/2")]),
            ("/m/p/a%20a/q/b%2Fb/c", Some("/m/{x=p/*/q/*}/c"), &[("x", "p/a a/q/b%2Fb")]),
            ("/m/a%2Fb/c%2fd%20e/", Some("/m/{x=**}"), &[("x", "a%2Fb/c%2fd e/")]),
            ("/l%2fl/1", Some("/l%2Fl/{x}"), &[("x", "1")]),
            ("/l/l/1", None, &[]),
            ("/a/%ff/c", None, &[]),
            ("/a/%2/c", None, &[]),
        ],
    );
}

/// Whether a template matches, found out by trying everything.
fn matches(template: &[Segment], path: &[String]) -> bool {
    match (template, path) {
        ([], path) => path.is_empty(),
        ([Segment::Many, rest @ ..], path) => {
            (0..=path.len()).any(|taken| matches(rest, &path[taken..]))
        }
        ([Segment::One, rest @ ..], [first, path @ ..]) => !first.is_empty() && matches(rest, path),
        ([Segment::Literal(text), rest @ ..], [first, path @ ..]) => {
            text == first && matches(rest, path)
        }
        (_, []) => false,
    }
}

fn templates() -> impl Strategy<Value = Vec<Template>> {
    let open = vec(select(vec!["a", "b", "*"]), 0..4);
    let end = prop_oneof![Just(None), vec(select(vec!["a", "b"]), 0..2).prop_map(Some)];
    let template = (open, end).prop_filter_map("empty", |(open, end)| {
        let many = end.map(|literals| [vec!["**"], literals].concat());
        let segments = [open, many.unwrap_or_default()].concat();
        let text = format!("/{}", segments.join("/"));
        (!segments.is_empty()).then(|| Template::parse(&text).unwrap())
    });
    vec(template, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_path_is_led_to_a_template_that_matches_if_there_is_one(
        templates in templates(),
        path in vec(select(vec!["a", "b", "c"]), 1..6),
    ) {
        let mut trie = Trie::new();
        for (index, template) in templates.iter().enumerate() {
            trie.insert(template, index);
        }
        let found = trie.find(&format!("/{}", path.join("/")), |_| true);
        let path: Vec<_> = path.iter().map(|&segment| segment.to_owned()).collect();
        match found {
            Some((index, _)) => prop_assert!(matches(&templates[*index].segments, &path)),
            None => {
                prop_assert!(!templates.iter().any(|it| matches(&it.segments, &path)));
            }
        }
    }
}
