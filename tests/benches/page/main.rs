//! What the pages bear: a flood of messages on `rect` and on `chart`, shown by the real browser, and
//! how soon a page is live. `cargo xtask bench page [--rate 5000] [--seconds 60]`
//!
//! Browser, server and publisher share the machine, and a browser without a display paints in
//! software: what counts is how figures change from one version of the pages to the next, and whether
//! memory stays flat. A long task or a late input says something about the pages only on a machine that
//! is theirs: where others had the processors, tasks of 100 ms were found to have computed for 5. After
//! the flood each message is accounted for (see `account`). All of it goes into a file as well, whose
//! last line is the same as JSON.

mod account;
mod load;
mod options;
mod publisher;
mod report;
mod start;
mod window;

use std::env;
use std::fs;
use std::path::Path;

use harness::Carillon;
use harness::browser::Browser;
use tokio::runtime::Builder;

use options::Options;

fn main() {
    // Cargo adds `--bench`. Whoever runs all benches does not wait for this one.
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    if arguments.next().is_none_or(|name| name != "page") {
        return;
    }
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("{reason}");
            std::process::exit(2);
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(options));
}

async fn measure(options: Options) {
    let server = Carillon::start().await;
    let starts = start::measure(&server).await;
    let browser = Browser::start().await;
    let load = load::measure(&server, &browser, options).await;
    let report = report::write(options, &starts, &load);
    print!("{report}");
    keep(options, &report);
}

fn keep(options: Options, report: &str) {
    let name = format!("page-{}-{}s.txt", options.rate, options.duration.as_secs());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match fs::write(&file, report) {
        Ok(()) => eprintln!("written to {}", file.display()),
        Err(error) => eprintln!("{} cannot be written: {error}", file.display()),
    }
}
