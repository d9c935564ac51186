//! `carillon user` and `carillon token`: commands that edit and explain the users file. A running server reads the file again
//! when it changes.

mod check;
mod file;
#[cfg(test)]
mod tests;

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write},
    path::PathBuf,
};

use access::{
    CertificateName, PasswordHash, SALT_BYTES, TOKEN_BYTES, TokenHash, hash_password, write_token,
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use ring::rand::{SecureRandom as _, SystemRandom};

use check::CheckOptions;
use file::FileEditor;

/// The options of `carillon user`.
#[derive(Debug, Args)]
pub struct UserOptions {
    #[command(subcommand)]
    command: UserCommand,
}

/// The options of `carillon token`.
#[derive(Debug, Args)]
pub struct TokenOptions {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a user; creates the users file if it is missing. Asks for the password, or reads one line of standard input
    Add {
        #[command(flatten)]
        file: UsersFileOption,
        /// The name of the user
        name: String,
        /// Make the user a member of a group; a group that is missing is created without rights. May be given more than once
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// Add the user without a password, for logins with tokens
        #[arg(long)]
        no_password: bool,
        /// Let the user log in with this TLS client certificate instead of a password: CN=NAME, DNS:NAME, email:ADDRESS,
        /// URI:URI, or sha256: and the fingerprint
        #[arg(long, value_name = "NAME", value_parser = CertificateName::new)]
        certificate: Option<CertificateName>,
    },
    /// Change the password of a user. Asks for the password, or reads one line of standard input
    Passwd {
        #[command(flatten)]
        file: UsersFileOption,
        /// The name of the user
        name: String,
    },
    /// Remove a user with its tokens; a running server closes its connections
    Remove {
        #[command(flatten)]
        file: UsersFileOption,
        /// The name of the user
        name: String,
    },
    /// List the users with their groups
    List {
        #[command(flatten)]
        file: UsersFileOption,
    },
    /// Explain whether a user may do something, and which rule decides. The exit status is 0 if it is allowed, 1 if it is
    /// not, 2 after any other error
    Check(CheckOptions),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Add a token, and print it. It is shown only once: the file has only its hash
    Add {
        #[command(flatten)]
        file: UsersFileOption,
        /// The name of the token, and of the user that it is unless --user is given
        name: String,
        /// Let the token stand for a user, with the rights of that user
        #[arg(long, value_name = "USER", conflicts_with = "groups")]
        user: Option<String>,
        /// Make the token a member of a group; a group that is missing is created without rights. May be given more than once
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Remove a token; a running server closes its connections
    Revoke {
        #[command(flatten)]
        file: UsersFileOption,
        /// The name of the token
        name: String,
    },
    /// List the tokens with the users for which they stand, or their groups
    List {
        #[command(flatten)]
        file: UsersFileOption,
    },
}

/// The users file of a command.
#[derive(Debug, Args)]
struct UsersFileOption {
    /// The users file
    #[arg(
        long = "users",
        env = "CARILLON_USERS",
        default_value = "users.toml",
        value_name = "FILE"
    )]
    path: PathBuf,
}

/// Runs `carillon user`. Returns false if something is not allowed.
///
/// # Errors
/// The file cannot be read, changed or written.
pub fn run_user(options: &UserOptions) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match &options.command {
        UserCommand::Add {
            file,
            name,
            groups,
            no_password,
            certificate,
        } => {
            let mut editor = FileEditor::open_or_new(&file.path)?;
            let password = match *no_password || certificate.is_some() {
                true => None,
                false => Some(new_password(name)?),
            };
            editor.users.add_user(name, password.as_ref(), groups)?;
            if let Some(certificate) = certificate {
                editor.users.set_certificate(name, certificate)?;
            }
            editor.save()?;
            writeln!(out, "user {name:?} was added to {}", file.path.display())?;
            if editor.has_no_rules(name) {
                writeln!(out, "{}", hint(name))?;
            }
        }
        UserCommand::Passwd { file, name } => {
            let mut editor = FileEditor::open(&file.path)?;
            editor.check_user(name)?;
            let password = new_password(name)?;
            editor.users.set_password(name, &password)?;
            editor.save()?;
            writeln!(out, "the password of {name:?} was changed")?;
        }
        UserCommand::Remove { file, name } => {
            let mut editor = FileEditor::open(&file.path)?;
            editor.users.remove_user(name)?;
            editor.save()?;
            writeln!(out, "user {name:?} was removed")?;
        }
        UserCommand::List { file } => {
            let editor = FileEditor::open(&file.path)?;
            let users = editor.users.users();
            for name in users.names() {
                let groups: Vec<_> = users.groups_of(name).collect();
                writeln!(out, "{name:<20} {}", groups.join(", "))?;
            }
        }
        UserCommand::Check(options) => return check::run(options, &mut out),
    }
    Ok(true)
}

/// Runs `carillon token`.
///
/// # Errors
/// The file cannot be read, changed or written.
pub fn run_token(options: &TokenOptions) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match &options.command {
        TokenCommand::Add {
            file,
            name,
            user,
            groups,
        } => {
            let mut editor = FileEditor::open_or_new(&file.path)?;
            let token = write_token(&random::<TOKEN_BYTES>()?);
            let hash = TokenHash::of(&token).context("a new token is not valid")?;
            editor
                .users
                .add_token(name, hash, user.as_deref(), groups)?;
            editor.save()?;
            // Alone on standard output, for scripts.
            writeln!(out, "{token}")?;
            printable::note("carillon: keep the token now; it is not shown again");
        }
        TokenCommand::Revoke { file, name } => {
            let mut editor = FileEditor::open(&file.path)?;
            editor.users.remove_token(name)?;
            editor.save()?;
            writeln!(out, "token {name:?} was revoked")?;
        }
        TokenCommand::List { file } => {
            let editor = FileEditor::open(&file.path)?;
            let users = editor.users.users();
            for name in users.tokens() {
                let stands_for = match users.user_of_token(name) {
                    Some(user) => format!("for {user}"),
                    None => users.groups_of(name).collect::<Vec<_>>().join(", "),
                };
                writeln!(out, "{name:<20} {stands_for}")?;
            }
        }
    }
    Ok(())
}

/// Asks for a new password, twice on a terminal, and hashes it.
fn new_password(name: &str) -> anyhow::Result<PasswordHash> {
    let password = match io::stdin().is_terminal() {
        true => {
            let first = rpassword::prompt_password(format!("Password for {name}: "))?;
            let second = rpassword::prompt_password("Again: ")?;
            if first != second {
                bail!("the passwords differ");
            }
            first
        }
        false => {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line)?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    if password.is_empty() {
        bail!("the password is empty");
    }
    Ok(hash_password(
        password.as_bytes(),
        &random::<SALT_BYTES>()?,
    )?)
}

fn random<const LENGTH: usize>() -> anyhow::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.ok().context("the system has no random numbers")?;
    Ok(bytes)
}

/// Returns how a new user gets rights.
fn hint(name: &str) -> String {
    format!(
        "{name:?} has no rights yet. Add some to its table in the file, for example:\n  \
         publish = [\"news.>\"]\n  subscribe = [\">\"]\n  send = [\"orders.>\"]\n  receive = [\"orders.>\"]"
    )
}
