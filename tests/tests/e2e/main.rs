//! Carillon from outside: the real binary over real sockets, from clients of all kinds. One binary,
//! so that it is linked once; a module for each door.

mod accessibility;
mod acknowledgement;
mod advisories;
mod command_line;
mod console;
mod consumers;
mod dead_letters;
mod destinations;
mod durable;
mod events;
mod hostile_peers;
mod http_api;
mod live_pages;
mod mqtt_command_line;
mod order;
mod pages;
mod program;
mod queues;
mod queues_api;
mod queues_page;
mod reader;
mod receipts;
mod request_reply;
mod selectors;
mod slow_readers;
mod stomp;
mod stomp_faults;
mod stomp_tcp;
mod stompjs;
mod stomppy;
mod tcp;
mod temporary;
mod tls;
mod transactions;
mod websocket;
