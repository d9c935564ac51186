//! The commands of `carillon`, and mosquitto's, at a Unix socket of a server.

use harness::Carillon;
use harness::carillon::run;
use harness::deadline::within;
use harness::stomp::StompClient;
use harness::unix_socket::{SocketPath, own_address};
use tokio::process::Command;

/// Runs a command that must succeed, and returns its output.
async fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test]
async fn commands_use_the_socket_of_http() {
    let socket = SocketPath::fresh();
    let server = Carillon::at_unix_socket(&socket.address(), &[]).await;
    let address = socket.address();

    assert!(!succeed(&["health", "--server", &address]).await.is_empty());
    for (protocol, options, destination) in [
        ("stomp", &[][..], "/queue/jobs"),
        ("mqtt", &["--retain"], "room/temp"),
    ] {
        let at = ["--server", &address, "--protocol", protocol];
        let publish = [&["pub"], &at[..], options, &[destination, "21.5"]].concat();
        succeed(&publish).await;
        let subscribe = [&["sub"], &at[..], &["--count", "1", destination]].concat();
        assert_eq!(succeed(&subscribe).await, "21.5\n", "{protocol}");
    }
    let client = StompClient::over(socket.connect().await).connected().await;
    let printed = succeed(&["connections", "--server", &address]).await;
    assert!(printed.contains(&own_address()), "{printed}");
    client.leave().await;
    assert!(server.stop().await.success());
    let output = run(&["health", "--server", &address]).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(error.contains(&address), "{error}");
}

#[tokio::test]
async fn mosquittos_clients_use_the_socket_of_mqtt() {
    let socket = SocketPath::fresh();
    let _server = Carillon::with(&["--mqtt", &socket.address()]).await;
    let command = async |program: &str, options: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(["--unix", socket.path(), "-t", "room/temp"])
            .args(options);
        let output = within(program, command.kill_on_drop(true).output()).await;
        let output = output.expect("it is installed: `cargo xtask test` does that");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    command("mosquitto_pub", &["-r", "-q", "1", "-m", "21.5"]).await;
    assert_eq!(
        command("mosquitto_sub", &["-C", "1", "-W", "5"]).await,
        "21.5\n"
    );
}
