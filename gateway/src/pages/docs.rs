//! The documents of the API: for programs, and for people who try it.

use http::HeaderMap;

use super::{Asset, Found, HTML, SCRIPT, framed};
use crate::{openapi::Documents, route::Table};

const PAGE: &str = include_str!("docs.html");
const INIT: &str = include_str!("docs.js");
const ASSETS: &str = "/docs/assets/";

/// A file of Swagger UI, compressed.
struct Vendored {
    name: &'static str,
    media_type: &'static str,
    gzip: &'static [u8],
}

const VENDORED: [Vendored; 3] = include!(concat!(env!("OUT_DIR"), "/vendored.rs"));

/// Everything below `/docs` that is the same for everybody, and the documents.
#[derive(Debug)]
pub(super) struct Docs {
    files: Vec<(String, Asset)>,
}

// === impl Docs ===

impl Docs {
    /// Makes the documents of a table's routes.
    pub(super) fn new(table: &Table, cookie: &str) -> Self {
        let Documents { json, types } = Documents::of(table, cookie);
        let mut files = vec![
            ("/openapi.json".to_owned(), Asset::new("application/json", json)),
            (
                "/openapi.d.ts".to_owned(),
                Asset::new("application/typescript; charset=utf-8", types),
            ),
            ("/docs".to_owned(), Asset::new(HTML, page())),
            ("/docs/docs.js".to_owned(), Asset::new(SCRIPT, INIT)),
        ];
        files.extend(VENDORED.iter().map(|file| {
            let asset = Asset::compressed(file.media_type, file.gzip);
            (format!("{ASSETS}{}", file.name), asset)
        }));
        Self { files }
    }

    /// The answer to a request for one of them.
    pub(super) fn find(&self, path: &str, headers: &HeaderMap) -> Option<Found> {
        let (known, asset) = self.files.iter().find(|(known, _)| known == path)?;
        let label = match known.as_str() {
            "/openapi.json" => "/openapi.json",
            "/openapi.d.ts" => "/openapi.d.ts",
            "/docs" => "/docs",
            _ => "/docs/{file}",
        };
        Some(Found { path: label, answer: asset.answer(headers) })
    }
}

fn page() -> String {
    let named = |extension: &str| {
        let mut files = VENDORED.iter().filter(|file| file.name.ends_with(extension));
        files.next().map(|file| format!("{ASSETS}{}", file.name)).unwrap_or_default()
    };
    let content = PAGE
        .replace("{{script}}", &named(".js"))
        .replace("{{style}}", &named(".css"))
        .replace("{{license}}", &named(".txt"));
    framed("API documentation", &content)
}
