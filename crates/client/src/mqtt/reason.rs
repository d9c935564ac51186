//! The text of an MQTT reason code.

use std::fmt::Debug;

use wire::mqtt::{DisconnectReason, Properties};

use crate::render::printable;

/// Returns the name of a reason code, with the server reference and the reason string if present,
/// on one line.
pub(super) fn reason_text(reason: impl Debug, properties: &Properties<'_>) -> String {
    let words = words(&format!("{reason:?}"));
    let reference = properties.server_reference();
    let reference = reference.map(|server| format!(" ({})", printable(server)));
    let text = properties.reason_string().map(str::trim).unwrap_or("");
    let text = match text {
        "" => String::new(),
        text => format!(": {}", printable(text)),
    };
    format!("{words}{}{text}", reference.unwrap_or_default())
}

/// Splits a name into lower-case words: "NotAuthorized" becomes "not authorized".
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for char in name.chars() {
        if char.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(char.to_ascii_lowercase());
    }
    words
}

/// Returns true if the server would end the next connection with the same reason.
pub(super) const fn is_final(reason: DisconnectReason) -> bool {
    use DisconnectReason as Reason;
    matches!(
        reason,
        Reason::MalformedPacket
            | Reason::ProtocolError
            | Reason::NotAuthorized
            | Reason::BadAuthenticationMethod
            | Reason::SessionTakenOver
            | Reason::TopicFilterInvalid
            | Reason::TopicNameInvalid
            | Reason::ReceiveMaximumExceeded
            | Reason::TopicAliasInvalid
            | Reason::PacketTooLarge
            | Reason::PayloadFormatInvalid
            | Reason::RetainNotSupported
            | Reason::QosNotSupported
            | Reason::UseAnotherServer
            | Reason::ServerMoved
            | Reason::SharedSubscriptionsNotSupported
            | Reason::SubscriptionIdentifiersNotSupported
            | Reason::WildcardSubscriptionsNotSupported
    )
}

#[cfg(test)]
mod tests {
    use wire::mqtt::{ConnectReason, Property};

    use super::*;

    #[test]
    fn a_reason_text_includes_the_reason_string_and_the_server_reference() {
        let table = [
            (vec![], "not authorized"),
            (
                vec![Property::ReasonString("ask\nfirst")],
                r"not authorized: ask\nfirst",
            ),
            (
                vec![Property::ServerReference("b:1883")],
                "not authorized (b:1883)",
            ),
        ];
        for (properties, wanted) in table {
            let mut scratch = Vec::new();
            let properties = Properties::encode(properties, &mut scratch).unwrap();
            assert_eq!(
                reason_text(ConnectReason::NotAuthorized, &properties),
                wanted
            );
        }
    }

    #[test]
    fn a_session_takeover_is_final_and_a_shutdown_is_not() {
        assert!(is_final(DisconnectReason::SessionTakenOver));
        assert!(!is_final(DisconnectReason::ServerShuttingDown));
    }
}
