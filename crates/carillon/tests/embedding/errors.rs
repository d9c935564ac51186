//! Faults are values of the error type.

use std::io;

use carillon::{Builder, Consumer, Delivery, Error, Message, Server, Start, Subscription};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_port_in_use_is_named() {
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let used = other.local_addr().expect("an address");
    let builders: [fn(Builder, std::net::SocketAddr) -> Builder; 3] = [
        |builder, address| builder.http(address),
        |builder, address| builder.stomp(address),
        |builder, address| builder.mqtt(address),
    ];
    for listen in builders {
        let error = listen(Server::builder(), used).start().await;
        let error = error.expect_err("the port is in use");
        let Error::AddressNotAvailable {
            address, reason, ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!((*address, reason.kind()), (used, io::ErrorKind::AddrInUse));
    }
}

#[tokio::test]
async fn names_that_are_not_valid_are_refused() {
    let broker = carillon::test::start();
    for name in ["", "a..b", "a.*"] {
        let errors = [
            broker.publish(name, "").await.expect_err("no name"),
            broker.send(name, "").await.expect_err("no name"),
        ];
        for error in errors {
            assert!(matches!(error, Error::InvalidName(_)), "{name}: {error:?}");
            assert!(!error.to_string().is_empty());
        }
    }
    let filter = broker.subscribe("a.>.b").expect_err("no filter");
    assert!(matches!(filter, Error::InvalidName(_)), "{filter:?}");
    let queue = broker.consume("").expect_err("no queue");
    assert!(matches!(queue, Error::InvalidName(_)), "{queue:?}");
    let id = broker.subscribe_from("a", Start::After("7".to_owned()));
    let id = id.expect_err("no id");
    assert!(matches!(id, Error::InvalidName(_)), "{id:?}");
}

#[tokio::test]
async fn the_broker_s_refusals_name_the_reason() {
    let broker = Server::builder()
        .arguments(["--max-body", "1024", "--queue-length", "1"])
        .start()
        .await
        .expect("a server");
    let long = broker.publish("t", vec![0; 1_025]).await;
    let reserved = broker.publish("$SYS.figures", "").await;
    broker.send("q", "1").await.expect("there is room");
    let full = broker.send("q", "2").await;
    for (refused, reason) in [(long, "1024"), (reserved, "$SYS"), (full, "full")] {
        let error = refused.expect_err("a refusal");
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn options_that_are_not_valid_are_refused() {
    let with = |arguments: &[&str]| Server::builder().arguments(arguments.iter().copied());
    let table = [
        (with(&["--no-such-option"]), "--no-such-option"),
        (with(&["--max-topics", "many"]), "many"),
        (with(&["--config", "carillon.toml"]), "--config"),
        (with(&["--durable-topics", "orders.>"]), "--data"),
        (Server::builder().path("carillon"), "slash"),
        (Server::builder().path("/carillon/"), "/carillon/"),
        (Server::builder().path("/api"), "/api"),
        (with(&["--public-url", "https://a.example/b/"]), "/b"),
    ];
    for (builder, named) in table {
        let error = builder.start().await.expect_err("not valid");
        assert!(matches!(error, Error::InvalidOption(_)), "{error:?}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn other_machines_are_not_let_in_without_users() {
    let open = || Server::builder().mqtt(([0, 0, 0, 0], 0));
    let error = open().start().await.expect_err("everything is allowed");
    assert!(matches!(error, Error::NotStarted(_)), "{error:?}");
    let wanted = open().arguments(["--anonymous", "all"]).start().await;
    assert!(wanted.expect("it is wanted").mqtt_address().is_some());
}

#[test]
fn the_types_can_be_sent_to_other_threads() {
    fn is_sent<T: Send + 'static>() {}
    fn is_shared<T: Sync>() {}
    is_sent::<Server>();
    is_shared::<Server>();
    is_sent::<Subscription>();
    is_sent::<Consumer>();
    is_sent::<Delivery>();
    is_sent::<Message>();
    is_sent::<Error>();
    is_shared::<Error>();
}
