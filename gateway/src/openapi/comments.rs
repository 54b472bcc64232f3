//! The comments of the contract, which are what its documents say.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};

/// The leading comment of everything in the contract, by file and path.
#[derive(Debug)]
pub(super) struct Comments(HashMap<(String, Vec<i32>), String>);

// === impl Comments ===

impl Comments {
    /// Reads all comments.
    pub(super) fn read(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.files() {
            let info = file.file_descriptor_proto().source_code_info.as_ref();
            for location in info.map(|info| info.location.as_slice()).unwrap_or_default() {
                if let Some(text) = &location.leading_comments {
                    comments.insert((file.name().to_owned(), location.path.clone()), flowing(text));
                }
            }
        }
        Self(comments)
    }

    pub(super) fn of_service(&self, service: &ServiceDescriptor) -> &str {
        self.get(&service.parent_file(), service.path())
    }

    pub(super) fn of_method(&self, method: &MethodDescriptor) -> &str {
        self.get(&method.parent_service().parent_file(), method.path())
    }

    pub(super) fn of_message(&self, message: &MessageDescriptor) -> &str {
        self.get(&message.parent_file(), message.path())
    }

    pub(super) fn of_field(&self, field: &FieldDescriptor) -> &str {
        self.get(&field.parent_file(), field.path())
    }

    fn get(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        let key = (file.name().to_owned(), path.to_vec());
        self.0.get(&key).map(String::as_str).unwrap_or_default()
    }
}

/// The first sentence, without its full stop, and the rest.
pub(super) fn first_sentence(text: &str) -> (&str, &str) {
    let end = text.match_indices('.').map(|(at, _)| at).find(|at| {
        let after = text.get(at + 1..).unwrap_or_default();
        after.is_empty() || after.starts_with([' ', '\n'])
    });
    let (first, rest) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
    (first, rest.trim_start_matches('.').trim())
}

/// Paragraphs, each on one line.
fn flowing(comment: &str) -> String {
    let lines: Vec<_> = comment.lines().map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty());
    paragraphs.map(|lines| lines.join(" ")).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_flow_and_begin_with_a_sentence() {
        let text = flowing(" Shows a draft to\n everybody. Publishing\n twice.\n\n More `a.b`.\n");
        assert_eq!(text, "Shows a draft to everybody. Publishing twice.\n\nMore `a.b`.");
        let (first, rest) = first_sentence(&text);
        assert_eq!(first, "Shows a draft to everybody");
        assert_eq!(rest, "Publishing twice.\n\nMore `a.b`.");
        assert_eq!(first_sentence("See `a.b` first."), ("See `a.b` first", ""));
        assert_eq!(first_sentence("No stop"), ("No stop", ""));
    }
}
