//! Runs each fuzz target on the inputs in `fuzz/seeds/` and on seeded mutations of them.

use std::fs;
use std::path::PathBuf;
use std::thread;

use fuzz::{TARGETS, Target};
use simulation::Random;

#[test]
fn mqtt_decode_holds_for_mutations() {
    run("mqtt_decode");
}

#[test]
fn mqtt_server_holds_for_mutations() {
    run("mqtt_server");
}

#[test]
fn proxy_decode_holds_for_mutations() {
    run("proxy_decode");
}

#[test]
fn selector_holds_for_mutations() {
    run("selector");
}

#[test]
fn stomp_decode_holds_for_mutations() {
    run("stomp_decode");
}

#[test]
fn stomp_server_holds_for_mutations() {
    run("stomp_server");
}

#[test]
fn websocket_decode_holds_for_mutations() {
    run("websocket_decode");
}

#[test]
fn each_target_has_a_test_and_inputs() {
    let source = include_str!("mutations.rs");
    for target in TARGETS {
        let call = format!("run(\"{}\")", target.name);
        assert!(source.contains(&call), "{call}");
        assert!(!inputs(target).is_empty(), "{}", target.name);
    }
}

/// Runs a target on its inputs, and for each seed on [`MUTATIONS`] of them.
fn run(name: &str) {
    let target = TARGETS.into_iter().find(|target| target.name == name);
    let target = target.expect("a target of this name");
    let inputs = inputs(target);
    for input in &inputs {
        run_on(target, input);
    }
    let words = words(target);
    for seed in simulation::seeds(SEEDS) {
        let mut random = Random::new(seed);
        for _ in 0..MUTATIONS {
            let mut input = inputs[random.index(inputs.len())].clone();
            for _ in 0..=random.index(MOST_CHANGES) {
                change(&mut input, &inputs, &words, &mut random);
            }
            input.truncate(MOST_BYTES);
            run_on(target, &input);
        }
    }
}

/// Runs a target, and prints the input if the target panics.
fn run_on(target: Target, input: &[u8]) {
    let _running = Running { target, input };
    (target.run)(input);
}

struct Running<'a> {
    target: Target,
    input: &'a [u8],
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let input = self.input.escape_ascii();
            eprintln!("{} failed with the input \"{input}\"", self.target.name);
        }
    }
}

/// Changes an input once, as libFuzzer does.
fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) {
    let at = random.index(input.len() + 1);
    let end = at + random.index(input.len() - at + 1).min(LONGEST_PIECE);
    match random.index(7) {
        0 if at < input.len() => input[at] ^= 1 << random.index(8),
        1 if at < input.len() => input[at] = random.index(256) as u8,
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        4 => {
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
        5 if !words.is_empty() => {
            let word = words[random.index(words.len())].clone();
            input.splice(at..at, word);
        }
        // The end of another input.
        _ => {
            let other = &inputs[random.index(inputs.len())];
            let tail = &other[random.index(other.len() + 1)..];
            input.truncate(at);
            input.extend_from_slice(tail);
        }
    }
}

/// Returns the inputs of a target, sorted by name.
fn inputs(target: Target) -> Vec<Vec<u8>> {
    let folder = fuzz_folder().join("seeds").join(target.name);
    let entries = fs::read_dir(&folder).expect("the target has a folder of inputs");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let inputs = files.iter().map(|file| fs::read(file).expect("a file"));
    inputs.collect()
}

/// Returns the words of the target's dictionary: `stomp.dict` is the one of `stomp_decode`.
fn words(target: Target) -> Vec<Vec<u8>> {
    let (group, _) = target.name.split_once('_').unwrap_or((target.name, ""));
    let file = fuzz_folder().join(format!("{group}.dict"));
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(word).collect()
}

/// Returns the bytes of a line such as `"SEND\x0a"`.
fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        word.push(match byte {
            b'\\' => match rest.next()? {
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
                }
                escaped => escaped,
            },
            _ => byte,
        });
    }
    Some(word)
}

fn fuzz_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

const SEEDS: u64 = 4;
const MUTATIONS: usize = 1_000;
const MOST_CHANGES: usize = 6;
const LONGEST_PIECE: usize = 64;
const MOST_BYTES: usize = 4_096;
