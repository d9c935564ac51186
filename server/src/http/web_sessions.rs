//! The browsers that have signed in: a cookie names the login of each.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderValue, header};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};

use crate::access_control::Login;

/// The logins of browsers. They end with the server.
#[derive(Default)]
pub struct WebSessions(Mutex<HashMap<IdHash, WebSession>>);

/// The SHA-256 of a session's id: the comparison of hashes reveals nothing about ids.
type IdHash = [u8; 32];

struct WebSession {
    login: Login,
    last_used: Instant,
}

impl WebSessions {
    /// Adds a login. Returns the cookie for the browser; `None` without random numbers.
    pub fn add(&self, login: Login) -> Option<HeaderValue> {
        let mut id = [0; ID_BYTES];
        SystemRandom::new().fill(&mut id).ok()?;
        let id = BASE64_URL_SAFE_NO_PAD.encode(id);
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| session.last_used.elapsed() < IDLE_TIME);
        }
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.last_used);
            let oldest = oldest.map(|(id, _)| *id);
            oldest.into_iter().for_each(|id| {
                sessions.remove(&id);
            });
        }
        let last_used = Instant::now();
        sessions.insert(hash(&id), WebSession { login, last_used });
        HeaderValue::from_str(&format!("{COOKIE}={id}; {ATTRIBUTES}")).ok()
    }

    /// Returns the login of a session.
    pub fn find(&self, id: &str) -> Option<Login> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&hash(id))?;
        if session.last_used.elapsed() >= IDLE_TIME {
            sessions.remove(&hash(id));
            return None;
        }
        session.last_used = Instant::now();
        Some(session.login.clone())
    }

    /// Ends a session. Returns the cookie that removes the browser's.
    pub fn end(&self, id: Option<&str>) -> HeaderValue {
        if let Some(id) = id {
            self.lock().remove(&hash(id));
        }
        HeaderValue::from_static(EXPIRED_COOKIE)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IdHash, WebSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the id of the session in a request's cookies (RFC 6265, 4.2).
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, id) = pairs.find(|(name, _)| *name == COOKIE)?;
    Some(id)
}

fn hash(id: &str) -> IdHash {
    let mut hash = IdHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, id.as_bytes()).as_ref());
    hash
}

/// The prefix makes browsers accept the cookie only over HTTPS or from this machine, and only from this host.
const COOKIE: &str = "__Host-carillon";
/// No script can read the cookie, and requests that another site causes do not carry it.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
const EXPIRED_COOKIE: &str =
    "__Host-carillon=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
const ID_BYTES: usize = 32;
/// Maximum number of browsers that have signed in. At the limit, the one that has been idle longest is signed out.
const MAX_SESSIONS: usize = 10_000;
/// The time without a request after which a browser is signed out. An open page's connection goes on.
const IDLE_TIME: Duration = Duration::from_secs(12 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().expect("a header"));
        headers
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let table = [
            ("__Host-carillon=abc", Some("abc")),
            ("a=b; __Host-carillon=abc; c=d", Some("abc")),
            ("carillon=abc", None),
            ("x__Host-carillon=abc", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(cookie(&headers(text)), expected, "{text}");
        }
    }
}
