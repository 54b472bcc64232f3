//! What the user sees while the stack starts, runs and stops.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

/// Standard output, for people or for programs.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    is_for_people: bool,
    has_colour: bool,
}

// === impl Terminal ===

impl Terminal {
    /// Programs get JSON and no colour.
    pub fn new(json: bool, no_colour: bool) -> Self {
        Self { is_for_people: !json, has_colour: io::stdout().is_terminal() && !no_colour }
    }

    /// Whether people read along.
    pub fn is_for_people(self) -> bool {
        self.is_for_people
    }

    /// Tells people that a step is done: what, how, and how long it took.
    pub fn step(self, name: &str, what: impl Display, took: Duration) {
        let tick = if self.has_colour { "\x1b[32m✓\x1b[0m" } else { "✓" };
        self.say(&format!("  {tick} {name:<9} {what:<56} {:>6.2} s", took.as_secs_f64()));
    }

    /// Tells people a line.
    pub fn say(self, line: &str) {
        if self.is_for_people {
            print(line);
        }
    }
}

/// Writes a line to standard output.
pub fn print(line: &str) {
    let mut out = io::stdout().lock();
    // Whoever read along is gone; the stack need not follow.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// Tells, beside the logs, what needs no answer.
pub fn note(line: &str) {
    drop(writeln!(io::stderr(), "mainstay: {line}"));
}
