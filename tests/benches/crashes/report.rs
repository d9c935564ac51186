//! The figures of a run.

use std::time::Duration;

use crate::flows::Flows;

#[derive(Default)]
pub struct Report {
    pub kills: usize,
    /// The time from the start of each server's process until it listens.
    pub starts: Vec<Duration>,
}

impl Report {
    pub fn print_progress(&self, flows: &Flows) {
        let all = flows.ledgers().map(|ledger| ledger.borrow().figures);
        let acknowledged: u64 = all.iter().map(|one| one.acknowledged).sum();
        println!(
            "{} kills: {acknowledged} messages acknowledged, none lost",
            self.kills
        );
    }

    pub fn print(&self, flows: &Flows) {
        println!("\n| flow | acknowledged | received | again | there without acknowledgement |");
        println!("|---|---:|---:|---:|---:|");
        for ledger in flows.ledgers() {
            let ledger = ledger.borrow();
            let figures = ledger.figures;
            println!(
                "| {} | {} | {} | {} | {} |",
                ledger.name,
                figures.acknowledged,
                figures.received,
                figures.again,
                figures.survived_unacknowledged,
            );
        }
        let mut starts = self.starts.clone();
        starts.sort();
        let median = starts.get(starts.len() / 2).copied().unwrap_or_default();
        let longest = starts.last().copied().unwrap_or_default();
        println!(
            "\n{} kills; {} starts: median {median:.0?}, longest {longest:.0?}. Nothing acknowledged was lost.",
            self.kills,
            starts.len()
        );
    }
}
