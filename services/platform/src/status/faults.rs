//! Every kind of rule that a field or a parameter can break, once: the `code` of a
//! problem's `errors[]`, the `reason` of a `FieldViolation`.

/// A kind of rule.
#[derive(Debug, PartialEq, Eq)]
pub struct FaultCode {
    /// What programs compare.
    pub code: &'static str,
    /// What is wrong, the same every time.
    pub title: &'static str,
    /// What to do; the `detail` beside the code says the limits.
    pub detail: &'static str,
}

macro_rules! faults {
    ($($code:literal $title:literal $detail:literal)*) => {
        /// Every kind there is.
        pub const FAULTS: &[FaultCode] =
            &[$(FaultCode { code: $code, title: $title, detail: $detail }),*];
    };
}

faults! {
    "REQUIRED" "Missing" "give the field a value"
    "TOO_SHORT" "Too short" "write more characters, or at least one"
    "TOO_LONG" "Too long" "write fewer characters"
    "OUT_OF_RANGE" "Out of range" "choose a number between the limits"
    "INVALID" "Of the wrong form" "write it in the form that the detail asks for"
    "TOO_FEW" "Too few" "list more of them"
    "TOO_MANY" "Too many" "list fewer of them, or send several requests"
    "NOT_UNIQUE" "There twice" "list each of them once"
    "WRONG_TYPE" "Of the wrong type" "send the type that the detail asks for"
    "DUPLICATE" "Given twice" "say it once: in the path, in the query or in the body"
    "UNKNOWN_FIELD" "No such field" "use a field of the request; the suggestion may be the one"
    "PASSWORD_TOO_COMMON" "A password that attackers try first" "take several words that have nothing to do with each other"
    "PASSWORD_CONTAINS_NAME" "A password with a name in it" "leave out your name, your address and the name of this product"
    "UNKNOWN_PARAMETER" "No such parameter" "use a parameter of the route; the suggestion may be the one"
}

/// The kind with a code.
pub fn find_fault(code: &str) -> Option<&'static FaultCode> {
    FAULTS.iter().find(|fault| fault.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found() {
        for (index, fault) in FAULTS.iter().enumerate() {
            assert_eq!(find_fault(fault.code), Some(fault));
            assert!(FAULTS[..index].iter().all(|earlier| earlier.code != fault.code));
        }
        assert_eq!(find_fault("NOPE"), None);
    }
}
