//! `mainstay mail`: the letters of a running stack, which nobody sends.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use auth::operator::{Kept, Mailbox};
use clap::Args;
use database::Pool;
use platform::{config::Reader, seal::MasterKey};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    dev::{
        self, postgres,
        state::{self, State},
    },
    exit::Failure,
    service,
};

/// The options of `mainstay mail`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Only letters to this address
    #[arg(value_name = "ADDRESS")]
    pub to: Option<String>,
    /// Print the links in letters, and nothing else
    #[arg(long)]
    pub links: bool,
    /// Go on, and print letters as they are written
    #[arg(long)]
    pub follow: bool,
    /// At most so many letters
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub most: i64,
    /// The data folder of the running stack
    #[arg(long, value_name = "DIR", default_value = dev::DATA)]
    pub data: PathBuf,
}

/// Between two looks at the mailbox.
const PAUSE: Duration = Duration::from_millis(300);

/// Shows the letters.
pub fn run(options: &Options) -> Result<(), Failure> {
    let Some(state) = state::read(&options.data).filter(State::is_current) else {
        let message = format!("no stack runs on {}", options.data.display());
        return Err(Failure::unavailable(message, Some("mainstay dev, in another terminal")));
    };
    let pool = Pool::new(&postgres::url(&state.socket, "auth", "auth"), 1)?;
    let product = Reader::from_env().or("MAINSTAY_PRODUCT_NAME", "Mainstay".to_owned());
    let mailbox = Mailbox::new(pool, &master_key(&options.data)?, &product);
    service::runtime()?.block_on(show(options, &mailbox))
}

fn master_key(data: &Path) -> Result<MasterKey, Failure> {
    let path = data.join("secret");
    let key = fs::read_to_string(&path)?.trim().parse();
    key.map_err(|error| Failure::unavailable(format!("{}: {error}", path.display()), None))
}

async fn show(options: &Options, mailbox: &Mailbox) -> Result<(), Failure> {
    let to = options.to.as_deref();
    let letters = mailbox.letters(to, Uuid::nil(), options.most).await?;
    let mut last = letters.first().map_or(Uuid::nil(), |letter| letter.id);
    letters.iter().try_for_each(|letter| print(options, letter))?;
    if !options.follow {
        return Ok(());
    }
    loop {
        sleep(PAUSE).await;
        let letters = mailbox.letters(to, last, options.most).await?;
        last = letters.first().map_or(last, |letter| letter.id);
        letters.iter().rev().try_for_each(|letter| print(options, letter))?;
    }
}

fn print(options: &Options, letter: &Kept) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if options.links {
        letter.link.iter().try_for_each(|link| writeln!(out, "{link}"))?;
        return out.flush();
    }
    let Kept { recipient, created_at, written, .. } = letter;
    writeln!(out, "{created_at:.0}  to {recipient}  {}\n", written.subject)?;
    written.text.trim_end().lines().try_for_each(|line| writeln!(out, "    {line}"))?;
    writeln!(out)?;
    out.flush()
}
