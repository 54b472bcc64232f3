//! Path templates in the grammar of `google.api.http` (AIP-127), and one thing
//! more: literals may follow `**`.

use std::ops::Range;

use crate::percent;

const DEEPEST: usize = 4;

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
    segments: Range<usize>,
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
        let mut parser = Parser { rest: text, segments: Vec::new(), variables: Vec::new() };
        parser
            .template()
            .and_then(|verb| parser.finish(verb))
            .map_err(|problem| Malformed { template: text.to_owned(), problem })
    }

    /// The fields that a path fills, given its decoded segments.
    pub(crate) fn capture(&self, path: &[String]) -> Vec<(&str, String)> {
        let many = self.segments.iter().position(|segment| *segment == Segment::Many);
        // Whatever follows `**` is counted from the end.
        let place = |index: usize| match many {
            Some(many) if index > many => (path.len() + index).saturating_sub(self.segments.len()),
            _ => index,
        };
        let capture = |variable: &Variable| {
            let Range { start, end } = variable.segments;
            path.get(place(start)..place(end)).unwrap_or_default().join("/")
        };
        self.variables.iter().map(|variable| (&*variable.field, capture(variable))).collect()
    }

    /// Writes a path that this template matches; none if a value is missing.
    pub(crate) fn expand<'a>(
        &self,
        value: impl Fn(&Variable) -> Option<&'a str>,
    ) -> Option<String> {
        let mut path = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let text = match segment {
                Segment::Literal(text) => text,
                Segment::One | Segment::Many => {
                    let mut variables = self.variables.iter();
                    let variable = variables.find(|v| v.segments == (index..index + 1))?;
                    value(variable)?
                }
            };
            path.push('/');
            path.push_str(&percent::encode(text));
        }
        if let Some(verb) = &self.verb {
            path.push(':');
            path.push_str(verb);
        }
        Some(path)
    }
}

struct Parser<'a> {
    rest: &'a str,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
}

type Parsed<T> = Result<T, &'static str>;

// === impl Parser ===

impl Parser<'_> {
    fn template(&mut self) -> Parsed<Option<String>> {
        self.expect('/', "must begin with a slash")?;
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.path(0)?;
        if self.eat(':') { self.literal().map(Some) } else { Ok(None) }
    }

    fn finish(&mut self, verb: Option<String>) -> Parsed<Template> {
        if !self.rest.is_empty() {
            return Err("goes on where it should end");
        }
        let (segments, variables) = (take(&mut self.segments), take(&mut self.variables));
        let many = segments.iter().position(|segment| *segment == Segment::Many);
        let behind = many.and_then(|many| segments.get(many + 1..)).unwrap_or_default();
        if behind.iter().any(|segment| !matches!(segment, Segment::Literal(_))) {
            return Err("has a wildcard behind **");
        }
        let mut names: Vec<_> = variables.iter().map(|variable| &variable.field).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err("names a field twice");
        }
        Ok(Template { segments, verb, variables })
    }

    fn path(&mut self, depth: usize) -> Parsed<()> {
        loop {
            self.segment(depth)?;
            if !self.eat('/') {
                return Ok(());
            }
        }
    }

    fn segment(&mut self, depth: usize) -> Parsed<()> {
        let segment = match self.rest.chars().next() {
            Some('{') => return self.variable(depth),
            Some('*') => self.wildcard(),
            _ => Segment::Literal(self.literal()?),
        };
        self.segments.push(segment);
        self.ends_segment()
    }

    fn variable(&mut self, depth: usize) -> Parsed<()> {
        if depth == DEEPEST {
            return Err("nests variables too deeply");
        }
        self.expect('{', "is missing a {")?;
        let field = self.field()?;
        let (index, start) = (self.variables.len(), self.segments.len());
        self.variables.push(Variable { field, segments: start..start });
        if self.eat('=') {
            self.path(depth + 1)?;
        } else {
            self.segments.push(Segment::One);
        }
        if let Some(variable) = self.variables.get_mut(index) {
            variable.segments.end = self.segments.len();
        }
        self.expect('}', "does not close a variable")?;
        self.ends_segment()
    }

    fn wildcard(&mut self) -> Segment {
        self.eat('*');
        if self.eat('*') { Segment::Many } else { Segment::One }
    }

    fn ends_segment(&self) -> Parsed<()> {
        let ends = matches!(self.rest.chars().next(), None | Some('/' | ':' | '}'));
        if ends { Ok(()) } else { Err("goes on where a segment should end") }
    }

    fn field(&mut self) -> Parsed<String> {
        let path = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_path = path.split('.').all(is_name);
        if is_path { Ok(path.to_owned()) } else { Err("has a variable without a field") }
    }

    fn literal(&mut self) -> Parsed<String> {
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || "-_.~!$&'()+,;@%".contains(c));
        let decoded = percent::decode(text).ok_or("has a broken escape")?;
        if decoded.is_empty() { Err("has an empty segment") } else { Ok(decoded) }
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn eat(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char, problem: &'static str) -> Parsed<()> {
        if self.eat(wanted) { Ok(()) } else { Err(problem) }
    }
}

fn take<T>(list: &mut Vec<T>) -> Vec<T> {
    std::mem::take(list)
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
    fn what_the_grammar_allows() {
        for good in [
            "/",
            "/a",
            "/a/*",
            "/a/**",
            "/**",
            "/*",
            "/a/**/b",
            "/a:verb",
            "/{a}",
            "/{a.b.c}",
            "/{a=*}",
            "/{a=**}",
            "/{a=b/*}",
            "/{a=b/*/c/**}",
            "/{a=b/{c=d/*}}",
            "/a/{b}:c",
            "/{a=**}:c",
            "/a%20b",
            "/v1/{book.name=shelves/*/books/*}",
            "/.well-known/jwks.json",
        ] {
            assert!(Template::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "//",
            "/a/",
            "/a//b",
            "/{}",
            "/{a",
            "/a}",
            "/{a}b",
            "/b{a}",
            "/{1a}",
            "/{a.}",
            "/{.a}",
            "/{a=}",
            "/{a=b/}",
            "/***",
            "/*a",
            "/a:",
            "/a:b/c",
            "/a:b:c",
            "/{a}/{a}",
            "/**/**",
            "/**/*",
            "/{a=**}/{b}",
            "/a b",
            "/a%2",
            "/a?b",
            "/a#b",
            "/a=b",
            "/{a={b={c={d={e=f}}}}}",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
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
    }
}
