//! Changes of the users file that keep its comments and its order.

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use crate::{
    certificate::CertificateName,
    file::{FileError, Users},
    password::PasswordHash,
    token::TokenHash,
};

/// The text of a users file that is being changed.
#[derive(Debug, Clone)]
pub struct UsersEditor {
    /// The comments at the beginning of the file, up to a blank line: they belong to no table.
    head: String,
    document: DocumentMut,
    users: Users,
}

/// The error for a change that is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file has a fault already, or would have one after the change.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is a user or token with this name.
    #[error("there is already a {kind} {name:?}")]
    Exists {
        /// `user` or `token`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// There is no user or token with this name.
    #[error("there is no {kind} {name:?}")]
    Unknown {
        /// `user` or `token`.
        kind: &'static str,
        /// The name.
        name: String,
    },
}

impl UsersEditor {
    /// Begins with the text of a file.
    ///
    /// # Errors
    /// The file has a fault.
    pub fn new(text: &str) -> Result<Self, EditError> {
        let users = Users::parse(text)?;
        let (head, tables) = split_head(text);
        let document = tables.parse::<DocumentMut>().unwrap_or_default();
        Ok(Self {
            head: head.to_owned(),
            document,
            users,
        })
    }

    /// Returns the text with all changes.
    #[must_use]
    pub fn text(&self) -> String {
        let tables = self.document.to_string();
        match self.head.trim().is_empty() || tables.is_empty() {
            true => format!("{}{tables}", self.head),
            false => format!("{}\n\n{}", self.head.trim_end(), tables.trim_start()),
        }
    }

    /// Returns the users with all changes.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// Adds a user, as a member of these groups. Groups that do not exist are created without rules.
    ///
    /// # Errors
    /// The user exists, or the name is not valid.
    pub fn add_user(
        &mut self,
        name: &str,
        password: Option<&PasswordHash>,
        groups: &[String],
    ) -> Result<(), EditError> {
        self.add("users", "user", name, |table| {
            if let Some(password) = password {
                table.insert("password", text(&password.to_string()));
            }
            insert_groups(table, groups);
        })?;
        self.add_groups(groups)
    }

    /// Changes the password of a user.
    ///
    /// # Errors
    /// The user does not exist.
    pub fn set_password(&mut self, name: &str, password: &PasswordHash) -> Result<(), EditError> {
        self.set(name, "password", &password.to_string())
    }

    /// Changes the certificate of a user.
    ///
    /// # Errors
    /// The user does not exist, or another one has this certificate.
    pub fn set_certificate(
        &mut self,
        name: &str,
        certificate: &CertificateName,
    ) -> Result<(), EditError> {
        self.set(name, "certificate", &certificate.to_string())
    }

    /// Adds a token, for a user or as a member of groups.
    ///
    /// # Errors
    /// The token exists, the user does not, or the name is not valid.
    pub fn add_token(
        &mut self,
        name: &str,
        hash: TokenHash,
        user: Option<&str>,
        groups: &[String],
    ) -> Result<(), EditError> {
        self.add("tokens", "token", name, |table| {
            table.insert("hash", text(&hash.to_string()));
            if let Some(user) = user {
                table.insert("user", text(user));
            }
            insert_groups(table, groups);
        })?;
        self.add_groups(groups)
    }

    /// Removes a user, and the tokens that stand for the user.
    ///
    /// # Errors
    /// The user does not exist.
    pub fn remove_user(&mut self, name: &str) -> Result<(), EditError> {
        self.remove("users", "user", name)?;
        if let Some(tokens) = self
            .document
            .get_mut("tokens")
            .and_then(Item::as_table_like_mut)
        {
            let of_user = |token: &Item| token.get("user").and_then(Item::as_str) == Some(name);
            let gone: Vec<String> = tokens
                .iter()
                .filter(|(_, token)| of_user(token))
                .map(|(token, _)| token.to_owned())
                .collect();
            for token in gone {
                tokens.remove(&token);
            }
        }
        self.check()
    }

    /// Removes a token.
    ///
    /// # Errors
    /// The token does not exist.
    pub fn remove_token(&mut self, name: &str) -> Result<(), EditError> {
        self.remove("tokens", "token", name)?;
        self.check()
    }

    fn add(
        &mut self,
        section: &str,
        kind: &'static str,
        name: &str,
        fill: impl FnOnce(&mut Table),
    ) -> Result<(), EditError> {
        let tables = self.document.entry(section).or_insert_with(implicit_table);
        if tables.get(name).is_some() {
            let name = name.to_owned();
            return Err(EditError::Exists { kind, name });
        }
        let mut table = Table::new();
        fill(&mut table);
        if let Some(tables) = tables.as_table_like_mut() {
            tables.insert(name, Item::Table(table));
        }
        Ok(())
    }

    fn set(&mut self, user: &str, field: &str, value: &str) -> Result<(), EditError> {
        let users = self.document.get_mut("users");
        let table = users.and_then(|users| users.get_mut(user));
        let Some(table) = table.and_then(Item::as_table_like_mut) else {
            return Err(EditError::unknown("user", user));
        };
        table.insert(field, text(value));
        self.check()
    }

    /// Creates the groups that do not exist.
    fn add_groups(&mut self, groups: &[String]) -> Result<(), EditError> {
        for group in groups {
            let tables = self.document.entry("groups").or_insert_with(implicit_table);
            if let Some(tables) = tables.as_table_like_mut()
                && !tables.contains_key(group)
            {
                tables.insert(group, Item::Table(Table::new()));
            }
        }
        self.check()
    }

    fn remove(&mut self, section: &str, kind: &'static str, name: &str) -> Result<(), EditError> {
        let tables = self
            .document
            .get_mut(section)
            .and_then(Item::as_table_like_mut);
        match tables.and_then(|tables| tables.remove(name)) {
            Some(_) => Ok(()),
            None => Err(EditError::unknown(kind, name)),
        }
    }

    fn check(&mut self) -> Result<(), EditError> {
        self.users = Users::parse(&self.text())?;
        Ok(())
    }
}

impl EditError {
    fn unknown(kind: &'static str, name: &str) -> Self {
        Self::Unknown {
            kind,
            name: name.to_owned(),
        }
    }
}

/// Splits a text after the last blank line of its leading comments, or after all of it if there is nothing else.
fn split_head(text: &str) -> (&str, &str) {
    let (mut at, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        match line.trim() {
            "" => {
                at += line.len();
                end = at;
            }
            comment if comment.starts_with('#') => at += line.len(),
            _ => return text.split_at(end),
        }
    }
    (text, "")
}

/// Returns a table that is not written itself, only the tables in it.
fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

fn insert_groups(table: &mut Table, groups: &[String]) {
    if !groups.is_empty() {
        let groups: Array = groups.iter().collect();
        table.insert("groups", Item::Value(Value::Array(groups)));
    }
}

fn text(text: &str) -> Item {
    Item::Value(text.into())
}
