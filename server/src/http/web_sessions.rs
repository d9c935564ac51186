//! The browsers that have signed in: a cookie names the login of each.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderValue};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};

use super::cookies;
use crate::access_control::Login;

/// The logins of browsers. They end with the server.
pub struct WebSessions {
    sessions: Mutex<HashMap<IdHash, WebSession>>,
    /// The name of the cookie.
    name: &'static str,
    /// The attributes of the cookie.
    attributes: String,
}

/// The SHA-256 of a session's id: the comparison of hashes reveals nothing about ids.
type IdHash = [u8; 32];

struct WebSession {
    login: Login,
    last_used: Instant,
}

impl WebSessions {
    /// Creates the sessions of a site below a prefix, which is empty or such as `/carillon`.
    pub fn below(prefix: &str) -> Self {
        let name = match prefix {
            "" => HOST_COOKIE,
            _ => PREFIX_COOKIE,
        };
        Self {
            sessions: Mutex::default(),
            name,
            attributes: format!("Path={prefix}/; {ATTRIBUTES}"),
        }
    }

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
        HeaderValue::from_str(&format!("{}={id}; {}", self.name, self.attributes)).ok()
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
    pub fn end(&self, id: Option<&str>) -> Option<HeaderValue> {
        if let Some(id) = id {
            self.lock().remove(&hash(id));
        }
        let cookie = format!("{}=; {}; Max-Age=0", self.name, self.attributes);
        HeaderValue::from_str(&cookie).ok()
    }

    /// Returns the id of the session in a request's cookies.
    pub fn id_in<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookies::find(headers, self.name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IdHash, WebSession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &str) -> IdHash {
    let mut hash = IdHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, id.as_bytes()).as_ref());
    hash
}

/// The name makes browsers accept the cookie only over HTTPS or from this machine, only from this host, and for all of it.
const HOST_COOKIE: &str = "__Host-carillon";
/// The name of the cookie for a part of a host, whose other parts belong to other servers. It makes browsers accept the
/// cookie only over HTTPS or from this machine, but also from hosts of the same domain.
const PREFIX_COOKIE: &str = "__Secure-carillon";
/// No script can read the cookie, and requests that another site causes do not carry it.
const ATTRIBUTES: &str = "Secure; HttpOnly; SameSite=Strict";
const ID_BYTES: usize = 32;
/// Maximum number of browsers that have signed in. At the limit, the one that has been idle longest is signed out.
const MAX_SESSIONS: usize = 10_000;
/// The time without a request after which a browser is signed out. An open page's connection goes on.
const IDLE_TIME: Duration = Duration::from_secs(12 * 60 * 60);

#[cfg(test)]
mod tests {
    use axum::http::header;

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
            ("__Secure-carillon=abc", None),
            ("a=b; __Host-carillon=abc; c=d", Some("abc")),
            ("carillon=abc", None),
            ("x__Host-carillon=abc", None),
            ("", None),
        ];
        for (text, expected) in table {
            let sessions = WebSessions::below("");
            assert_eq!(sessions.id_in(&headers(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_site_below_a_prefix_has_a_cookie_for_the_prefix() {
        let sessions = WebSessions::below("/carillon");
        let expired = sessions.end(None).expect("a header");
        assert_eq!(
            expired,
            "__Secure-carillon=; Path=/carillon/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
        );
        let headers = headers("__Host-carillon=abc; __Secure-carillon=def");
        assert_eq!(sessions.id_in(&headers), Some("def"));
    }
}
