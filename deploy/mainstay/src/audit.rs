//! `mainstay audit`: checks the audit log, keeps a witness of it, and drops what is
//! old.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use auth::operator::audit::{
    Checkpoint, Error, Findings, PURPOSE, Trusted, last_checkpoint, prune, verify,
};
use clap::{Args, Subcommand};
use database::Pool;
use platform::{
    config::{List, Reader},
    seal::MasterKey,
    sign::{PublicKey, Signer},
};

use crate::{
    dev::{
        postgres,
        state::{self, State},
    },
    exit::Failure,
    service,
};

/// What can be done with the log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Find whatever was changed, removed, put in or moved; exit code 1 if anything was
    Verify(Verify),
    /// Print the last signed checkpoint, to be kept elsewhere as a witness
    Checkpoint(Place),
    /// Drop the events of old months
    Prune(Prune),
    /// Print the keys that checkpoints are verified with, the present one first
    Key(Place),
}

/// Where the log is.
#[derive(Args, Debug)]
pub struct Place {
    /// The data folder of a running `mainstay dev`; else `DATABASE_URL` and
    /// `MAINSTAY_SECRET_KEY` say
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What is checked.
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    place: Place,
    /// A key that checkpoints may be signed with, for whoever has no secret key
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<PublicKey>,
    /// Checkpoints that were kept elsewhere, one line each
    #[arg(long, value_name = "FILE")]
    since_checkpoint: Option<PathBuf>,
}

/// What is dropped.
#[derive(Args, Debug)]
pub struct Prune {
    #[command(flatten)]
    place: Place,
    /// A key that old checkpoints are signed with, besides those of secrets that are set
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<PublicKey>,
    /// The first month to be kept, as `2026-10`
    #[arg(long, value_name = "MONTH")]
    before: String,
}

/// An opened log.
struct Log {
    pool: Pool,
    /// The present key first.
    signers: Vec<Signer>,
}

/// Does it.
pub fn run(audit: &Audit) -> Result<(), Failure> {
    service::runtime()?.block_on(async {
        match audit {
            Audit::Verify(options) => verify_log(options).await,
            Audit::Checkpoint(place) => checkpoint(place).await,
            Audit::Prune(options) => prune_log(options).await,
            Audit::Key(place) => keys(place),
        }
    })
}

async fn verify_log(options: &Verify) -> Result<(), Failure> {
    let log = Log::open(&options.place, !options.public_keys.is_empty())?;
    let keys = log.signers.iter().map(Signer::public).chain(options.public_keys.clone()).collect();
    let witnesses = options.since_checkpoint.as_deref().map_or(Ok(Vec::new()), witnesses)?;
    match verify(&log.pool, &Trusted { keys, witnesses }).await {
        Ok(findings) => Ok(writeln!(io::stdout(), "{}", text(&findings))?),
        Err(Error::Broken(broken)) => Err(Failure::new(broken.to_string(), None, 1)),
        Err(Error::Database(error)) => Err(error.into()),
    }
}

fn keys(place: &Place) -> Result<(), Failure> {
    let log = Log::open(place, false)?;
    let mut out = io::stdout();
    Ok(log.signers.iter().try_for_each(|signer| writeln!(out, "{}", signer.public()))?)
}

async fn checkpoint(place: &Place) -> Result<(), Failure> {
    let log = Log::open(place, true)?;
    let checkpoint = last_checkpoint(&log.pool).await?;
    let checkpoint = checkpoint.ok_or_else(|| {
        Failure::unavailable("there is no checkpoint yet", Some("try again in a minute"))
    })?;
    Ok(writeln!(io::stdout(), "{}", checkpoint.line())?)
}

async fn prune_log(options: &Prune) -> Result<(), Failure> {
    let month = format!("{}-01", options.before).parse().map_err(|_no_month| {
        Failure::new(format!("{} is no month", options.before), Some("--before 2026-10"), 2)
    })?;
    let log = Log::open(&options.place, false)?;
    let keys = log.signers.iter().map(Signer::public).chain(options.public_keys.clone()).collect();
    // What is dropped can never be checked again.
    match verify(&log.pool, &Trusted { keys, witnesses: Vec::new() }).await {
        Ok(_) => {}
        Err(Error::Broken(broken)) => return Err(Failure::new(broken.to_string(), None, 1)),
        Err(Error::Database(error)) => return Err(error.into()),
    }
    let signer = log.signers.first().ok_or_else(|| Failure::new("no key", None, 78))?;
    let told = match prune(&log.pool, signer, month).await? {
        None => "nothing is that old".to_owned(),
        Some(pruned) => {
            format!("{} months dropped, up to event {}", pruned.months, pruned.position)
        }
    };
    Ok(writeln!(io::stdout(), "{told}")?)
}

// === impl Log ===

impl Log {
    /// Opens the log of a place. Whoever has public keys needs no secret one.
    fn open(place: &Place, is_keyless: bool) -> Result<Self, Failure> {
        let mut reader = Reader::from_env();
        let (url, keys) = if let Some(data) = &place.data {
            (url(data)?, vec![secret(data)?])
        } else {
            let url: String = reader.required("DATABASE_URL");
            let present = if is_keyless {
                reader.optional("MAINSTAY_SECRET_KEY")
            } else {
                Some(reader.required("MAINSTAY_SECRET_KEY"))
            };
            let List(previous) = reader.or("MAINSTAY_PREVIOUS_SECRET_KEYS", List::default());
            (url, present.into_iter().chain(previous).collect())
        };
        let mut signers = Vec::new();
        for key in keys {
            match key.parse::<MasterKey>() {
                Ok(master) => signers.push(Signer::new(&master, PURPOSE)),
                Err(error) => reader.problem(format!("a secret key {error}")),
            }
        }
        let (url, signers) = reader.finish((url, signers))?;
        Ok(Self { pool: Pool::unhurried(&url)?, signers })
    }
}

/// Where the database of the stack is that runs on a data folder.
pub(crate) fn url(data: &Path) -> Result<String, Failure> {
    let Some(state) = state::read(data).filter(State::is_current) else {
        let message = format!("no stack runs on {}", data.display());
        return Err(Failure::unavailable(message, Some("mainstay dev, in another terminal")));
    };
    Ok(postgres::url(&state.socket, "auth", "auth"))
}

fn secret(data: &Path) -> Result<String, Failure> {
    Ok(fs::read_to_string(data.join("secret"))?.trim().to_owned())
}

fn witnesses(path: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let read = lines.map(serde_json::from_str).collect::<Result<_, _>>();
    read.map_err(|error| {
        let message = format!("{}: not lines of checkpoints: {error}", path.display());
        Failure::new(message, Some("mainstay audit checkpoint >> FILE"), 65)
    })
}

fn text(findings: &Findings) -> String {
    let Findings { events, last, pruned, checkpoints, uncovered, erased, waiting } = findings;
    format!(
        "{events} events, all as they were written; the last is {last}\n\
         {checkpoints} checkpoints; {uncovered} events are behind the last one\n\
         {pruned} events were dropped; what is private was erased in {erased}; {waiting} wait for their place"
    )
}
