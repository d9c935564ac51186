//! Images of the formats that every browser draws, by their first bytes (WHATWG, "MIME Sniffing", 6.1): the format and the
//! size in pixels. SVG is not among them: it can contain scripts. Pure.

/// The head of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    pub format: Format,
    /// Width and height in pixels; `None` if they are not in the first bytes where the format has them.
    pub size: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
    Gif,
    WebP,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
        }
    }

    /// Returns the media type. The page gives it to the browser, and never that of the message.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => ".png",
            Self::Jpeg => ".jpg",
            Self::Gif => ".gif",
            Self::WebP => ".webp",
        }
    }
}

impl Picture {
    /// Returns the head of an image; `None` if the bytes are none.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let (format, size) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            (Format::Png, number(bytes, 16, 4).zip(number(bytes, 20, 4)))
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            (Format::Gif, of_gif(bytes))
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            (Format::Jpeg, of_jpeg(bytes))
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..14) == Some(b"WEBPVP") {
            (Format::WebP, of_webp(bytes))
        } else {
            return None;
        };
        Some(Self { format, size })
    }

    /// Returns false for an image that needs too much memory: a browser decodes it to four bytes for each pixel, so that a
    /// body of some kilobytes can take gigabytes. An image without a known size may be such a one, because a decoder may find
    /// the size where this module does not.
    pub fn is_small_enough(&self) -> bool {
        self.size
            .is_some_and(|(width, height)| u64::from(width) * u64::from(height) <= MOST_PIXELS)
    }
}

/// Returns an unsigned integer, the highest byte first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + length)?.iter();
    Some(bytes.fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// Returns an unsigned integer, the lowest byte first.
fn little(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + length)?.iter().rev();
    Some(bytes.fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// Returns the size of the screen, or of the first frame if that is larger: browsers enlarge the screen for it.
fn of_gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let (width, height) = little(bytes, 6, 2).zip(little(bytes, 8, 2))?;
    let (right, bottom) = first_frame(bytes).unwrap_or_default();
    Some((width.max(right), height.max(bottom)))
}

/// Returns the right and lower edge of the first frame (GIF89a, 20); `None` if there is none, and nothing is drawn.
fn first_frame(bytes: &[u8]) -> Option<(u32, u32)> {
    let flags = *bytes.get(10)?;
    let has_colours = flags & 0x80 != 0;
    let mut at = 13;
    if has_colours {
        at += 3_usize << ((flags & 7) + 1);
    }
    // An extension: its label, and blocks that begin with their length, up to an empty one.
    while *bytes.get(at)? == 0x21 {
        at += 2;
        while let length @ 1.. = *bytes.get(at)? {
            at += 1 + usize::from(length);
        }
        at += 1;
    }
    if bytes[at] != 0x2c {
        return None;
    }
    let edge = |start, size| Some(little(bytes, start, 2)? + little(bytes, size, 2)?);
    edge(at + 1, at + 5).zip(edge(at + 3, at + 7))
}

/// Finds the first frame header (ITU-T T.81, B.2.2) after the other segments.
fn of_jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    for _ in 0..MOST_SEGMENTS {
        let [0xff, marker] = bytes.get(at..at + 2)? else {
            return None;
        };
        match marker {
            // Fill bytes.
            0xff => at += 1,
            // Markers without a segment (B.1.1.3).
            0x01 | 0xd0..=0xd7 => at += 2,
            0x00 => return None,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let (height, width) = (number(bytes, at + 5, 2)?, number(bytes, at + 7, 2)?);
                return Some((width, height));
            }
            _ => at += 2 + number(bytes, at + 2, 2)? as usize,
        }
    }
    None
}

/// Reads the size in one of the three kinds of WebP (RFC 9649, 2.5 to 2.7).
fn of_webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8L" => {
            let bits = little(bytes, 21, 4)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Some((
            little(bytes, 26, 2)? & 0x3fff,
            little(bytes, 28, 2)? & 0x3fff,
        )),
        _ => None,
    }
}

/// Pixels of an image that is drawn: 128 MiB when decoded.
const MOST_PIXELS: u64 = 32 << 20;
/// Segments of a JPEG that are searched for the size.
const MOST_SEGMENTS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<(Format, Option<(u32, u32)>)> {
        Picture::of(bytes).map(|picture| (picture.format, picture.size))
    }

    #[test]
    fn each_format_has_its_size() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02";
        let gif = b"GIF89a\x80\x02\xe0\x01\xf7";
        let jpeg =
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xdb\0\x02\xff\xc2\0\x11\x08\x01\xe0\x02\x80\x03";
        let extended = b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0";
        let lossless = b"RIFF\x24\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x7f\xc2\x77\0";
        let lossy = b"RIFF\x24\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
        for (bytes, format) in [
            (&png[..], Format::Png),
            (gif, Format::Gif),
            (jpeg, Format::Jpeg),
            (extended, Format::WebP),
            (lossless, Format::WebP),
            (lossy, Format::WebP),
        ] {
            assert_eq!(found(bytes), Some((format, Some((640, 480)))));
        }
    }

    #[test]
    fn a_cut_head_has_no_size_and_other_bytes_are_no_image() {
        assert_eq!(found(b"\x89PNG\r\n\x1a\n"), Some((Format::Png, None)));
        assert_eq!(found(b"\xff\xd8\xff\xe0\0\0"), Some((Format::Jpeg, None)));
        for bytes in [
            &b""[..],
            b"GIF",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"RIFF\0\0\0\0WAVE",
        ] {
            assert_eq!(found(bytes), None);
        }
    }

    #[test]
    fn an_image_that_fills_the_memory_is_not_drawn() {
        let of = |width: u32, height: u32| {
            let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
            png.extend_from_slice(&width.to_be_bytes());
            png.extend_from_slice(&height.to_be_bytes());
            Picture::of(&png).expect("an image").is_small_enough()
        };
        assert!(of(8192, 4096));
        assert!(!of(8192, 4097));
        assert!(!of(u32::MAX, u32::MAX));
        // A frame that is larger than the screen, bytes before the frame header, and a marker without a segment.
        let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x20\x4e\x20\x4e\0";
        let garbage = b"\xff\xd8\xff\xe0\0\x02\0\0\xff\xc0\0\x11\x08\x4e\x20\x4e\x20\x03";
        let marker = b"\xff\xd8\xff\x01\xff\xc0\0\x11\x08\x4e\x20\x4e\x20\x03\0\0";
        for bytes in [&gif[..], garbage, marker] {
            let picture = Picture::of(bytes).expect("an image");
            assert!(!picture.is_small_enough(), "{picture:?}");
        }
    }
}
