//! What can be typed.

use std::path::PathBuf;

use crate::{audit, dev, doctor, exit::Failure, explain, keys, mail, migrate, service::Service};
use clap::{Args, Parser, Subcommand};

const TEMPLATE: &str = "\
{about}

Examples:
  mainstay dev                         everything, ready in a second; Ctrl-C stops it
  mainstay dev --port 9000 --ephemeral another one beside it that leaves nothing behind
  mainstay admin link                  a new link that signs you in as administrator
  mainstay mail --follow               the letters that a running stack writes
  mainstay doctor                      what is wrong, and how to put it right
  mainstay explain EMAIL_TAKEN         what an error means
  mainstay keys list                   the keys that sign tokens

{usage-heading} {usage}

{all-args}";

const DEV_TEMPLATE: &str = "\
{about}

Examples:
  mainstay dev                                     on the usual ports
  mainstay dev --port 0 --auth-port 0 --content-port 0 --ephemeral --json
                                                   anywhere, for tests and scripts
  mainstay dev --pg /usr/lib/postgresql/17/bin     with this PostgreSQL

{usage-heading} {usage}

{all-args}";

/// Publishing backend: users, sessions and posts over REST and gRPC.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, help_template = TEMPLATE, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine, with a PostgreSQL of its own
    #[command(help_template = DEV_TEMPLATE)]
    Dev(dev::Options),
    /// Run the auth service; set up through the environment
    Auth,
    /// Run the content service; set up through the environment
    Content,
    /// Run the gateway; set up through the environment
    Gateway,
    /// Migrate the databases named by `AUTH_DATABASE_URL` and `CONTENT_DATABASE_URL`
    Migrate,
    /// Check this machine and the running stack, and say how to fix what is wrong
    Doctor(doctor::Options),
    /// Say what an error means and what to do about it
    Explain(explain::Options),
    /// Show the letters that a running `mainstay dev` has written, newest first
    Mail(mail::Options),
    /// Look after a running stack
    #[command(subcommand)]
    Admin(Admin),
    /// Check the audit log, keep a witness of it, drop what is old
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Look after the keys that sign tokens and encrypt what is stored
    #[command(subcommand, long_about = keys::ABOUT)]
    Keys(keys::Command),
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Print a new link that signs in as administrator, once
    Link(Link),
    /// Make an administrator, and print a link that signs in as them, once
    Create(crate::admin::Create),
    /// Make a key for a service of the product and print it, once
    ServiceKey(ServiceKey),
}

#[derive(Args, Debug)]
struct Link {
    /// The data folder of the running stack
    #[arg(long, value_name = "DIR", default_value = dev::DATA)]
    data: PathBuf,
}

#[derive(Args, Debug)]
struct ServiceKey {
    /// Which service: content, gateway or one of your own
    name: String,
    /// The data folder of the running stack, unless `DATABASE_URL` names the database of auth
    #[arg(long, value_name = "DIR", default_value = dev::DATA)]
    data: PathBuf,
}

// === impl Cli ===

impl Cli {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Dev(options) => dev::run(&options),
            Command::Auth => Service::Auth.run(),
            Command::Content => Service::Content.run(),
            Command::Gateway => Service::Gateway.run(),
            Command::Migrate => migrate::run(),
            Command::Doctor(options) => doctor::run(&options),
            Command::Explain(options) => explain::run(&options),
            Command::Mail(options) => mail::run(&options),
            Command::Admin(Admin::Link(link)) => crate::admin::link(&link.data),
            Command::Admin(Admin::Create(create)) => crate::admin::create(&create),
            Command::Audit(what) => audit::run(&what),
            Command::Admin(Admin::ServiceKey(key)) => {
                crate::service_key::print(&key.name, &key.data)
            }
            Command::Keys(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_misspelt_flag_is_answered_with_the_right_one() {
        let error = Cli::try_parse_from(["mainstay", "dev", "--prot", "1"]).unwrap_err();
        assert!(error.to_string().contains("--port"), "{error}");
    }
}
