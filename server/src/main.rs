//! The program `carillon`: the library `carillon_server` with an allocator.

use std::process::ExitCode;

/// The system's allocator permanently keeps the memory of a load, because most of its pages still contain small
/// objects. This one returns pages some seconds after they are freed, with a background thread.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    carillon_server::main()
}
