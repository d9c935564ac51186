//! A plain model of the rules of users, written without the code that decides in the server; and the subscriptions of the
//! simulation.

use access::{Right, TOKEN_BYTES, TokenHash, write_token};
use broker::DestinationKind;
use simulation::Random;

/// The users. The name of one cannot be a level of a filter; `None` is an anonymous client.
pub(super) const USERS: [Option<&str>; 4] = [Some("u"), Some("v"), Some("a.b"), None];
/// The names of topics and queues.
pub(super) const NAMES: [&str; 9] = ["a", "b", "a.a", "a.b", "b.a", "u", "u.a", "v", "v.a"];
const PATTERNS: [&str; 11] = [
    "a", "b", "a.a", "a.>", "b.*", "*.a", "*", ">", "%u", "%u.>", "*.%u",
];

/// The rules of all users.
#[derive(Clone)]
pub(super) struct Model([Vec<Rule>; USERS.len()]);

#[derive(Clone)]
struct Rule {
    is_allowed: bool,
    right: Right,
    pattern: &'static str,
}

impl Model {
    /// Returns rules for all users.
    pub(super) fn new(random: &mut Random) -> Self {
        Self([(); USERS.len()].map(|()| rules(random)))
    }

    /// Changes the rules of a user: adds one, removes one, or replaces all.
    pub(super) fn change(&mut self, random: &mut Random) {
        let user = random.index(USERS.len());
        let rules_of_user = &mut self.0[user];
        match random.below(3) {
            0 => rules_of_user.push(rule(random)),
            1 if !rules_of_user.is_empty() => {
                let index = random.index(rules_of_user.len());
                rules_of_user.swap_remove(index);
            }
            _ => *rules_of_user = rules(random),
        }
    }

    /// Returns the text of a users file with these rules, and with a token for each user.
    pub(super) fn file(&self) -> String {
        let mut text = String::new();
        for (number, user) in USERS.iter().enumerate() {
            match user {
                Some(user) => {
                    let hash = TokenHash::of(&token(number)).expect("a token");
                    text += &format!("[tokens.t{number}]\nhash = \"{hash}\"\nuser = {user:?}\n");
                    text += &format!("[users.{user:?}]\n");
                }
                None => text += "[anonymous]\n",
            }
            for (is_allowed, prefix) in [(true, ""), (false, "deny.")] {
                for right in Right::ALL {
                    let rules = self.0[number].iter();
                    let patterns: Vec<_> = rules
                        .filter(|rule| rule.is_allowed == is_allowed && rule.right == right)
                        .map(|rule| rule.pattern)
                        .collect();
                    text += &format!("{prefix}{right} = {patterns:?}\n");
                }
            }
        }
        text
    }

    /// Returns whether a user has a right.
    pub(super) fn allows(&self, user: usize, right: Right, name: &str) -> bool {
        let matching = |is_allowed| {
            let rules = self.0[user].iter();
            let mut rules =
                rules.filter(|rule| rule.is_allowed == is_allowed && rule.right == right);
            rules.any(|rule| rule.concerns(USERS[user], name))
        };
        matching(true) && !matching(false)
    }

    /// Returns whether a user may see a name and its figures.
    pub(super) fn sees(&self, user: usize, kind: DestinationKind, name: &str) -> bool {
        let rights = match kind {
            DestinationKind::Topic => &[Right::Subscribe, Right::Manage][..],
            DestinationKind::Queue => &[Right::Receive, Right::Browse, Right::Manage],
        };
        self.manages_server(user) || rights.iter().any(|right| self.allows(user, *right, name))
    }

    /// Returns whether a user may see an advisory about a topic or queue.
    pub(super) fn sees_advisory(&self, user: usize, kind: DestinationKind, name: &str) -> bool {
        let rights = match kind {
            DestinationKind::Topic => &[Right::Subscribe][..],
            DestinationKind::Queue => &[Right::Receive, Right::Browse],
        };
        rights.iter().any(|right| self.allows(user, *right, name))
    }

    /// Returns whether a user may see what belongs to the whole server.
    pub(super) fn manages_server(&self, user: usize) -> bool {
        let has = |is_allowed| {
            let mut rules = self.0[user].iter();
            rules.any(|rule| {
                rule.is_allowed == is_allowed && rule.right == Right::Manage && rule.pattern == ">"
            })
        };
        has(true) && !has(false)
    }

    /// Returns whether a user had a right before that it has not any more.
    pub(super) fn is_reduced(&self, user: usize, before: &Self) -> bool {
        let mut rights = Right::ALL.into_iter();
        rights.any(|right| {
            let mut names = NAMES.iter();
            names.any(|name| before.allows(user, right, name) && !self.allows(user, right, name))
        })
    }
}

impl Rule {
    fn concerns(&self, user: Option<&str>, name: &str) -> bool {
        let user = user.filter(|user| !user.contains('.'));
        // Without a name that is one level, the meaning of `%u` is unknown: it allows nothing, and denies every level.
        let user = match (user, self.is_allowed) {
            (Some(user), _) => user,
            (None, true) if self.pattern.contains("%u") => return false,
            (None, _) => "*",
        };
        matches(&self.pattern.replace("%u", user), name)
    }
}

/// Returns the token of a user.
pub(super) fn token(user: usize) -> String {
    write_token(&[user as u8; TOKEN_BYTES])
}

/// Returns whether a filter covers a name.
pub(super) fn matches(filter: &str, name: &str) -> bool {
    let (mut wanted, mut levels) = (filter.split('.'), name.split('.'));
    loop {
        match (wanted.next(), levels.next()) {
            (Some(">"), _) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

fn rules(random: &mut Random) -> Vec<Rule> {
    (0..random.below(10)).map(|_| rule(random)).collect()
}

fn rule(random: &mut Random) -> Rule {
    Rule {
        is_allowed: !random.once_in(5),
        right: Right::ALL[random.index(Right::ALL.len())],
        pattern: PATTERNS[random.index(PATTERNS.len())],
    }
}

/// A form of SUBSCRIBE.
pub(super) struct Kind {
    pub(super) right: Right,
    pub(super) headers: &'static str,
    /// True if the model knows exactly what arrives.
    pub(super) is_exact_model: bool,
    pub(super) is_durable: bool,
}

impl Kind {
    const fn new(right: Right, headers: &'static str) -> Self {
        Self {
            right,
            headers,
            is_exact_model: false,
            is_durable: false,
        }
    }
}

/// The forms of SUBSCRIBE. `NAME` stands for the filter.
pub(super) const KINDS: [Kind; 8] = [
    Kind {
        is_exact_model: true,
        ..Kind::new(Right::Subscribe, "")
    },
    Kind::new(Right::Subscribe, "; since:last"),
    Kind::new(Right::Subscribe, "; activemq.retroactive:true"),
    Kind::new(Right::Subscribe, "; ack:client-individual"),
    Kind {
        is_durable: true,
        ..Kind::new(
            Right::Subscribe,
            "; activemq.subscriptionName:NAME; ack:client-individual",
        )
    },
    Kind::new(Right::Receive, ""),
    Kind::new(Right::Receive, "; ack:client-individual"),
    Kind::new(Right::Browse, "; browser:true"),
];
/// The filters of subscriptions.
pub(super) const FILTERS: [&str; 16] = [
    "a", "b", "a.a", "a.b", "b.a", "u", "u.a", "v", "v.a", "*", ">", "a.*", "*.a", "a.>", "u.>",
    "*.*",
];
