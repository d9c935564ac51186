//! Carillon from outside: the real binary over real sockets, from clients of all kinds. One binary,
//! so that it is linked once; a module for each door.

mod accessibility;
mod command_line;
mod console;
mod events;
mod hostile_peers;
mod http_api;
mod live_pages;
mod order;
mod pages;
mod reader;
mod slow_readers;
mod stomp;
mod stomp_faults;
mod stomp_tcp;
mod stompjs;
mod tcp;
mod websocket;
