//! Carillon, a broker for topics and queues, within another program.
//!
//! - [`Server`] runs the broker with its listeners for MQTT, STOMP, HTTP and WebSockets, as the program `carillon` does. The
//!   program publishes and subscribes itself, without a socket.
//! - [`Server::router`] gives the pages and the API to a program with axum, below a path of its own.
//! - [`test::start`] starts a server for a test.
//!
//! ```
//! # async fn example() -> Result<(), carillon::Error> {
//! let server = carillon::Server::builder()
//!     .mqtt(([127, 0, 0, 1], 0))
//!     .start()
//!     .await?;
//! println!("MQTT at {:?}", server.mqtt_address());
//!
//! let mut orders = server.consume("orders")?;
//! server.send("orders", r#"{"item": 7}"#).await?;
//! if let Some(order) = orders.next().await {
//!     println!("{:?}", order.text());
//!     order.acknowledge().await?;
//! }
//! server.stop().await
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # What it does not touch
//!
//! A server handles no signals, writes nothing to standard output and standard error, reads no variable of the environment, never
//! ends the process, and does not notify a service manager. It sets neither the allocator nor the limit of open files: for
//! thousands of clients, raise the limit (`ulimit -n`). Its log lines are events of the crate `tracing`, for the subscriber of
//! the program, if there is one. One thing is shared by the process: rendering pages needs an executor of the crate
//! `any_spawner`, and the first server sets tokio's, if none is set.
//!
//! Each server has its own threads and its own tokio runtime, and any number can run at once. The functions of this crate work
//! in any async runtime.
//!
//! # Pages
//!
//! The pages' programs are built by `cargo xtask dist` into the folder `dist` of Carillon's repository, or into the one that the
//! environment variable `CARILLON_DIST` names while this crate is compiled; the crate then contains them. Without them, all
//! pages exist but are only rendered once, and say that they are not live. API, events and WebSockets need no pages.
//!
//! # Versions
//!
//! The names and types of this crate are its interface; `public-api.txt` beside `Cargo.toml` lists them. [`axum::Router`] 0.8 and
//! `Stream` of futures 0.3 are part of it. Options and their defaults follow the program `carillon`; its changelog names changes.

#![warn(missing_docs, unreachable_pub)]

mod builder;
mod consumer;
mod error;
mod inbox;
mod message;
mod publication;
mod router;
mod running;
mod server;
mod subscription;
pub mod test;
mod thread;

pub use crate::server::Server;
/// Compiles and runs the examples of the book's chapter.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/start/embed.md")]
struct Chapter;

pub use builder::Builder;
pub use consumer::{Consumer, Delivery};
pub use error::Error;
pub use message::{Message, Missed};
pub use publication::{Publication, Receipt};
pub use subscription::{Start, Subscription};
