//! The sessions of MQTT. Pure.

use crate::{
    address::encoded,
    change::Change,
    figures::{duration, grouped},
    host::{text, whole},
    json::Json,
    texts,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub client: String,
    pub is_connected: bool,
    /// Of a session without a connection.
    pub subscriptions: u64,
    pub has_messages: bool,
    pub expires_in_s: u64,
}

impl Session {
    pub fn from_json(json: &Json<'_>) -> Option<Self> {
        let is = |name| json.member(name) == Some(&Json::Bool(true));
        Some(Self {
            client: text(json, "client")?,
            is_connected: is("connected"),
            subscriptions: whole(json, "subscriptions"),
            has_messages: is("hasMessages"),
            expires_in_s: whole(json, "expiresInSeconds"),
        })
    }

    /// Returns the state of the session in words.
    pub fn words(&self) -> String {
        if self.is_connected {
            return texts::connections::CONNECTED.get().into();
        }
        let text = match self.has_messages {
            true => texts::connections::AWAY_WAITING,
            false => texts::connections::AWAY,
        };
        text.with(&[&grouped(self.subscriptions), &duration(self.expires_in_s)])
    }

    /// Returns the change that ends it.
    pub fn end(&self) -> Change {
        let client = &self.client;
        let question = match self.is_connected {
            true => texts::connections::OPEN_SESSION_QUESTION,
            false => texts::connections::SESSION_QUESTION,
        };
        Change {
            title: texts::connections::END_A_SESSION.get().into(),
            question: question.with(&[client]),
            button: texts::connections::END_SESSION.get(),
            method: "DELETE",
            address: format!("api/sessions/{}", encoded(client)),
            report: texts::connections::SESSION_ENDED.with(&[client]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Session;
    use crate::json;

    fn session(text: &str) -> Session {
        Session::from_json(&json::read(text).expect("JSON")).expect("a session")
    }

    #[test]
    fn a_session_says_whether_its_client_is_there() {
        assert_eq!(
            session(r#"{"client":"a","connected":true}"#).words(),
            "connected"
        );
        let away = r#"{"client":"a/b","connected":false,"subscriptions":2,"hasMessages":true,"expiresInSeconds":61}"#;
        assert_eq!(
            session(away).words(),
            "away, 2 subscriptions, messages wait, expires in 1 min 1 s"
        );
        assert_eq!(session(away).end().address, "api/sessions/a%2Fb");
    }
}
