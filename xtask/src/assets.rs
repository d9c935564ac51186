//! The files of `dist/` in memory: their names with a hash of their bytes, and their compressed
//! forms. This module does not access the disk.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;

use anyhow::Result;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A map from paths inside `dist/`, with `/` between folders, to bytes.
pub type Assets = BTreeMap<String, Vec<u8>>;

/// The extensions of compressible files: text formats and WASM. Images and fonts are compressed
/// already.
const COMPRESSIBLE: [&str; 10] = [
    "css",
    "html",
    "js",
    "json",
    "map",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
    "xml",
];

/// Returns a name that changes with the bytes, so that browsers can cache the file without expiry:
/// `pkg/carillon` and `js` become `pkg/carillon-0123456789abcdef.js`.
pub fn hashed_name(stem: &str, extension: &str, bytes: &[u8]) -> String {
    format!("{stem}-{}.{extension}", &digest([bytes])[..16])
}

/// Returns the SHA-256 hash in hexadecimal.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| hash.update(part));
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Adds `.br` and `.gz` forms of each file that they make smaller.
pub fn compress(assets: &mut Assets) -> Result<()> {
    let compressed = thread::scope(|scope| {
        let workers: Vec<_> = assets
            .iter()
            .filter(|(name, _)| is_compressible(name))
            .flat_map(|(name, bytes)| {
                [
                    scope.spawn(move || (format!("{name}.br"), bytes.len(), brotli(bytes))),
                    scope.spawn(move || (format!("{name}.gz"), bytes.len(), gzip(bytes))),
                ]
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a compressor does not panic"))
            .collect::<Vec<_>>()
    });
    for (name, plain_length, bytes) in compressed {
        let bytes = bytes?;
        if bytes.len() < plain_length {
            assets.insert(name, bytes);
        }
    }
    Ok(())
}

fn is_compressible(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| COMPRESSIBLE.contains(&extension))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let best = BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &best)?;
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_changes_with_the_bytes() {
        let name = hashed_name("pkg/carillon", "css", b"");
        assert_eq!(name, "pkg/carillon-e3b0c44298fc1c14.css");
        assert_ne!(name, hashed_name("pkg/carillon", "css", b"a"));
    }

    #[test]
    fn only_files_that_get_smaller_are_compressed() {
        let mut assets = Assets::from([
            ("long.css".into(), b"a { color: red }\n".repeat(100)),
            ("short.txt".into(), b"a".to_vec()),
            ("picture.png".into(), vec![0; 1000]),
        ]);
        compress(&mut assets).expect("compressed in memory");
        let names: Vec<_> = assets.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "long.css",
                "long.css.br",
                "long.css.gz",
                "picture.png",
                "short.txt"
            ]
        );
    }

    #[test]
    fn both_forms_decompress_to_the_original() {
        let original = b"a subscription is a cursor; ".repeat(50);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &*brotli(&original).expect("brotli"), &mut unpacked)
            .expect("a brotli stream");
        assert_eq!(unpacked, original);

        let mut unpacked = flate2::write::GzDecoder::new(Vec::new());
        unpacked
            .write_all(&gzip(&original).expect("gzip"))
            .expect("a gzip stream");
        assert_eq!(unpacked.finish().expect("its end"), original);
    }
}
