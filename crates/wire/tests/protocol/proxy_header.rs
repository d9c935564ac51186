//! The header of the PROXY protocol: a table of its two versions, and every shorter beginning.

use wire::proxy::{Beginning, Header, MAX_BYTES, Malformed, decode};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const TCP_4: u8 = 0x11;
const TCP_6: u8 = 0x21;
const ADDRESSES_4: [u8; 12] = [203, 0, 113, 7, 192, 0, 2, 1, 0xc0, 0x00, 0x07, 0x5b];

fn binary(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("a short rest");
    let fixed = [version_and_command, family];
    [SIGNATURE, &fixed, &length.to_be_bytes(), rest].concat()
}

fn addresses_6() -> Vec<u8> {
    let mut addresses = vec![0; 36];
    addresses[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    addresses[15] = 9;
    addresses[32..34].copy_from_slice(&[0, 80]);
    addresses
}

#[test]
fn headers_name_the_client() {
    let with_fields = [&ADDRESSES_4[..], &[0x04, 0, 2, 1, 2]].concat();
    let table: &[(&str, Vec<u8>, Option<&str>)] = &[
        (
            "TCP4",
            b"PROXY TCP4 203.0.113.7 192.0.2.1 49152 1883\r\n".to_vec(),
            Some("203.0.113.7:49152"),
        ),
        (
            "TCP6",
            b"PROXY TCP6 2001:db8::9 2001:db8::1 0 65535\r\n".to_vec(),
            Some("[2001:db8::9]:0"),
        ),
        ("UNKNOWN", b"PROXY UNKNOWN\r\n".to_vec(), None),
        (
            "UNKNOWN with anything",
            b"PROXY UNKNOWN ffff::1 x 99999\r\n".to_vec(),
            None,
        ),
        (
            "IPv4",
            binary(0x21, TCP_4, &ADDRESSES_4),
            Some("203.0.113.7:49152"),
        ),
        (
            "IPv4 with further fields",
            binary(0x21, TCP_4, &with_fields),
            Some("203.0.113.7:49152"),
        ),
        (
            "IPv6",
            binary(0x21, TCP_6, &addresses_6()),
            Some("[2001:db8::9]:80"),
        ),
        ("LOCAL", binary(0x20, 0, b""), None),
        ("LOCAL, addresses", binary(0x20, TCP_4, &ADDRESSES_4), None),
        ("unspecified", binary(0x21, 0, b""), None),
        ("UDP", binary(0x21, 0x12, &ADDRESSES_4), None),
        ("a Unix socket", binary(0x21, 0x31, &[b'x'; 216]), None),
    ];
    for (name, bytes, client) in table {
        let header = Header {
            client: client.map(|address| address.parse().expect("an address")),
            length: bytes.len(),
        };
        let followed = [bytes, b"CONNECT\n".as_slice()].concat();
        for input in [bytes, &followed] {
            assert_eq!(decode(input), Ok(Beginning::Header(header)), "{name}");
        }
        for length in 0..bytes.len() {
            let beginning = decode(&bytes[..length]);
            assert_eq!(beginning, Ok(Beginning::Incomplete), "{name}, {length}");
        }
    }
}

#[test]
fn other_beginnings_are_the_clients() {
    let table: &[&[u8]] = &[
        b"\x10\x0c\x00\x04MQTT",
        b"CONNECT\n",
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\n",
        b"PROPFIND / HTTP/1.1\r\n",
        b"PROXY\tTCP4",
        b"\x16\x03\x01",
        b"\r\n\r\nGET / HTTP/1.1\r\n",
        b"\r\n\r\n\0\r\nQUIX",
        b"\n",
    ];
    for input in table {
        let text = input.escape_ascii();
        assert_eq!(decode(input), Ok(Beginning::Other), "{text}");
    }
}

#[test]
fn malformed_headers_are_refused() {
    let long_line = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 100]].concat();
    let too_long = [SIGNATURE, &[0x21, TCP_4, 0x0f, 0xf1]].concat();
    let longest = [SIGNATURE, &[0x21, TCP_4, 0x0f, 0xf0]].concat();
    assert_eq!(decode(&longest), Ok(Beginning::Incomplete), "{MAX_BYTES}");
    let table: &[(Vec<u8>, Malformed)] = &[
        (long_line, Malformed::LineTooLong),
        (too_long, Malformed::TooLong),
        (binary(0x11, TCP_4, &ADDRESSES_4), Malformed::Version(1)),
        (binary(0x22, TCP_4, &ADDRESSES_4), Malformed::Command(2)),
        (binary(0x21, 0x41, &ADDRESSES_4), Malformed::Family(0x41)),
        (binary(0x21, 0x13, &ADDRESSES_4), Malformed::Family(0x13)),
        (
            binary(0x21, TCP_4, &ADDRESSES_4[..11]),
            Malformed::Addresses,
        ),
        (binary(0x21, TCP_6, &[0; 35]), Malformed::Addresses),
    ];
    for (input, expected) in table {
        assert_eq!(decode(input), Err(*expected), "{expected}");
    }
    for line in [
        "PROXY \r\n",
        "PROXY TCP5 203.0.113.7 192.0.2.1 1 2\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 1\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n",
        "PROXY TCP4 203.0.113.7  192.0.2.1 1 2\r\n",
        "PROXY TCP4 203.0.113.007 192.0.2.1 1 2\r\n",
        "PROXY TCP4 2001:db8::9 2001:db8::1 1 2\r\n",
        "PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 +1 2\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 01 2\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 65536 2\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 1 \r\n",
        "PROXY unknown\r\n",
    ] {
        assert_eq!(decode(line.as_bytes()), Err(Malformed::Line), "{line}");
    }
}
