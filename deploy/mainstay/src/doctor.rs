//! `mainstay doctor`: the checks that `mainstay dev` makes, without starting
//! anything, and the health of what runs.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use platform::{config::Reader, tls};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    dev::{
        self, Ports, folder, ports,
        postgres::{Choice, Owner, Places},
        state::{self, State},
    },
    exit::Failure,
    service,
};

/// The options of `mainstay doctor`.
#[derive(Args, Debug)]
pub struct Options {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = dev::DATA)]
    data: PathBuf,
    #[command(flatten)]
    ports: Ports,
    /// As in `mainstay dev`
    #[arg(long, value_name = "DIR|fetch")]
    pg: Option<Choice>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What a check found.
#[derive(Debug, Serialize)]
struct Finding {
    check: String,
    verdict: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Passed,
    Warning,
    Failed,
}

const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Checks everything, tells what was found, and fails if anything did.
pub fn run(options: &Options) -> Result<(), Failure> {
    let state = state::read(&options.data).filter(State::is_current);
    let places = Places::usual(options.pg.clone(), &mut Reader::from_env());
    let mut findings = vec![programs(options, &places), data(&options.data)];
    findings.extend(places.ignored(Owner::detect()).iter().map(|why| ignored(why)));
    findings.extend(certificate());
    match &state {
        Some(state) => findings.extend(service::runtime()?.block_on(stack(state))),
        None => findings.extend(options.ports.with_flags().map(port)),
    }
    let text = if options.json { json(&findings)? } else { text(&findings) };
    writeln!(io::stdout(), "{text}")?;
    let has_failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    if has_failed { Err(Failure::silent(1)) } else { Ok(()) }
}

// === impl Finding ===

impl Finding {
    fn passed(check: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { check: check.to_owned(), verdict: Verdict::Passed, detail, fix: None }
    }

    fn warning(check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        let fix = Some(fix.into());
        Self { verdict: Verdict::Warning, fix, ..Self::passed(check, detail) }
    }

    fn failed(check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::warning(check, detail, fix) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, verdict, detail, fix } = self;
        let sign = match verdict {
            Verdict::Passed => '✓',
            Verdict::Warning => '⚠',
            Verdict::Failed => '✗',
        };
        writeln!(f, "  {sign} {check:<10}  {detail}")?;
        fix.iter().try_for_each(|fix| writeln!(f, "      fix: {fix}"))
    }
}

/// Whether `PostgreSQL` is here, and can read the data.
fn programs(options: &Options, places: &Places) -> Finding {
    let version = fs::read_to_string(options.data.join("postgres/data/PG_VERSION")).ok();
    let wanted = version.as_deref().map(str::trim);
    let found: Vec<_> = places.binaries(Owner::detect()).collect();
    let fits = |major: u32| wanted.is_none_or(|wanted| wanted == major.to_string());
    let install = match wanted {
        Some(major) => format!("apt install postgresql-{major}"),
        None => "apt install postgresql   (or: brew install postgresql)".to_owned(),
    };
    match (found.iter().find(|it| fits(it.version.major)), wanted) {
        (Some(found), _) => Finding::passed("database", found.to_string()),
        (None, Some(major)) => {
            let detail = format!("the data needs PostgreSQL {major}, which is not here");
            Finding::failed("database", detail, install)
        }
        (None, None) => {
            let detail = "no PostgreSQL here; `mainstay dev` will fetch a copy with pip or npm";
            Finding::warning("database", detail, install)
        }
    }
}

/// Programs that were fetched, or seem so, and are not run.
fn ignored(why: &str) -> Finding {
    let detail = format!("{why}: no PostgreSQL is run from there");
    Finding::warning("cache", detail, "remove it; `mainstay dev --pg fetch` makes a new one")
}

/// Whether the data folder can be used, or is.
fn data(path: &Path) -> Finding {
    let shown = path.display();
    if let Some(error) = folder::in_use(path) {
        return if error.is_in_use() {
            Finding::passed("data", error.to_string())
        } else {
            Finding::failed("data", error.to_string(), error.fix())
        };
    }
    if !path.exists() {
        return Finding::passed("data", format!("{shown} will be made by `mainstay dev`"));
    }
    match tempfile::tempfile_in(path) {
        Ok(_) => Finding::passed("data", format!("{shown} can be written to")),
        Err(error) => {
            let fix = "mainstay dev --data DIR, one you can write to";
            Finding::failed("data", format!("{shown}: {error}"), fix)
        }
    }
}

/// Whether the certificate that the environment names can be used; nothing if it
/// names none.
fn certificate() -> Option<Finding> {
    let mut reader = Reader::from_env();
    let settings = tls::Settings::read(&mut reader);
    let settings = match reader.finish(settings) {
        Ok(settings) => settings?,
        Err(error) => {
            let problems: Vec<_> = error.problems().collect();
            let fix = "see \"TLS\" in deploy/README.md";
            return Some(Finding::failed("certificate", problems.join("; "), fix));
        }
    };
    let until = settings.valid_until();
    Some(match (settings.warnings().join("; "), until) {
        (warnings, _) if !warnings.is_empty() => {
            Finding::warning("certificate", warnings, "renew it, and chmod 600 its key")
        }
        (_, Some(until)) => Finding::passed("certificate", format!("valid until {until}")),
        (_, None) => Finding::passed("certificate", "will be issued when the gateway runs"),
    })
}

fn port((port, flag): (u16, &'static str)) -> Finding {
    let check = format!("port {port}");
    match ports::check_one(port, flag) {
        Ok(()) => Finding::passed(&check, "free"),
        Err(error) => Finding::failed(&check, error.to_string(), error.fix()),
    }
}

/// Asks each service that runs whether it can be used.
async fn stack(state: &State) -> Vec<Finding> {
    let metrics = &state.running.metrics;
    let mut findings = Vec::new();
    for (name, url) in
        [("auth", &metrics.auth), ("content", &metrics.content), ("gateway", &metrics.gateway)]
    {
        let address = url.trim_start_matches("http://").trim_end_matches("/metrics");
        let answer = timeout(ANSWER_LIMIT, ready(address)).await;
        findings.push(match answer {
            Ok(Ok(true)) => Finding::passed(name, "ready"),
            Ok(Ok(false)) => Finding::warning(name, "runs but is not ready", "see its log"),
            Ok(Err(error)) => Finding::failed(name, error.to_string(), "mainstay dev"),
            Err(_) => Finding::failed(name, "does not answer", "restart `mainstay dev`"),
        });
    }
    findings
}

/// Asks `/readyz`.
async fn ready(address: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1) == Some("200"))
}

fn json(findings: &[Finding]) -> io::Result<String> {
    Ok(serde_json::to_string(findings)?)
}

fn text(findings: &[Finding]) -> String {
    let lines: String = findings.iter().map(ToString::to_string).collect();
    let count = |wanted| findings.iter().filter(|finding| finding.verdict == wanted).count();
    let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
    let warnings = count(Verdict::Warning);
    let plural = if warnings == 1 { "" } else { "s" };
    format!("{lines}  {passed} passed, {warnings} warning{plural}, {failed} failed")
}
