//! The crate through its public face: golden bytes of the specifications, properties that hold for
//! all inputs, both machines against each other, and our WebSocket against another one.

mod clauses;
mod conversation;
mod mqtt_answers;
mod mqtt_golden;
mod mqtt_golden_connect;
mod mqtt_golden_subscribe;
mod mqtt_handshake;
mod mqtt_malformed;
mod mqtt_malformed_connect;
mod mqtt_malformed_publish;
mod mqtt_malformed_subscribe;
mod mqtt_model;
mod mqtt_outgoing;
mod mqtt_properties;
mod mqtt_sections;
mod mqtt_server;
mod mqtt_shared;
mod mqtt_topics;
mod mqtt_value;
mod mqtt_windows;
mod stomp_acknowledge;
mod stomp_conversation;
mod stomp_golden;
mod stomp_heart_beat;
mod stomp_message;
mod stomp_properties;
mod stomp_round_trip;
mod stomp_send;
mod stomp_server;
mod stomp_subscribe;
mod stomp_versions;
mod transcript;
mod websocket_golden;
mod websocket_other;
mod websocket_properties;
