//! Update masks: which fields of a request shall change (AIP-134, RFC 7396).
//!
//! Whether a mask names only fields that can change, and whether a field that
//! it names may be cleared, has been checked with the [field rules](crate::rules).

use prost_types::FieldMask;

/// The fields to change. Without a mask those that are present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask(Option<Vec<String>>);

// === impl Mask ===

impl Mask {
    /// Takes the mask of a request.
    pub fn new(mask: Option<FieldMask>) -> Self {
        Self(mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty()))
    }

    /// The new value of a field, if it changes; its default clears it.
    pub fn value<T: Default>(&self, field: &str, value: Option<T>) -> Option<T> {
        match self.names(field) {
            Some(true) => Some(value.unwrap_or_default()),
            Some(false) => None,
            None => value,
        }
    }

    /// The new value of a list, if it changes. Without a mask an empty one does not.
    pub fn list<T>(&self, field: &str, values: Vec<T>) -> Option<Vec<T>> {
        let is_named = self.names(field).unwrap_or(!values.is_empty());
        is_named.then_some(values)
    }

    /// Whether there is a mask, and it names the field.
    fn names(&self, field: &str) -> Option<bool> {
        Some(self.0.as_ref()?.iter().any(|path| path == field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &[&str]) -> Mask {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        Mask::new(Some(FieldMask { paths }))
    }

    #[test]
    fn without_a_mask_what_is_present_changes() {
        for mask in [Mask::new(None), mask(&[])] {
            assert_eq!(mask.value("title", Some(1)), Some(1));
            assert_eq!(mask.value("title", None::<i32>), None);
            assert_eq!(mask.list("tags", Vec::<i32>::new()), None);
            assert_eq!(mask.list("tags", vec![1]), Some(vec![1]));
        }
    }

    #[test]
    fn with_a_mask_what_it_names_changes() {
        let mask = mask(&["title", "tags"]);
        assert_eq!(mask.value("title", None::<i32>), Some(0));
        assert_eq!(mask.list("tags", Vec::<i32>::new()), Some(vec![]));
        assert_eq!(mask.value("other", Some(1)), None);
        assert_eq!(mask.list("other", vec![1]), None);
    }
}
