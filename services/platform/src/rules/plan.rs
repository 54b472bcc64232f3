//! What a message's rules are, read from the contract once.

use std::collections::BTreeMap;

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value,
};
use regex::Regex;

use super::Unenforceable;

/// The address format of HTML's `input type=email`, as protovalidate has it.
const EMAIL: &str = r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$";

/// The rules of one message.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// By field number.
    pub(super) fields: BTreeMap<u32, Field>,
    pub(super) mask: Option<UpdateMask>,
}

/// The update mask of a message, and the fields that it may name.
#[derive(Debug)]
pub(super) struct UpdateMask {
    pub(super) number: u32,
    pub(super) changeable: BTreeMap<String, u32>,
}

/// The rules of one field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// Absence is a value of its own, and not the type's default.
    pub(super) has_presence: bool,
    pub(super) is_list: bool,
    pub(super) is_required: bool,
    pub(super) value: Option<ValueRule>,
    pub(super) list: ListRule,
}

/// What each value must be.
#[derive(Debug)]
pub(super) enum ValueRule {
    Text(TextRule),
    Int32 { min: i32, max: i32 },
}

/// What a text must be.
#[derive(Debug, Default)]
pub(super) struct TextRule {
    pub(super) min_chars: u64,
    pub(super) max_chars: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) format: Option<Format>,
}

/// A pattern, and the words that explain it.
#[derive(Debug)]
pub(super) struct Format {
    pub(super) pattern: Regex,
    pub(super) words: String,
}

/// What a list must be.
#[derive(Debug, Default)]
pub(super) struct ListRule {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) is_unique: bool,
}

/// Reads the rules of a message; none if it has none.
pub(super) fn read(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
) -> Result<Option<Plan>, Unenforceable> {
    let Some(extension) = pool.get_extension_by_name("buf.validate.field") else {
        return Ok(None);
    };
    let mut plan = Plan { mask: UpdateMask::read(message), ..Plan::default() };
    for field in message.fields() {
        let options = field.options();
        let rules = options.get_extension(&extension);
        let rules = rules.as_message().filter(|_| options.has_extension(&extension));
        let read = Field::read(&field, rules, &extension);
        let read =
            read.map_err(|problem| Unenforceable { field: field.full_name().to_owned(), problem })?;
        plan.fields.extend(read.map(|read| (field.number(), read)));
    }
    let has_rules = !plan.fields.is_empty() || plan.mask.is_some();
    Ok(has_rules.then_some(plan))
}

// === impl UpdateMask ===

impl UpdateMask {
    /// A mask may name the fields whose absence can be told from their default,
    /// and lists.
    fn read(message: &MessageDescriptor) -> Option<Self> {
        let mask = message.get_field_by_name("update_mask")?;
        let is_changeable = |field: &FieldDescriptor| {
            *field != mask && (field.supports_presence() || field.is_list())
        };
        let fields = message.fields().filter(is_changeable);
        let changeable = fields.map(|field| (field.name().to_owned(), field.number())).collect();
        Some(Self { number: mask.number(), changeable })
    }
}

// === impl Field ===

impl Field {
    /// Reads the rules of a field; none if anything goes. Every text has one: it
    /// must be one that `PostgreSQL` can store.
    fn read(
        field: &FieldDescriptor,
        rules: Option<&DynamicMessage>,
        extension: &ExtensionDescriptor,
    ) -> Result<Option<Self>, String> {
        if let Kind::Message(inner) = field.kind()
            && inner.fields().any(|field| field.options().has_extension(extension))
        {
            return Err("rules inside a nested message are not enforced".to_owned());
        }
        let is_text = field.kind() == Kind::String;
        match rules {
            None if !is_text => Ok(None),
            None => Ok(Some(Self::plain_text(field))),
            Some(rules) => Self::read_rules(field, rules).map(Some),
        }
    }

    fn plain_text(field: &FieldDescriptor) -> Self {
        Self {
            name: field.name().to_owned(),
            has_presence: field.supports_presence(),
            is_list: field.is_list(),
            is_required: false,
            value: Some(ValueRule::Text(TextRule::default())),
            list: ListRule::default(),
        }
    }

    fn read_rules(field: &FieldDescriptor, rules: &DynamicMessage) -> Result<Self, String> {
        let text = Some(ValueRule::Text(TextRule::default()));
        let mut read = Self {
            name: field.name().to_owned(),
            has_presence: field.supports_presence(),
            is_list: field.is_list(),
            is_required: false,
            value: text.filter(|_| field.kind() == Kind::String),
            list: ListRule::default(),
        };
        for (rule, value) in rules.fields() {
            match (rule.name(), value) {
                ("required", Value::Bool(required)) => read.is_required = *required,
                ("repeated", Value::Message(list)) if field.is_list() => {
                    read.read_list(field, list)?;
                }
                (kind, Value::Message(of_type)) if !field.is_list() => {
                    read.value = Some(ValueRule::read(field, kind, of_type)?);
                }
                (other, _) => return Err(format!("the rule {other} is not enforced")),
            }
        }
        Ok(read)
    }

    fn read_list(&mut self, field: &FieldDescriptor, list: &DynamicMessage) -> Result<(), String> {
        for (rule, value) in list.fields() {
            match (rule.name(), value) {
                ("min_items", Value::U64(min)) => self.list.min = *min,
                ("max_items", Value::U64(max)) => self.list.max = Some(*max),
                ("unique", Value::Bool(unique)) => self.list.is_unique = *unique,
                ("items", Value::Message(items)) => {
                    for (kind, rules) in items.fields() {
                        let rules = rules.as_message().ok_or("an item rule is not enforced")?;
                        self.value = Some(ValueRule::read(field, kind.name(), rules)?);
                    }
                }
                (other, _) => return Err(format!("the rule repeated.{other} is not enforced")),
            }
        }
        Ok(())
    }
}

// === impl ValueRule ===

impl ValueRule {
    fn read(field: &FieldDescriptor, kind: &str, rules: &DynamicMessage) -> Result<Self, String> {
        match (kind, field.kind()) {
            ("string", Kind::String) => Ok(Self::Text(TextRule::read(field, rules)?)),
            ("int32", Kind::Int32) => Self::read_int32(rules),
            (other, kind) => Err(format!("the rule {other} is not enforced on {kind:?}")),
        }
    }

    fn read_int32(rules: &DynamicMessage) -> Result<Self, String> {
        let (mut least, mut most) = (i32::MIN, i32::MAX);
        for (rule, value) in rules.fields() {
            let value = value.as_i32().ok_or("a rule on a number must be a number")?;
            match rule.name() {
                "gte" => least = value,
                "gt" => least = value.saturating_add(1),
                "lte" => most = value,
                "lt" => most = value.saturating_sub(1),
                other => return Err(format!("the rule int32.{other} is not enforced")),
            }
        }
        Ok(Self::Int32 { min: least, max: most })
    }
}

// === impl TextRule ===

impl TextRule {
    fn read(field: &FieldDescriptor, rules: &DynamicMessage) -> Result<Self, String> {
        let mut read = Self::default();
        for (rule, value) in rules.fields() {
            match (rule.name(), value) {
                ("min_len", Value::U64(min)) => read.min_chars = *min,
                ("max_len", Value::U64(max)) => read.max_chars = Some(*max),
                ("max_bytes", Value::U64(max)) => read.max_bytes = Some(*max),
                ("pattern", Value::String(pattern)) => {
                    read.format = Some(Format::new(pattern, comment(field))?);
                }
                ("email", Value::Bool(true)) => {
                    read.format = Some(Format::new(EMAIL, "an e-mail address".to_owned())?);
                }
                (other, _) => return Err(format!("the rule string.{other} is not enforced")),
            }
        }
        Ok(read)
    }
}

// === impl Format ===

impl Format {
    fn new(pattern: &str, words: String) -> Result<Self, String> {
        let compiled = Regex::new(pattern).map_err(|error| error.to_string())?;
        let words = if words.is_empty() { format!("of the form {pattern}") } else { words };
        Ok(Self { pattern: compiled, words })
    }
}

/// The first sentence of a field's comment: the contract's own words for its pattern.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|l| l.path == field.path()));
    let comment = location.and_then(|location| location.leading_comments.as_deref());
    let text = comment.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.').to_owned()
}
