//! `mainstay explain`: the catalogue of errors, for whoever sits at a terminal.

use std::io::{self, Write as _};

use clap::Args;
use platform::status::{CATALOGUE, FAULTS, FaultCode, Reason, code_name, find_fault};
use serde_json::{Value, json};

use crate::exit::Failure;

/// The options of `mainstay explain`.
#[derive(Args, Debug)]
pub struct Options {
    /// The `code` of an error, in any case, or the `type` of a problem; all if left out
    code: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const USAGE: u8 = 2;
/// Codes that differ more than this were not meant to be the same.
const CLOSE: f64 = 0.7;
const MOST: usize = 3;
const LONGEST: usize = 64;

/// Explains one error, or lists all.
pub fn run(options: &Options) -> Result<(), Failure> {
    let text = match &options.code {
        None if options.json => CATALOGUE.iter().copied().map(entry).collect::<Value>().to_string(),
        None => list(),
        Some(code) => {
            let plain = plain(code);
            match (platform::status::find(&plain), find_fault(&plain)) {
                (Some(reason), _) if options.json => entry(reason).to_string(),
                (Some(reason), _) => told(reason),
                (None, Some(fault)) if options.json => fault_entry(fault).to_string(),
                (None, Some(fault)) => fault_told(fault),
                (None, None) => return Err(unknown(code)),
            }
        }
    };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(())
}

/// Takes `EMAIL_TAKEN`, `email-taken` and `https://…/problems/email-taken`.
fn plain(code: &str) -> String {
    let code = code.trim().trim_end_matches('/');
    let last = code.rsplit('/').next().unwrap_or(code);
    last.to_ascii_uppercase().replace(['-', ' '], "_")
}

fn unknown(code: &str) -> Failure {
    let code = plain(code);
    let near = nearest(&code);
    let message = match near.as_slice() {
        [] => format!("there is no error with the code {code}"),
        near => {
            format!("there is no error with the code {code}; did you mean {}?", near.join(" or "))
        }
    };
    Failure::new(message, Some("mainstay explain   lists all codes"), USAGE)
}

/// The codes that are most like one that does not exist.
fn nearest(code: &str) -> Vec<&'static str> {
    if code.len() > LONGEST {
        return Vec::new();
    }
    let likeness = |known: &str| {
        let like = |word| strsim::normalized_damerau_levenshtein(code, word);
        known.split('_').map(like).chain([like(known)]).fold(0.0, f64::max)
    };
    let codes = CATALOGUE.iter().map(|reason| reason.code);
    let codes = codes.chain(FAULTS.iter().map(|fault| fault.code));
    let mut near: Vec<_> = codes
        .map(|code| (likeness(code), code))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(MOST).map(|(_, code)| code).collect()
}

fn list() -> String {
    let width = CATALOGUE.iter().map(|reason| reason.code.len()).max().unwrap_or_default();
    let line = |reason: &&Reason| {
        let Reason { code, http, title, .. } = reason;
        format!("{code:<width$}  {http}  {title}\n")
    };
    let reasons: String = CATALOGUE.iter().map(line).collect();
    let rule =
        |FaultCode { code, title, .. }: &FaultCode| format!("{code:<width$}       {title}\n");
    let faults: String = FAULTS.iter().map(rule).collect();
    format!("{reasons}\nIn the errors of a problem:\n{faults}")
}

fn told(reason: &Reason) -> String {
    let Reason { code, grpc, http, title, detail } = reason;
    let grpc = code_name(*grpc);
    format!("{code}: {title}\n\n  {detail}\n\n  HTTP  {http}\n  gRPC  {grpc}")
}

fn entry(reason: &Reason) -> Value {
    let Reason { code, grpc, http, title, detail } = reason;
    json!({
        "code": code, "status": http, "grpc": code_name(*grpc), "title": title, "detail": detail,
    })
}

fn fault_told(FaultCode { code, title, detail }: &FaultCode) -> String {
    format!("{code}: {title}\n\n  {detail}\n\n  One of a problem's `errors`, which says where.")
}

fn fault_entry(FaultCode { code, title, detail }: &FaultCode) -> Value {
    json!({"code": code, "title": title, "detail": detail})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        for code in
            ["EMAIL_TAKEN", "email_taken", " Email-Taken", "http://a.org/problems/email-taken/"]
        {
            assert_eq!(plain(code), "EMAIL_TAKEN");
        }
    }

    #[test]
    fn near_misses_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("EMAIL_TAKN").first(), Some(&"EMAIL_TAKEN"));
        let near = nearest("EMIAL");
        assert!(!near.is_empty() && near.iter().all(|code| code.contains("EMAIL")), "{near:?}");
        assert!(nearest("TOKEN").contains(&"TOKEN_EXPIRED"));
        assert!(nearest("TOKEN").len() <= MOST);
        assert_eq!(nearest("TO_LONG"), ["TOO_LONG"]);
        assert!(nearest("QUITE_SOMETHING_ELSE").is_empty());
        assert!(nearest(&"A".repeat(100_000)).is_empty());
        let told = unknown("emial-taken").to_string();
        assert!(told.contains("did you mean EMAIL_TAKEN") && told.contains("fix:"), "{told}");
    }

    #[test]
    fn everything_is_listed_and_told() {
        let list = list();
        assert_eq!(list.lines().count(), CATALOGUE.len() + 2 + FAULTS.len());
        for reason in CATALOGUE {
            assert!(list.contains(reason.title), "{}", reason.code);
            assert!(told(reason).contains(reason.detail), "{}", reason.code);
            assert_eq!(entry(reason)["status"], reason.http);
        }
    }
}
