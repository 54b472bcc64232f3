//! Checks a message on its wire form.

use std::collections::{HashMap, HashSet};

use prost::{
    Message,
    encoding::{WireType, decode_key, decode_varint},
};
use prost_types::FieldMask;

use super::plan::{Field, ListRule, Plan, TextRule, UpdateMask, ValueRule};
use crate::status::Violation;

/// Paths of a mask that are told to be unknown.
const MOST_UNKNOWN: usize = 10;

/// The values of one field, in order.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Found<'a> {
    Bytes(&'a [u8]),
    Number(u64),
}

/// Reports every rule that an encoded message breaks, in the order of its fields.
pub(super) fn check(plan: &Plan, message: &[u8]) -> Vec<Violation> {
    let values = collect(message);
    let mut violations = Vec::new();
    let named = plan.mask.as_ref().map(|mask| mask.named(&values, &mut violations));
    for (number, field) in &plan.fields {
        let found = values.get(number).map_or(&[][..], Vec::as_slice);
        let is_named = named.as_ref().is_some_and(|named| named.contains(number));
        field.check(found, is_named, &mut violations);
    }
    violations
}

/// The values of all fields. What prost encoded is well formed, so a value that
/// cannot be read is not expected and ends the walk.
fn collect(mut rest: &[u8]) -> HashMap<u32, Vec<Found<'_>>> {
    let mut values: HashMap<u32, Vec<Found<'_>>> = HashMap::new();
    while !rest.is_empty() {
        let Ok((number, wire_type)) = decode_key(&mut rest) else { break };
        let Some(value) = take(wire_type, &mut rest) else { break };
        values.entry(number).or_default().push(value);
    }
    values
}

fn take<'a>(wire_type: WireType, rest: &mut &'a [u8]) -> Option<Found<'a>> {
    let length = match wire_type {
        WireType::Varint => return decode_varint(rest).ok().map(Found::Number),
        WireType::LengthDelimited => usize::try_from(decode_varint(rest).ok()?).ok()?,
        WireType::ThirtyTwoBit => 4,
        WireType::SixtyFourBit => 8,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let (value, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Found::Bytes(value))
}

// === impl UpdateMask ===

impl UpdateMask {
    /// The numbers of the fields that the mask names.
    fn named(
        &self,
        values: &HashMap<u32, Vec<Found<'_>>>,
        violations: &mut Vec<Violation>,
    ) -> HashSet<u32> {
        let encoded = values.get(&self.number).and_then(|found| found.last());
        let Some(Found::Bytes(encoded)) = encoded else { return HashSet::new() };
        let mask = FieldMask::decode(*encoded).unwrap_or_default();
        let mut named = HashSet::new();
        for path in mask.paths {
            if let Some(number) = self.changeable.get(&path) {
                named.insert(*number);
                continue;
            }
            if violations.len() >= MOST_UNKNOWN {
                break;
            }
            let names: Vec<_> = self.changeable.keys().map(String::as_str).collect();
            violations.push(Violation {
                field: "update_mask".to_owned(),
                code: "UNKNOWN_FIELD",
                rule: format!("{path:?} cannot be changed; these can: {}", names.join(", ")),
            });
        }
        named
    }
}

// === impl Field ===

impl Field {
    /// A field that the update mask names and that is absent is to be cleared,
    /// so it is its default that must obey the rules.
    fn check(&self, found: &[Found<'_>], is_named: bool, violations: &mut Vec<Violation>) {
        if self.is_list {
            // Too many are not looked at one by one.
            if let Some(broken @ ("TOO_MANY", _)) = self.list.check(found) {
                violations.push(self.violation(broken));
                return;
            }
            for (index, value) in found.iter().enumerate() {
                let broken = self.value.as_ref().and_then(|rule| rule.check(value));
                violations.extend(broken.map(|(code, rule)| Violation {
                    field: format!("{}[{index}]", self.name),
                    code,
                    rule,
                }));
            }
            let broken = self.list.check(found);
            violations.extend(broken.map(|broken| self.violation(broken)));
            return;
        }
        let broken = match (found.last(), &self.value) {
            (None, _) if self.is_required => Some(("REQUIRED", "must be given".to_owned())),
            (None, _) if self.has_presence && !is_named => None,
            (None, Some(rule)) => rule.check_default(),
            (Some(value), Some(rule)) => rule.check(value),
            (_, None) => None,
        };
        violations.extend(broken.map(|broken| self.violation(broken)));
    }

    fn violation(&self, (code, rule): (&'static str, String)) -> Violation {
        Violation { field: self.name.clone(), code, rule }
    }
}

// === impl ValueRule ===

impl ValueRule {
    fn check(&self, found: &Found<'_>) -> Option<(&'static str, String)> {
        match (self, found) {
            (Self::Text(rule), Found::Bytes(bytes)) => rule.check(&String::from_utf8_lossy(bytes)),
            (Self::Int32 { min, max }, Found::Number(number)) => {
                // Protobuf sign-extends an int32 to 64 bits.
                let value = number.cast_signed();
                let is_in = (i64::from(*min)..=i64::from(*max)).contains(&value);
                (!is_in).then(|| ("OUT_OF_RANGE", range(*min, *max)))
            }
            (Self::Text(_), Found::Number(_)) | (Self::Int32 { .. }, Found::Bytes(_)) => None,
        }
    }

    fn check_default(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Text(rule) => rule.check(""),
            Self::Int32 { .. } => self.check(&Found::Number(0)),
        }
    }
}

fn range(least: i32, most: i32) -> String {
    match (least, most) {
        (i32::MIN, most) => format!("must be at most {most}"),
        (least, i32::MAX) => format!("must be at least {least}"),
        (least, most) => format!("must be {least} to {most}"),
    }
}

// === impl TextRule ===

impl TextRule {
    fn check(&self, text: &str) -> Option<(&'static str, String)> {
        if text.contains('\0') {
            return Some(("INVALID", "must not contain the character U+0000".to_owned()));
        }
        let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if chars < self.min_chars {
            let rule = match self.min_chars {
                1 => "must not be empty".to_owned(),
                least => format!("must be at least {least} characters"),
            };
            return Some(("TOO_SHORT", rule));
        }
        if let Some(most) = self.max_chars.filter(|most| chars > *most) {
            return Some(("TOO_LONG", format!("must be at most {most} characters")));
        }
        if let Some(most) = self.max_bytes.filter(|most| bytes > *most) {
            return Some(("TOO_LONG", format!("must be at most {most} bytes")));
        }
        let format = self.format.as_ref().filter(|format| !format.pattern.is_match(text))?;
        Some(("INVALID", format!("must be {}", format.words)))
    }
}

// === impl ListRule ===

impl ListRule {
    fn check(&self, found: &[Found<'_>]) -> Option<(&'static str, String)> {
        let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
        if count < self.min {
            return Some(("TOO_FEW", format!("must have at least {}", self.min)));
        }
        if let Some(most) = self.max.filter(|most| count > *most) {
            return Some(("TOO_MANY", format!("must have at most {most}")));
        }
        let mut seen = HashSet::new();
        let is_repeated = self.is_unique && !found.iter().all(|value| seen.insert(value));
        is_repeated.then(|| ("NOT_UNIQUE", "must all be different".to_owned()))
    }
}
