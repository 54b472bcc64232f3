//! A route as documents show it.

use super::{Body, FieldPath, Route, template::Segment};

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Exactly this text.
    Literal(&'a str),
    /// What a client chooses.
    Variable {
        /// The field that it fills, alone or with other parts.
        field: Option<&'a FieldPath>,
        /// Whether it is all that the field is filled with.
        is_whole: bool,
        /// Whether it may hold slashes, or be empty.
        is_many: bool,
    },
}

// === impl Route ===

impl Route {
    /// The parts of its path, from left to right.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.path.segments.iter().enumerate().map(|(index, segment)| match segment {
            Segment::Literal(text) => Part::Literal(text),
            Segment::One | Segment::Many => {
                let mut variables = self.path.variables.iter();
                let variable = variables.rposition(|it| it.segments.contains(&index));
                Part::Variable {
                    field: variable.and_then(|variable| self.variables.get(variable)),
                    is_whole: self.spans_one(variable),
                    is_many: *segment == Segment::Many,
                }
            }
        })
    }

    /// What follows the last colon of its path.
    pub(crate) fn verb(&self) -> Option<&str> {
        self.path.verb.as_deref()
    }

    /// Whether answers tell where what was created is found.
    pub(crate) fn has_location(&self) -> bool {
        self.location.is_some()
    }

    /// Whether its path is the address of what another route creates.
    pub(crate) fn shows_what_is_created_by(&self, creation: &Self) -> bool {
        creation.location.as_ref().is_some_and(|location| location.is_at(&self.path))
    }

    /// The fields that its path fills.
    pub(crate) fn fields_in_path(&self) -> impl Iterator<Item = &FieldPath> {
        self.variables.iter()
    }

    /// Whether a client may give a field, and not all that is inside it.
    pub(crate) fn is_hidden_below(&self, field: &str) -> bool {
        self.variables.iter().any(|variable| {
            variable.name().strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// The field that a parameter of the query fills, if the query may fill it.
    pub(crate) fn parameter(&self, name: &str) -> Option<FieldPath> {
        let field = FieldPath::find(&self.rpc.method.input(), name)?;
        let first = field.name().split('.').next().unwrap_or_default();
        let is_in_body = match &self.body {
            Body::Nothing => false,
            Body::Whole => true,
            Body::Field(body) => body.name() == first,
        };
        (field.is_text() && !is_in_body && !self.is_hidden(field.name())).then_some(field)
    }

    fn spans_one(&self, variable: Option<usize>) -> bool {
        let variable = variable.and_then(|variable| self.path.variables.get(variable));
        variable.is_some_and(|variable| variable.segments.len() == 1)
    }
}
