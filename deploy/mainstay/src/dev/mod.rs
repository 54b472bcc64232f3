//! `mainstay dev`: everything at once, on a database of its own.

pub mod child;
pub mod demo;
pub mod folder;
mod launch;
mod options;
pub mod ports;
pub mod postgres;
pub mod report;
pub mod signals;
pub mod stack;
pub mod state;
pub mod terminal;

use std::time::{Duration, Instant};

use platform::config::Reader;

pub use self::options::{DATA, Options, Ports};
use self::{folder::Folder, report::Report, signals::Signals, stack::Stack, terminal::Terminal};
use crate::{admin, exit::Failure, service};

/// How long the processes of a stack that was killed may take to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the stack until a signal comes.
pub fn run(options: &Options) -> Result<(), Failure> {
    service::runtime()?.block_on(dev(options))
}

async fn dev(options: &Options) -> Result<(), Failure> {
    let started = Instant::now();
    let mut signals = Signals::listen()?;
    let no_colour = Reader::from_env().optional::<String>("NO_COLOR").is_some();
    let terminal = Terminal::new(options.json, no_colour);
    let mut stack = tokio::select! {
        stack = start(options, terminal, started) => stack?,
        () = signals.next() => {
            terminal.say("stopped before it was ready");
            return Ok(());
        }
    };
    tokio::select! {
        () = stack.watch() => {}
        () = signals.next() => {}
    }
    let (asked, farewell) = (Instant::now(), farewell(options));
    stack.stop(&mut signals).await;
    terminal.say(&format!("stopped in {:.1} s. {farewell}", asked.elapsed().as_secs_f64()));
    Ok(())
}

async fn start(options: &Options, terminal: Terminal, started: Instant) -> Result<Stack, Failure> {
    terminal.say(concat!("mainstay ", env!("CARGO_PKG_VERSION"), " · development"));
    let folder = if options.ephemeral { Folder::ephemeral() } else { Folder::open(&options.data) }?;
    let was_killed = state::read(folder.path()).is_some();
    let patience = if was_killed { PATIENCE } else { Duration::ZERO };
    ports::check(options.ports.with_flags(), patience).await?;
    let stack = Stack::start(options, folder, terminal).await?;
    report(options, &stack)
        .await
        .tell(terminal, started.elapsed())
        .map_err(std::io::Error::from)?;
    Ok(stack)
}

/// What is not there, such as an admin to sign in as, does not keep anybody from
/// using the rest.
async fn report(options: &Options, stack: &Stack) -> Report {
    let running = stack.running();
    let url = stack.postgres().url("auth", "auth");
    let link = async {
        let link = admin::sign_in_link(&url, &running.gateway).await;
        link.inspect_err(|failure| terminal::note(&failure.to_string())).ok()
    };
    let demo = async {
        if options.no_demo {
            return None;
        }
        let seeded = demo::seed(&running, stack.postgres().cluster().home()).await;
        seeded.inspect_err(|error| terminal::note(&format!("no demo data: {error}"))).ok()
    };
    let (admin_link, demo) = tokio::join!(link, demo);
    Report { running, admin_link, demo }
}

fn farewell(options: &Options) -> String {
    if options.ephemeral {
        return "Nothing is kept.".to_owned();
    }
    format!("Data kept in {}", options.data.display())
}
