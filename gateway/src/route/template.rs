//! Path templates in the grammar of `google.api.http` (AIP-127), and one thing
//! more: literals may follow `**`.

use std::ops::Range;

use super::parse;
use crate::percent;

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Exactly this text.
    Literal(String),
    /// `*`: any one segment.
    One,
    /// `**`: any number of segments, none included.
    Many,
}

/// A field that a path fills, and the segments that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field: `post.id`.
    pub(crate) field: String,
    pub(super) segments: Range<usize>,
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// Its segments, variables resolved to what they match.
    pub(crate) segments: Vec<Segment>,
    /// What follows the last colon: `publish`.
    pub(crate) verb: Option<String>,
    /// Its variables, from left to right.
    pub(crate) variables: Vec<Variable>,
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path template {template} {problem}")]
pub(crate) struct Malformed {
    template: String,
    problem: &'static str,
}

// === impl Template ===

impl Template {
    /// Parses a template such as `/api/posts/{post_id}` or `/v1/{name=a/*}:act`.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        parse::template(text).map_err(|problem| Malformed { template: text.to_owned(), problem })
    }

    /// The fields that a path fills, given its segments as they came.
    pub(crate) fn capture(&self, path: &[String]) -> Vec<(&str, String)> {
        let many = self.segments.iter().position(|segment| *segment == Segment::Many);
        // Whatever follows `**` is counted from the end.
        let place = |index: usize| match many {
            Some(many) if index > many => (path.len() + index).saturating_sub(self.segments.len()),
            _ => index,
        };
        let capture = |variable: &Variable| {
            let Range { start, end } = variable.segments;
            let segments = path.get(place(start)..place(end)).unwrap_or_default();
            // The trie has decoded them, so they can be.
            let decode =
                if self.is_long(variable) { decode_all_but_slashes } else { percent::decode };
            let segments = segments.iter().map(|segment| decode(segment).unwrap_or_default());
            segments.collect::<Vec<_>>().join("/")
        };
        self.variables.iter().map(|variable| (&*variable.field, capture(variable))).collect()
    }

    /// Whether the value of a variable may have slashes of its own.
    fn is_long(&self, variable: &Variable) -> bool {
        let segments = self.segments.get(variable.segments.clone()).unwrap_or_default();
        !matches!(segments, [Segment::Literal(_) | Segment::One])
    }

    /// Writes a path that this template matches; none if a value is missing.
    pub(crate) fn expand<'a>(
        &self,
        value: impl Fn(&Variable) -> Option<&'a str>,
    ) -> Option<String> {
        let mut path = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let value = || {
                let mut variables = self.variables.iter();
                value(variables.find(|v| v.segments == (index..index + 1))?)
            };
            path.push('/');
            path.push_str(&match segment {
                Segment::Literal(text) => percent::encode(text),
                Segment::One => percent::encode(value()?),
                Segment::Many => encode_all_but_slashes(value()?),
            });
        }
        if let Some(verb) = &self.verb {
            path.push(':');
            path.push_str(verb);
        }
        Some(path)
    }
}

/// Decodes a segment of a value of several: a slash inside it stays encoded, so
/// that it can be told from those between segments.
fn decode_all_but_slashes(segment: &str) -> Option<String> {
    between_encoded_slashes(segment, percent::decode)
}

/// The other way round.
fn encode_all_but_slashes(value: &str) -> String {
    let encode = |part: &str| Some(percent::encode(part));
    let segments = value.split('/').filter_map(|it| between_encoded_slashes(it, encode));
    segments.collect::<Vec<_>>().join("/")
}

fn between_encoded_slashes(text: &str, work: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("%2F").into_iter().chain(rest.find("%2f")).min() {
        let (before, slash) = rest.split_at_checked(at)?;
        let (slash, after) = slash.split_at_checked(3)?;
        done = done + &work(before)? + slash;
        rest = after;
    }
    Some(done + &work(rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(template: &str, path: &[&str]) -> Vec<(String, String)> {
        let path: Vec<_> = path.iter().map(|&segment| segment.to_owned()).collect();
        let template = Template::parse(template).unwrap();
        let captured = template.capture(&path).into_iter();
        captured.map(|(field, value)| (field.to_owned(), value)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn variables_take_what_they_span() {
        assert_eq!(
            captured("/a/{b}/c/{d.e}", &["a", "1", "c", "2"]),
            pairs(&[("b", "1"), ("d.e", "2")])
        );
        assert_eq!(
            captured("/{a=b/{c=d/*}/*}", &["b", "d", "1", "2"]),
            pairs(&[("a", "b/d/1/2"), ("c", "d/1")])
        );
        assert_eq!(captured("/a/{b=**}", &["a"]), pairs(&[("b", "")]));
        assert_eq!(captured("/a/{b=**}", &["a", "1", "2"]), pairs(&[("b", "1/2")]));
        assert_eq!(captured("/{a=**}/end", &["1", "2", "end"]), pairs(&[("a", "1/2")]));
        assert_eq!(captured("/{a=x/**/y}", &["x", "y"]), pairs(&[("a", "x/y")]));
    }

    #[test]
    fn paths_are_written_as_they_are_read() {
        let template = Template::parse("/api/posts/{post_id}:act").unwrap();
        assert_eq!(template.expand(|_| Some("a b")).as_deref(), Some("/api/posts/a%20b:act"));
        assert_eq!(template.expand(|_| None), None);
        assert_eq!(Template::parse("/{a=b/*}").unwrap().expand(|_| Some("x")), None);
        let template = Template::parse("/f/{name=**}").unwrap();
        let path = template.expand(|_| Some("a b/c%2Fd")).unwrap();
        assert_eq!(path, "/f/a%20b/c%2Fd");
        let segments: Vec<_> = path.split('/').skip(1).map(str::to_owned).collect();
        assert_eq!(template.capture(&segments), [("name", "a b/c%2Fd".to_owned())]);
    }
}
