//! User-defined headers of messages.

use std::str::FromStr;

use wire::stomp::header;

/// A header that subscribers receive unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserHeader {
    name: String,
    value: String,
}

impl UserHeader {
    pub(crate) fn as_pair(&self) -> (&str, &str) {
        (&self.name, &self.value)
    }
}

impl FromStr for UserHeader {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text
            .split_once('=')
            .ok_or("a header has the form NAME=VALUE")?;
        match name {
            "" => Err("the name is empty"),
            header::CONTENT_TYPE => Err("use the option --content-type instead"),
            name if !header::is_user_defined(name) => {
                Err("this header is reserved by the protocol")
            }
            name => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_split_at_the_first_equals_sign() {
        for (text, pair) in [("a=b=c", ("a", "b=c")), ("d=", ("d", ""))] {
            let header: UserHeader = text.parse().unwrap();
            assert_eq!(header.as_pair(), pair);
        }
    }

    #[test]
    fn malformed_and_reserved_headers_are_refused() {
        let table = [
            ("colour", "NAME=VALUE"),
            ("=red", "the name is empty"),
            ("receipt=1", "reserved by the protocol"),
            ("content-type=text/plain", "--content-type"),
        ];
        for (text, wanted) in table {
            let error = text.parse::<UserHeader>().unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
