//! `carillon store check`.

use std::io::Write;

use printable::printable;
use serde::Serialize;
use store::{Checked, check};

use super::{Condition, Failure, Reported, StoppedStore, description::DamageObject, print_json};

/// Prints the result of a check.
pub fn run(reported: &Reported, out: &mut dyn Write) -> Result<Condition, Failure> {
    let store = StoppedStore::for_reading(&reported.directory.directory)?;
    let checked = check(&store.disk).map_err(|cause| store.failure(cause))?;
    match reported.json {
        true => print_json(&CheckObject::from(&checked), out)?,
        false => print(&checked, out)?,
    }
    Ok(match checked.damage_count {
        0 => Condition::Sound,
        _ => Condition::Damaged,
    })
}

/// The result as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckObject<'a> {
    sound: bool,
    frames: u64,
    records: u64,
    messages: u64,
    damage_count: u64,
    /// The first damages.
    damages: Vec<DamageObject<'a>>,
    /// Report that the next start would give.
    notes: Vec<String>,
}

impl<'a> From<&'a Checked> for CheckObject<'a> {
    fn from(checked: &'a Checked) -> Self {
        Self {
            sound: checked.damage_count == 0,
            frames: checked.frames,
            records: checked.records,
            messages: checked.messages,
            damage_count: checked.damage_count,
            damages: checked.damages.iter().map(DamageObject::from).collect(),
            notes: checked.notes.iter().map(ToString::to_string).collect(),
        }
    }
}

fn print(checked: &Checked, out: &mut dyn Write) -> Result<(), Failure> {
    for damage in &checked.damages {
        writeln!(out, "{}", printable(&damage.to_string()))?;
    }
    let unlisted = checked.damage_count - checked.damages.len() as u64;
    if unlisted > 0 {
        writeln!(out, "and {unlisted} more damages")?;
    }
    for note in &checked.notes {
        writeln!(out, "note: {}", printable(&note.to_string()))?;
    }
    let Checked {
        frames,
        records,
        messages,
        damage_count,
        ..
    } = checked;
    writeln!(
        out,
        "read {frames} frames, {records} records, {messages} messages"
    )?;
    match damage_count {
        0 => writeln!(out, "the store is sound")?,
        _ => writeln!(
            out,
            "the store is damaged; `carillon store repair DIR` reports what a repair would lose"
        )?,
    }
    Ok(())
}
