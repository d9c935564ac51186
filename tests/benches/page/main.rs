//! Measures the pages in a real browser: a high rate of messages on `rect` and `chart`, and the
//! time until a page is live. Run it with `cargo xtask bench page [--rate 5000] [--seconds 60]`; with `--pages tools`, it
//! measures the live tail of a topic and a board instead, and with `--pages tree` the tree of 100,000 topics.
//!
//! Browser, server and publisher share the machine, and a browser without a display renders in
//! software. So only the changes from one version of the pages to the next are meaningful, and
//! whether memory stays constant. Long tasks and late inputs are meaningful only on an otherwise
//! idle machine: on a busy one, tasks of 100 ms had computed for only 5 ms. After the load each
//! message is accounted for (see `account`). The report is also written to a file, whose last line
//! is the same report as JSON.

mod account;
mod load;
mod options;
mod publisher;
mod report;
mod start;
mod tree;
mod window;

use std::env;
use std::fs;
use std::path::Path;

use harness::Carillon;
use harness::browser::Browser;
use tokio::runtime::Builder;

use options::{Options, Pages};

fn main() {
    // Cargo adds `--bench`. Because of its duration, this bench runs only if it is named.
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
    // One client may create at most half of the topics.
    let server = Carillon::with(&["--max-topics", "300000"]).await;
    let browser = Browser::start().await;
    if options.pages == Pages::Tree {
        let report = tree::measure(&server, &browser).await;
        print!("{report}");
        return keep(options, &report);
    }
    let starts = match options.pages {
        Pages::Demo => start::measure(&server).await,
        Pages::Tools | Pages::Tree => Vec::new(),
    };
    let load = load::measure(&server, &browser, options).await;
    let report = report::write(options, &starts, &load);
    print!("{report}");
    keep(options, &report);
}

fn keep(options: Options, report: &str) {
    let Options { pages, rate, .. } = options;
    let name = format!(
        "page-{}-{rate}-{}s.txt",
        pages.name(),
        options.duration.as_secs()
    );
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match fs::write(&file, report) {
        Ok(()) => eprintln!("written to {}", file.display()),
        Err(error) => eprintln!("{} cannot be written: {error}", file.display()),
    }
}
