//! Compares this codec with an independent library: each decodes the other's packets to the same
//! content.

use mqtt_proto::{v3, v5};
use proptest::collection::vec;
use proptest::prelude::*;
use wire::mqtt::{Decoder, Fault, Limits, PacketType, TopicError, Version};

use crate::mqtt_model::{Ingredients, ingredients};

mod content;
mod ours;
mod plain;
mod theirs_3;
mod theirs_5;

use content::Content;

/// Returns the content that the other library decodes, and its encoding of that content.
fn theirs(version: Version, bytes: &[u8]) -> Result<(Content, Vec<u8>), String> {
    const UNFINISHED: &str = "a packet that is not whole";
    match version {
        Version::V5_0 => {
            let packet = v5::Packet::decode(bytes).map_err(|error| error.to_string())?;
            let packet = packet.ok_or(UNFINISHED)?;
            let again = packet.encode().map_err(|error| error.to_string())?;
            Ok((theirs_5::content(&packet), again.as_ref().to_vec()))
        }
        Version::V3_1 | Version::V3_1_1 => {
            let packet = v3::Packet::decode(bytes).map_err(|error| error.to_string())?;
            let packet = packet.ok_or(UNFINISHED)?;
            let again = packet.encode().map_err(|error| error.to_string())?;
            Ok((theirs_3::content(&packet), again.as_ref().to_vec()))
        }
    }
}

/// The reason why this codec did not decode bytes.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    Fault(Fault),
    Unfinished,
    /// A packet is followed by more bytes.
    Behind,
}

fn ours(ingredients: &Ingredients, bytes: &[u8]) -> Result<Content, Unread> {
    let mut decoder = match ingredients.packet {
        PacketType::Connect => Decoder::before_connect(Limits::NONE),
        _ => Decoder::new(ingredients.reader, ingredients.version, Limits::NONE),
    };
    match decoder.decode(bytes) {
        Ok(Some((packet, taken))) if taken == bytes.len() => Ok(ours::content(&packet)),
        Ok(Some(_)) => Err(Unread::Behind),
        Ok(None) => Err(Unread::Unfinished),
        Err(error) => Err(Unread::Fault(error.fault)),
    }
}

/// Returns true for faults that the other library does not check: it knows neither the reader's
/// role nor the end of the packet, and leaves the rest of these rules to its callers.
fn is_left_to_others(why: &Unread) -> bool {
    let Unread::Fault(fault) = why else {
        return *why == Unread::Behind;
    };
    matches!(
        fault,
        Fault::TrailingBytes
            | Fault::Truncated
            | Fault::WrongDirection(..)
            | Fault::NotConnect
            | Fault::SecondConnect
            | Fault::Nul
            | Fault::LengthNotMinimal
            | Fault::NoReasons
            | Fault::DupWithoutQos
            | Fault::SessionPresent
            | Fault::PasswordWithoutUserName
            | Fault::WillRetainWithoutWill
            | Fault::NoAuthenticationMethod
            | Fault::NoTopic
            | Fault::NoLocalShared
            | Fault::PropertyValue(_)
            | Fault::SubscriptionIdOfClient
            | Fault::SessionExpiryOfServer
            | Fault::ResponseTopic(TopicError::Empty)
            | Fault::Topic(TopicError::Empty)
            // The other library accepts a last level "a+".
            | Fault::Topic(TopicError::SingleLevelWildcard)
    )
}

/// Returns true for errors that this codec does not report: a payload that is not UTF-8 as
/// declared, which is optional to check; the reason of table 2-6 that table 3-10 lacks;
/// `$share` without a filter, which has no special meaning before 5.0; and the protocol level of
/// bridges.
fn is_their_own(why: &str) -> bool {
    why.contains("payload format")
        || why.contains("invalid reason code `140` for packet `Disconnect`")
        || why.contains("invalid topic filter: $share")
        || why == "invalid protocol: MQTT, 132"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_codec_decodes_what_the_other_encodes(ingredients in ingredients()) {
        let (content, bytes) = ingredients.with(|packet| {
            let mut bytes = Vec::new();
            packet.encode(ingredients.version, &mut bytes).expect("valid");
            (ours::content(&packet), bytes)
        });
        let (their_content, again) = match theirs(ingredients.version, &bytes) {
            Ok(read) => read,
            Err(why) if is_their_own(&why) => return Ok(()),
            Err(why) => return Err(TestCaseError::fail(format!("{why}: {bytes:02x?}"))),
        };
        prop_assert_eq!(&their_content, &content);
        // The other library encodes the failure of a SUBACK before 5.0 as 3.
        if ingredients.packet != PacketType::Suback || ingredients.version == Version::V5_0 {
            prop_assert_eq!(ours(&ingredients, &again), Ok(content));
        }
    }

    /// After changes of some bytes, both decode the same or both refuse, except for known
    /// differences. The other library decodes 3.1 as 3.1.1.
    #[test]
    fn both_codecs_refuse_the_same_bytes(
        ingredients in ingredients(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        if ingredients.version == Version::V3_1 {
            return Ok(());
        }
        let mut bytes = ingredients.with(|packet| {
            let mut bytes = Vec::new();
            packet.encode(ingredients.version, &mut bytes).expect("valid");
            bytes
        });
        for (index, byte) in changes {
            *index.get_mut(&mut bytes) = byte;
        }
        let we = ours(&ingredients, &bytes);
        match (we, theirs(ingredients.version, &bytes)) {
            (Ok(we), Ok((they, _))) => prop_assert_eq!(we, they),
            (Err(_), Err(_)) => {}
            (Ok(_), Err(why)) => prop_assert!(is_their_own(&why), "only they refuse: {why}"),
            (Err(why), Ok(_)) => prop_assert!(is_left_to_others(&why), "only we: {why:?}"),
        }
    }
}
