//! `carillon store repair`.

use std::io::Write;

use printable::printable;
use serde::Serialize;
use store::{Repaired, check, plan_repair};

use super::{Condition, Failure, Reported, StoppedStore, description::Names, print_json};

/// Reports what a repair would do, and changes nothing.
pub fn plan(reported: &Reported, out: &mut dyn Write) -> Result<Condition, Failure> {
    let store = StoppedStore::for_reading(&reported.directory.directory)?;
    let planned = plan_repair(&store.disk).map_err(|cause| store.failure(cause))?;
    print(&planned, Stage::Planned, reported, out)?;
    Ok(match is_damaged(&planned) {
        true => Condition::Damaged,
        false => Condition::Sound,
    })
}

/// Repairs a store, and checks the result.
pub fn repair(reported: &Reported, out: &mut dyn Write) -> Result<Condition, Failure> {
    let store = StoppedStore::for_writing(&reported.directory.directory)?;
    let repaired = store::repair(&store.disk).map_err(|cause| store.failure(cause))?;
    print(&repaired, Stage::Done, reported, out)?;
    let checked = check(&store.disk).map_err(|cause| store.failure(cause))?;
    Ok(match checked.damage_count {
        0 => Condition::Sound,
        _ => Condition::Damaged,
    })
}

/// True if the store was damaged before the repair.
fn is_damaged(repaired: &Repaired) -> bool {
    let Repaired {
        set_aside,
        lost_frames,
        lost_count,
        ..
    } = repaired;
    !set_aside.is_empty() || !lost_frames.is_empty() || *lost_count > 0
}

/// The stage of a repair that is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Planned,
    Done,
}

/// A repair as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RepairObject<'a> {
    /// False for a plan.
    done: bool,
    /// Copies of damaged files.
    set_aside: &'a [String],
    lost_frames: Vec<FramesObject<'a>>,
    /// The number of messages that are known and cannot be read.
    lost_count: u64,
    /// The places of the first of them.
    lost: Vec<String>,
    /// Messages that are left; none if nothing is damaged.
    messages: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FramesObject<'a> {
    file: &'a str,
    first: u64,
    last: u64,
}

fn print(
    repaired: &Repaired,
    stage: Stage,
    reported: &Reported,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let names = Names::of(&repaired.state);
    let frames = repaired.lost_frames.iter().map(|lost| FramesObject {
        file: &lost.file,
        first: lost.first,
        last: lost.last,
    });
    let object = RepairObject {
        done: stage == Stage::Done,
        set_aside: &repaired.set_aside,
        lost_frames: frames.collect(),
        lost_count: repaired.lost_count,
        lost: repaired.lost.iter().map(|&held| names.held(held)).collect(),
        messages: is_damaged(repaired).then(|| repaired.state.held_messages()),
    };
    match reported.json {
        true => print_json(&object, out),
        false => object.print(out),
    }
}

impl RepairObject<'_> {
    fn print(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let Some(left) = self.messages else {
            writeln!(out, "nothing is damaged")?;
            return Ok(());
        };
        let (loses, sets_aside) = match self.done {
            true => ("lost", "set aside"),
            false => ("would lose", "would set aside"),
        };
        for frames in &self.lost_frames {
            let FramesObject { file, first, last } = frames;
            let frames = format!("frames {first} to {last} of {file}");
            writeln!(
                out,
                "{loses}: {frames}, with all messages and changes in them"
            )?;
        }
        for place in &self.lost {
            writeln!(out, "{loses}: the message at {}", printable(place))?;
        }
        let unlisted = self.lost_count - self.lost.len() as u64;
        if unlisted > 0 {
            writeln!(out, "{loses}: {unlisted} more messages")?;
        }
        for file in self.set_aside {
            writeln!(out, "{sets_aside}: {file}")?;
        }
        match self.done {
            true => writeln!(out, "the store is repaired; messages left: {left}")?,
            false => writeln!(
                out,
                "would keep: {left} messages\nnothing was changed: add --set-aside to repair the store"
            )?,
        }
        Ok(())
    }
}
