//! Names in addresses: the escapes of RFC 3986, 2.1, in paths and queries. Pure.

/// Returns a name as one segment of a path, or as a value of a query.
pub fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                text.push(char::from(HEX[usize::from(digit)]));
            }
        }
    }
    text
}

/// Returns the name that a segment of a path stands for; `None` if its escapes are wrong or the name is not UTF-8.
pub fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Returns the value of a parameter of a query, which is written without `?`.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| {
        let (own, value) = pair.split_once('=')?;
        (own == name).then_some(value)
    })?;
    decoded(&value.replace('+', " "))
}

/// Returns whether a query has a parameter, with or without a value.
pub fn has_parameter(query: &str, name: &str) -> bool {
    let mut names = query.split('&').map(|pair| pair.split('=').next());
    names.any(|own| own == Some(name))
}

/// Returns the address without its query and its fragment.
pub fn without_query(address: &str) -> &str {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    &address[..end]
}

/// Returns the query of an address, without `?` and fragment; empty if there is none.
pub fn query(address: &str) -> &str {
    let address = address.split('#').next().unwrap_or_default();
    address.split_once('?').map_or("", |(_, query)| query)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        for (name, segment) in [
            ("finance.stock", "finance.stock"),
            ("$SYS.figures", "$SYS.figures"),
            ("a/b c?d#e", "a%2Fb%20c%3Fd%23e"),
            ("ö%", "%C3%B6%25"),
            ("", ""),
        ] {
            assert_eq!(encoded(name), segment);
            assert_eq!(decoded(segment).as_deref(), Some(name));
        }
        assert_eq!(decoded("%c3%b6").as_deref(), Some("ö"));
    }

    #[test]
    fn wrong_escapes_are_no_name() {
        for segment in ["%", "%4", "%zz", "%ff", "%c3"] {
            assert_eq!(decoded(segment), None, "{segment}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        let address = "topics/a?at=1-2&filter=price%20%3E%2010+x&at=3#part";
        let query = query(address);
        assert_eq!(parameter(query, "at").as_deref(), Some("1-2"));
        assert_eq!(parameter(query, "filter").as_deref(), Some("price > 10 x"));
        assert_eq!(parameter(query, "a"), None);
        assert_eq!(without_query(address), "topics/a");
        assert_eq!(super::query("topics"), "");
    }

    #[test]
    fn a_parameter_may_have_no_value() {
        assert!(has_parameter("view", "view"));
        assert!(has_parameter("a=1&view=1", "view"));
        assert!(!has_parameter("a=view&views=1", "view"));
        assert!(!has_parameter("", "view"));
    }
}
