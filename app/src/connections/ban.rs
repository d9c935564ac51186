//! The bans. Pure.

use crate::{
    change::Change,
    figures::duration,
    host::{text, whole},
    json::Json,
    texts,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ban {
    pub id: u64,
    /// The banned clients, such as `user anna`.
    pub target: String,
    pub reason: String,
    pub seconds: u64,
}

impl Ban {
    pub fn from_json(json: &Json<'_>) -> Option<Self> {
        let kinds = [
            ("user", texts::connections::USER),
            ("client", texts::connections::CLIENT),
            ("address", texts::connections::ADDRESS),
        ];
        let target = kinds
            .iter()
            .find_map(|(kind, words)| Some(words.with(&[&text(json, kind)?])));
        Some(Self {
            id: json.member("id")?.number()? as u64,
            target: target?,
            reason: text(json, "reason").unwrap_or_default(),
            seconds: whole(json, "seconds"),
        })
    }

    /// Returns the time that is left, and the reason.
    pub fn words(&self) -> String {
        let left = texts::connections::FOR_ANOTHER.with(&[&duration(self.seconds)]);
        match self.reason.is_empty() {
            true => left,
            false => format!("{left}: {}", self.reason),
        }
    }

    /// Returns the change that ends it.
    pub fn end(&self) -> Change {
        Change {
            title: texts::connections::END_A_BAN.get().into(),
            question: texts::connections::BAN_QUESTION.with(&[&self.target]),
            button: texts::connections::END_BAN.get(),
            method: "DELETE",
            address: format!("api/bans/{}", self.id),
            report: texts::connections::BAN_ENDED.with(&[&self.target]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ban;
    use crate::json;

    #[test]
    fn a_ban_names_who_and_why() {
        let text = r#"{"id":3,"address":"192.0.2.0/24","seconds":61,"reason":"floods"}"#;
        let ban = Ban::from_json(&json::read(text).expect("JSON")).expect("a ban");
        assert_eq!(ban.target, "address 192.0.2.0/24");
        assert_eq!(ban.words(), "for another 1 min 1 s: floods");
        assert_eq!(ban.end().address, "api/bans/3");
    }
}
