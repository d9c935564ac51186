//! Requests to the HTTP interface of a server.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use client::{Login, Site, Trust, open_http};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};

use super::{options::ServerOptions, target::Target};

/// A server, with the credentials for its requests.
#[derive(Debug)]
pub(crate) struct Api {
    site: Site,
    trust: Trust,
    authorization: Option<HeaderValue>,
    time_limit: Duration,
}

/// The reason why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The text names a remedy.
    #[error("{0}")]
    Unreachable(String),
    #[error("the connection to {site} was lost: {reason}")]
    Lost { site: String, reason: String },
    #[error("{site} did not answer within {} s", .limit.as_secs_f64())]
    TooSlow { site: String, limit: Duration },
    /// The server refused the request; the detail is that of its problem document.
    #[error("{detail}{advice}")]
    Refused {
        detail: String,
        advice: &'static str,
    },
    #[error("{site} answered {status}{text}; is this the address of Carillon?")]
    NotCarillon {
        site: String,
        status: StatusCode,
        text: String,
    },
}

impl Api {
    /// Reads the credentials.
    ///
    /// # Errors
    /// The address has no HTTP interface, or the password cannot be read.
    pub(crate) fn new(options: &ServerOptions) -> anyhow::Result<Self> {
        Ok(Self {
            site: options.site()?,
            trust: options.trust.clone(),
            authorization: authorization(&options.login()?)?,
            time_limit: MAX_TIME,
        })
    }

    /// Creates the access to a server for requests that need no login.
    pub(crate) fn without_login(site: Site, trust: Trust, time_limit: Duration) -> Self {
        Self {
            site,
            trust,
            authorization: None,
            time_limit,
        }
    }

    /// Gets a resource.
    pub(crate) async fn get(&self, target: &Target) -> Result<Bytes, RequestError> {
        self.request(Method::GET, target, Bytes::new()).await
    }

    /// Deletes a resource.
    pub(crate) async fn delete(&self, target: &Target) -> Result<(), RequestError> {
        let done = self.request(Method::DELETE, target, Bytes::new()).await;
        done.map(drop)
    }

    /// Sends JSON.
    pub(crate) async fn post(
        &self,
        target: &Target,
        body: &impl Serialize,
    ) -> Result<Bytes, RequestError> {
        // The bodies of the commands have only texts as keys.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.request(Method::POST, target, body.into()).await
    }

    /// Sends a request without a body.
    pub(crate) async fn post_nothing(&self, target: &Target) -> Result<(), RequestError> {
        let done = self.request(Method::POST, target, Bytes::new()).await;
        done.map(drop)
    }

    /// Gets a resource whose body does not end by itself.
    ///
    /// # Errors
    /// The server cannot be reached, does not answer in time, or refuses the request.
    pub(crate) async fn stream(&self, target: &Target) -> Result<Incoming, RequestError> {
        let sending = self.send(Method::GET, target, Bytes::new());
        let response = match tokio::time::timeout(self.time_limit, sending).await {
            Ok(response) => response?,
            Err(_) => return Err(self.too_slow()),
        };
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        Err(self
            .read(response)
            .await
            .err()
            .unwrap_or_else(|| self.too_slow()))
    }

    async fn request(
        &self,
        method: Method,
        target: &Target,
        body: Bytes,
    ) -> Result<Bytes, RequestError> {
        let exchange = self.exchange(method, target, body);
        match tokio::time::timeout(self.time_limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(self.too_slow()),
        }
    }

    fn too_slow(&self) -> RequestError {
        RequestError::TooSlow {
            site: self.site.to_string(),
            limit: self.time_limit,
        }
    }

    async fn exchange(
        &self,
        method: Method,
        target: &Target,
        body: Bytes,
    ) -> Result<Bytes, RequestError> {
        let response = self.send(method, target, body).await?;
        self.read(response).await
    }

    /// Sends a request, and waits for the head of the response.
    async fn send(
        &self,
        method: Method,
        target: &Target,
        body: Bytes,
    ) -> Result<Response<Incoming>, RequestError> {
        let stream = open_http(&self.site, &self.trust).await;
        let stream = stream.map_err(|error| RequestError::Unreachable(format!("{error:#}")))?;
        let lost = |reason: String| self.lost(reason);
        let request = self.http_request(method, target, body);
        let request = request.map_err(|error| lost(error.to_string()))?;
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| lost(error.to_string()))?;
        // Ends with the response, or with the runtime.
        tokio::spawn(connection);
        let response = sender.send_request(request).await;
        response.map_err(|error| lost(error.to_string()))
    }

    fn lost(&self, reason: String) -> RequestError {
        RequestError::Lost {
            site: self.site.to_string(),
            reason,
        }
    }

    /// Reads the body of a response.
    async fn read(&self, response: Response<Incoming>) -> Result<Bytes, RequestError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
        let body = body
            .map_err(|error| self.lost(error.to_string()))?
            .to_bytes();
        match head.status.is_success() {
            true => Ok(body),
            false => Err(self.refusal(head.status, &body)),
        }
    }

    fn http_request(
        &self,
        method: Method,
        target: &Target,
        body: Bytes,
    ) -> http::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.site.prefix()))
            .header(header::HOST, self.site.authority())
            .header(header::CONNECTION, "close");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.body(Full::new(body))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> RequestError {
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }

        if let Ok(Problem { detail }) = serde_json::from_slice(body) {
            return RequestError::Refused {
                detail,
                advice: match status {
                    StatusCode::UNAUTHORIZED => LOGIN_ADVICE,
                    _ => "",
                },
            };
        }
        let text = String::from_utf8_lossy(body);
        let line = text.lines().next().unwrap_or_default();
        RequestError::NotCarillon {
            site: self.site.to_string(),
            status,
            text: match line.is_empty() || line.starts_with('<') || line.len() > MAX_LINE_BYTES {
                true => String::new(),
                false => format!(" ({line})"),
            },
        }
    }
}

/// Returns the header for a login: a user with a password, or a token.
fn authorization(login: &Login) -> anyhow::Result<Option<HeaderValue>> {
    let text = match (&login.user, &login.password) {
        (None, None) => return Ok(None),
        (None, Some(token)) => format!("Bearer {token}"),
        (Some(user), password) => {
            let password = password.as_deref().unwrap_or_default();
            let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
            format!("Basic {credentials}")
        }
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| anyhow::anyhow!("the token has a character that no token has"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

const LOGIN_ADVICE: &str = "; log in with --user and CARILLON_PASSWORD or --password-file, or with a token as the \
                            password and without --user";
/// Time limit for a request. Some wait for the disk, or for a client.
const MAX_TIME: Duration = Duration::from_secs(60);
/// Maximum size of a response. A list of messages has 8 MiB of JSON and one message.
const MAX_BODY_BYTES: usize = 256 << 20;
/// Maximum length of a line of another server that is shown in an error.
const MAX_LINE_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_a_password_or_a_token() {
        let table = [
            (None, None, None),
            (None, Some("token"), Some("Bearer token")),
            (Some("anna"), Some("a:b"), Some("Basic YW5uYTphOmI=")),
            (Some("anna"), None, Some("Basic YW5uYTo=")),
        ];
        for (user, password, expected) in table {
            let login = Login {
                user: user.map(ToOwned::to_owned),
                password: password.map(ToOwned::to_owned),
            };
            let value = authorization(&login).expect("a header");
            let text = value.as_ref().map(|value| value.to_str().expect("ASCII"));
            assert_eq!(text, expected);
        }
        let login = Login {
            user: None,
            password: Some("a\nb".to_owned()),
        };
        assert!(authorization(&login).is_err());
    }

    #[test]
    fn refusals_name_the_reason_of_the_server() {
        let site = crate::options::site(None).expect("an address");
        let api = Api::without_login(site, Trust::default(), MAX_TIME);
        let problem = br#"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no topic a"}"#;
        let table: [(u16, &[u8], &str); 4] = [
            (404, problem, "there is no topic a"),
            (
                400,
                b"This port accepts only TLS\n",
                "http://127.0.0.1:8080 answered 400 Bad Request (This port accepts only TLS); is this the address of Carillon?",
            ),
            (
                404,
                b"",
                "http://127.0.0.1:8080 answered 404 Not Found; is this the address of Carillon?",
            ),
            (
                401,
                br#"{"detail":"the user name or password is wrong"}"#,
                "the user name or password is wrong; log in with",
            ),
        ];
        for (status, body, expected) in table {
            let status = StatusCode::from_u16(status).expect("a status");
            let refusal = api.refusal(status, body);
            assert!(refusal.to_string().starts_with(expected), "{refusal}");
        }
    }
}
