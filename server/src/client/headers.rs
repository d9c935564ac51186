//! Headers that users give their messages.

use std::str::FromStr;

use wire::stomp::header;

/// A header that subscribers are given as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserHeader {
    name: String,
    value: String,
}

impl UserHeader {
    pub fn as_pair(&self) -> (&str, &str) {
        (&self.name, &self.value)
    }
}

impl FromStr for UserHeader {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("it needs the form NAME=VALUE")?;
        match name {
            "" => Err("the name is empty"),
            header::CONTENT_TYPE => Err("use --content-type"),
            name if !header::is_user_defined(name) => Err("this header has a meaning of its own"),
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
    fn headers_are_names_and_values() {
        for (text, pair) in [("a=b=c", ("a", "b=c")), ("d=", ("d", ""))] {
            let header: UserHeader = text.parse().unwrap();
            assert_eq!(header.as_pair(), pair);
        }
    }

    #[test]
    fn what_has_a_meaning_of_its_own_is_no_header_of_the_users() {
        let table = [
            ("colour", "NAME=VALUE"),
            ("=red", "the name is empty"),
            ("receipt=1", "a meaning of its own"),
            ("content-type=text/plain", "--content-type"),
        ];
        for (text, wanted) in table {
            let error = text.parse::<UserHeader>().unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
