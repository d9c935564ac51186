//! Counters by the value of a label.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

/// A label with few values.
pub trait Label: Copy + 'static {
    /// Every value, in the order of their indexes.
    const ALL: &'static [Self];

    /// Returns the index in [`Label::ALL`].
    fn index(self) -> usize;

    /// Returns the name in the metrics and in the log.
    fn name(self) -> &'static str;
}

/// A counter for each value of a label.
#[derive(Debug)]
pub struct LabelledCount<L> {
    counts: Box<[AtomicU64]>,
    label: PhantomData<L>,
}

impl<L: Label> LabelledCount<L> {
    /// Adds one.
    pub fn add(&self, label: L) {
        self.counts[label.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number for a value.
    pub fn of(&self, label: L) -> u64 {
        self.counts[label.index()].load(Ordering::Relaxed)
    }

    /// Returns the names with their numbers.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        L::ALL.iter().map(|label| (label.name(), self.of(*label)))
    }
}

impl<L: Label> Default for LabelledCount<L> {
    fn default() -> Self {
        Self {
            counts: L::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            label: PhantomData,
        }
    }
}

/// Defines labels with their values and names.
macro_rules! labels {
    ($($(#[$doc:meta])* $label:ident { $($(#[$value_doc:meta])* $value:ident = $name:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $label { $($(#[$value_doc])* $value,)* }

        impl $crate::measurements::Label for $label {
            const ALL: &'static [Self] = &[$(Self::$value,)*];

            fn index(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                match self { $(Self::$value => $name,)* }
            }
        }
    )*};
}

pub(super) use labels;

labels! {
    /// The result of a TLS handshake.
    TlsResult {
        /// It is complete.
        Completed = "completed",
        /// It failed, for example because the client does not trust the certificate.
        Failed = "failed",
        /// The client did not complete it in time.
        TimedOut = "timeout",
    }

    /// The reason for which a connection or a request was refused.
    RefusalReason {
        /// The limit of connections.
        ConnectionLimit = "connection_limit",
        /// A page of an origin that is not allowed.
        Origin = "origin",
        /// A request for a host name that is not accepted.
        Host = "host",
        /// The client does not use TLS on a port that requires it, or uses TLS and there is no certificate.
        Tls = "tls",
    }

    /// The reason for the end of a connection.
    ConnectionEnd {
        /// The client ended it.
        Client = "client",
        /// The client violated the protocol.
        Protocol = "protocol",
        /// The login was refused.
        Login = "login",
        /// The client was silent for longer than agreed.
        Silent = "silent",
        /// The client did not complete the handshake in time.
        Handshake = "handshake",
        /// The client does not read its replies.
        UnreadReplies = "unread_replies",
        /// The client reads more slowly than its subscription's rule allows.
        TooSlow = "too_slow",
        /// The client took too long to complete a message, or its incomplete message was dropped.
        IncompleteMessage = "incomplete_message",
        /// Another connection has taken over the session.
        TakenOver = "taken_over",
        /// The rights or the credentials of the user have changed.
        Revoked = "revoked",
        /// An operator ended it.
        Operator = "operator",
        /// The server stops.
        Stopping = "stopping",
        /// The network failed, or the client disappeared.
        Network = "network",
    }
}

impl ConnectionEnd {
    /// Returns true if an operator wants to see it: the server ended the connection because of the client, its user or an
    /// operator. False for what happens every day, and for logins, which have a line of their own.
    pub const fn is_notable(self) -> bool {
        match self {
            Self::Protocol
            | Self::Silent
            | Self::Handshake
            | Self::UnreadReplies
            | Self::TooSlow
            | Self::IncompleteMessage
            | Self::Revoked
            | Self::Operator => true,
            Self::Client | Self::Login | Self::TakenOver | Self::Stopping | Self::Network => false,
        }
    }
}
