//! Finds the templates that match a path: literals before `*` before `**`.

use std::collections::{HashMap, HashSet};

use super::template::{Segment, Template};
use crate::percent;

/// A longer path has no route; the search would only cost time.
const LONGEST: usize = 64;

/// Templates, each with a value.
#[derive(Debug)]
pub(crate) struct Trie<T> {
    root: Node<T>,
    verbs: HashSet<String>,
}

#[derive(Debug)]
struct Node<T> {
    literals: HashMap<String, Node<T>>,
    one: Option<Box<Node<T>>>,
    many: Option<Box<Node<T>>>,
    ends: Vec<(Option<String>, T)>,
}

// === impl Trie ===

impl<T> Trie<T> {
    pub(crate) fn new() -> Self {
        Self { root: Node::new(), verbs: HashSet::new() }
    }

    /// The values that are there already for paths of the same shape.
    pub(crate) fn same<'a>(&'a mut self, template: &'a Template) -> impl Iterator<Item = &'a T> {
        let ends = self.root.descend(&template.segments).ends.iter();
        ends.filter(|(verb, _)| *verb == template.verb).map(|(_, value)| value)
    }

    pub(crate) fn insert(&mut self, template: &Template, value: T) {
        self.verbs.extend(template.verb.clone());
        let node = self.root.descend(&template.segments);
        node.ends.push((template.verb.clone(), value));
    }

    /// Returns the best value that is wanted, and the segments of the path as they
    /// are, without the verb.
    ///
    /// A path that ends in a known verb belongs to the templates with that verb,
    /// if there are any, whether they are wanted or not.
    pub(crate) fn find(
        &self,
        path: &str,
        mut is_wanted: impl FnMut(&T) -> bool,
    ) -> Option<(&T, Vec<String>)> {
        let encoded = segments(path)?;
        if let Some((last, others)) = encoded.split_last()
            && let Some((last, verb)) = last.rsplit_once(':')
            && self.verbs.contains(verb)
        {
            let stem: Vec<_> = others.iter().copied().chain([last]).collect();
            let mut is_owned = false;
            let found = self.root.find(&decoded(&stem)?, Some(verb), &mut |value| {
                is_owned = true;
                is_wanted(value)
            });
            if is_owned {
                return found.map(|value| (value, owned(&stem)));
            }
        }
        let found = self.root.find(&decoded(&encoded)?, None, &mut is_wanted)?;
        Some((found, owned(&encoded)))
    }
}

/// The segments of a path, still encoded.
pub(crate) fn segments(path: &str) -> Option<Vec<&str>> {
    let path = path.strip_prefix('/')?;
    let segments: Vec<_> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
    (segments.len() <= LONGEST).then_some(segments)
}

fn decoded(segments: &[&str]) -> Option<Vec<String>> {
    segments.iter().map(|segment| percent::decode(segment)).collect()
}

fn owned(segments: &[&str]) -> Vec<String> {
    segments.iter().map(|&segment| segment.to_owned()).collect()
}

// === impl Node ===

impl<T> Node<T> {
    fn new() -> Self {
        Self { literals: HashMap::new(), one: None, many: None, ends: Vec::new() }
    }

    fn descend(&mut self, segments: &[Segment]) -> &mut Self {
        let [first, rest @ ..] = segments else { return self };
        let next = match first {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_insert_with(Self::new),
            Segment::One => self.one.get_or_insert_with(|| Box::new(Self::new())),
            Segment::Many => self.many.get_or_insert_with(|| Box::new(Self::new())),
        };
        next.descend(rest)
    }

    fn find(
        &self,
        path: &[String],
        verb: Option<&str>,
        is_wanted: &mut dyn FnMut(&T) -> bool,
    ) -> Option<&T> {
        if let [first, rest @ ..] = path {
            if let Some(next) = self.literals.get(first)
                && let Some(found) = next.find(rest, verb, is_wanted)
            {
                return Some(found);
            }
            if let Some(next) = self.one.as_ref().filter(|_| !first.is_empty())
                && let Some(found) = next.find(rest, verb, is_wanted)
            {
                return Some(found);
            }
        } else {
            let mut ends = self.ends.iter().filter(|(own, _)| own.as_deref() == verb);
            if let Some((_, found)) = ends.find(|(_, value)| is_wanted(value)) {
                return Some(found);
            }
        }
        let many = self.many.as_ref()?;
        // The shorter `**` is, the more literals follow it.
        (0..=path.len()).find_map(|taken| many.find(path.get(taken..)?, verb, is_wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trie(templates: &[&'static str]) -> Trie<&'static str> {
        let mut trie = Trie::new();
        for template in templates {
            trie.insert(&Template::parse(template).unwrap(), *template);
        }
        trie
    }

    #[test]
    fn the_most_literal_template_wins() {
        let trie = trie(&[
            "/a/{x}",
            "/a/b",
            "/a/b/{x}",
            "/a/{x}/c",
            "/a/**",
            "/a/**/end",
            "/a/{x}:act",
            "/other/{x}:act",
            "/other/{x}",
            "/",
            "/%20/x",
        ]);
        for (path, expected) in [
            ("/a/b", "/a/b"),
            ("/a/z", "/a/{x}"),
            ("/a/b/z", "/a/b/{x}"),
            // Back from the literal `b`, which leads nowhere here.
            ("/a/b/c", "/a/b/{x}"),
            ("/a/z/c", "/a/{x}/c"),
            ("/a", "/a/**"),
            ("/a/", "/a/**"),
            ("/a/z/y/x", "/a/**"),
            ("/a/z/y/end", "/a/**/end"),
            ("/a/end/end", "/a/**/end"),
            ("/a/z:act", "/a/{x}:act"),
            ("/a/z:other", "/a/{x}"),
            ("/a/x:y:act", "/a/{x}:act"),
            ("/", "/"),
            ("/%20/x", "/%20/x"),
            ("/a/%62", "/a/b"),
        ] {
            let found = trie.find(path, |_| true).map(|(found, _)| *found);
            assert_eq!(found, Some(expected), "{path}");
        }
        for path in ["/b", "/other", "/other/", "/other/x/y", "", "a"] {
            assert!(trie.find(path, |_| true).is_none(), "{path}");
        }
    }

    #[test]
    fn a_verb_owns_its_paths() {
        let trie = trie(&["/a/{x}", "/a/{x}:act"]);
        assert!(trie.find("/a/1:act", |found| *found == "/a/{x}").is_none());
        let (_, path) = trie.find("/a/1:act", |_| true).unwrap();
        assert_eq!(path, ["a", "1"]);
    }

    #[test]
    fn deep_paths_do_not_cost_much() {
        let trie = trie(&["/**/a/b/c", "/{x}/**/d"]);
        assert!(trie.find(&"/a".repeat(LONGEST), |_| true).is_none());
        assert!(trie.find(&"/a".repeat(10_000), |_| true).is_none());
    }
}
