//! The grammar of path templates.

use std::mem;

use super::template::{Segment, Template, Variable};
use crate::percent;

const DEEPEST: usize = 4;

type Parsed<T> = Result<T, &'static str>;

/// Parses a template, or says what is wrong with it.
pub(super) fn template(text: &str) -> Parsed<Template> {
    let mut parser = Parser { rest: text, segments: Vec::new(), variables: Vec::new() };
    let verb = parser.template()?;
    parser.finish(verb)
}

struct Parser<'a> {
    rest: &'a str,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
}

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
        let (segments, variables) = (mem::take(&mut self.segments), mem::take(&mut self.variables));
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(template(good).is_ok(), "{good}");
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
            assert!(template(bad).is_err(), "{bad}");
        }
    }
}
