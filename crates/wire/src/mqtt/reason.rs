//! Reason codes and the packets that may contain them (5.0, 2.4 and the tables of chapter 3).
//!
//! There is one enum for each set of packets that share a table. Return codes of 3.1.1 map to the
//! codes of the same meaning.

macro_rules! reasons {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $reason:ident = $code:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(
                #[doc = concat!("Reason code ", stringify!($code), ".")]
                $(#[$doc])*
                $reason = $code,
            )+
        }

        impl $name {
            /// All reasons in ascending order of their codes.
            pub const ALL: &[Self] = &[$(Self::$reason),+];

            /// Returns the reason with this code, or `None` if the code is not allowed.
            #[inline]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$reason),)+
                    _ => None,
                }
            }

            /// Returns the code.
            #[inline]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// Returns true if the code indicates a failure: "Reason Code values of 0x80 or
            /// greater" (2.4).
            #[inline]
            pub const fn is_failure(self) -> bool {
                self.code() >= 0x80
            }
        }
    };
}

reasons! {
    /// Reasons of CONNACK: table 3-1, [MQTT-3.2.2-8].
    ConnectReason {
        Success = 0x00,
        UnspecifiedError = 0x80,
        MalformedPacket = 0x81,
        ProtocolError = 0x82,
        ImplementationSpecificError = 0x83,
        UnsupportedProtocolVersion = 0x84,
        ClientIdentifierNotValid = 0x85,
        BadUserNameOrPassword = 0x86,
        NotAuthorized = 0x87,
        ServerUnavailable = 0x88,
        ServerBusy = 0x89,
        Banned = 0x8A,
        BadAuthenticationMethod = 0x8C,
        TopicNameInvalid = 0x90,
        PacketTooLarge = 0x95,
        QuotaExceeded = 0x97,
        PayloadFormatInvalid = 0x99,
        RetainNotSupported = 0x9A,
        QosNotSupported = 0x9B,
        UseAnotherServer = 0x9C,
        ServerMoved = 0x9D,
        ConnectionRateExceeded = 0x9F,
    }
}

reasons! {
    /// Reasons of PUBACK and PUBREC: tables 3-4 and 3-5, [MQTT-3.4.2-1], [MQTT-3.5.2-1].
    PublishReason {
        Success = 0x00,
        /// Accepted, but there are no subscribers. Only servers send it.
        NoMatchingSubscribers = 0x10,
        UnspecifiedError = 0x80,
        ImplementationSpecificError = 0x83,
        NotAuthorized = 0x87,
        TopicNameInvalid = 0x90,
        PacketIdentifierInUse = 0x91,
        QuotaExceeded = 0x97,
        PayloadFormatInvalid = 0x99,
    }
}

reasons! {
    /// Reasons of PUBREL and PUBCOMP: tables 3-6 and 3-7, [MQTT-3.6.2-1], [MQTT-3.7.2-1].
    ReleaseReason {
        Success = 0x00,
        PacketIdentifierNotFound = 0x92,
    }
}

reasons! {
    /// Reasons of SUBACK, one for each filter: table 3-8, [MQTT-3.9.3-2].
    SubscribeReason {
        GrantedQos0 = 0x00,
        GrantedQos1 = 0x01,
        GrantedQos2 = 0x02,
        UnspecifiedError = 0x80,
        ImplementationSpecificError = 0x83,
        NotAuthorized = 0x87,
        TopicFilterInvalid = 0x8F,
        PacketIdentifierInUse = 0x91,
        QuotaExceeded = 0x97,
        SharedSubscriptionsNotSupported = 0x9E,
        SubscriptionIdentifiersNotSupported = 0xA1,
        WildcardSubscriptionsNotSupported = 0xA2,
    }
}

reasons! {
    /// Reasons of UNSUBACK, one for each filter: table 3-9, [MQTT-3.11.3-2].
    UnsubscribeReason {
        Success = 0x00,
        NoSubscriptionExisted = 0x11,
        UnspecifiedError = 0x80,
        ImplementationSpecificError = 0x83,
        NotAuthorized = 0x87,
        TopicFilterInvalid = 0x8F,
        PacketIdentifierInUse = 0x91,
    }
}

reasons! {
    /// Reasons of DISCONNECT: table 3-10, [MQTT-3.14.2-1]. Bad authentication method is missing in
    /// that table, but table 2-6 lists DISCONNECT for it.
    DisconnectReason {
        NormalDisconnection = 0x00,
        DisconnectWithWillMessage = 0x04,
        UnspecifiedError = 0x80,
        MalformedPacket = 0x81,
        ProtocolError = 0x82,
        ImplementationSpecificError = 0x83,
        NotAuthorized = 0x87,
        ServerBusy = 0x89,
        ServerShuttingDown = 0x8B,
        BadAuthenticationMethod = 0x8C,
        KeepAliveTimeout = 0x8D,
        SessionTakenOver = 0x8E,
        TopicFilterInvalid = 0x8F,
        TopicNameInvalid = 0x90,
        ReceiveMaximumExceeded = 0x93,
        TopicAliasInvalid = 0x94,
        PacketTooLarge = 0x95,
        MessageRateTooHigh = 0x96,
        QuotaExceeded = 0x97,
        AdministrativeAction = 0x98,
        PayloadFormatInvalid = 0x99,
        RetainNotSupported = 0x9A,
        QosNotSupported = 0x9B,
        UseAnotherServer = 0x9C,
        ServerMoved = 0x9D,
        SharedSubscriptionsNotSupported = 0x9E,
        ConnectionRateExceeded = 0x9F,
        MaximumConnectTime = 0xA0,
        SubscriptionIdentifiersNotSupported = 0xA1,
        WildcardSubscriptionsNotSupported = 0xA2,
    }
}

reasons! {
    /// Reasons of AUTH: table 3-11, [MQTT-3.15.2-1].
    AuthReason {
        Success = 0x00,
        ContinueAuthentication = 0x18,
        ReAuthenticate = 0x19,
    }
}

impl ConnectReason {
    /// Returns the return code in 3.1 and 3.1.1 (table 3.1 of 3.1.1). `None` if there is none: "the
    /// Server MUST close the Network Connection without sending a CONNACK" ([MQTT-3.2.2-6] of
    /// 3.1.1).
    pub const fn return_code(self) -> Option<u8> {
        Some(match self {
            Self::Success => 0,
            Self::UnsupportedProtocolVersion => 1,
            Self::ClientIdentifierNotValid => 2,
            Self::ServerUnavailable | Self::ServerBusy => 3,
            Self::BadUserNameOrPassword => 4,
            Self::NotAuthorized | Self::Banned => 5,
            _ => return None,
        })
    }

    /// Returns the reason for a return code of 3.1 or 3.1.1; 6 to 255 are reserved.
    pub const fn from_return_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Success,
            1 => Self::UnsupportedProtocolVersion,
            2 => Self::ClientIdentifierNotValid,
            3 => Self::ServerUnavailable,
            4 => Self::BadUserNameOrPassword,
            5 => Self::NotAuthorized,
            _ => return None,
        })
    }
}

impl SubscribeReason {
    /// Returns the reason that grants this QoS.
    pub const fn granted(qos: super::QoS) -> Self {
        match qos {
            super::QoS::AtMostOnce => Self::GrantedQos0,
            super::QoS::AtLeastOnce => Self::GrantedQos1,
            super::QoS::ExactlyOnce => Self::GrantedQos2,
        }
    }

    /// Returns the reason for versions before 5.0: "SUBACK return codes other than 0x00, 0x01, 0x02
    /// and 0x80 are reserved" ([MQTT-3.9.3-2] of 3.1.1).
    #[inline]
    pub(super) const fn before_5(self) -> Self {
        match self.is_failure() {
            true => Self::UnspecifiedError,
            false => self,
        }
    }
}
