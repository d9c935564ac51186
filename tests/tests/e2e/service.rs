//! The server below a service manager: inherited sockets, messages about its state, and the replacement by another
//! program.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::background::Background;
use harness::carillon::{binary, run_inheriting};
use harness::data::{DataDirectory, fresh_path};
use harness::deadline::{eventually, within};
use harness::http::{get, post};
use harness::{Carillon, queue};
use tokio::net::{TcpStream, UnixDatagram};

#[tokio::test]
async fn a_server_accepts_from_a_socket_that_it_has_inherited() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("its address");

    let carillon = Carillon::inheriting(socket, "http", &[]).await;

    assert_eq!(carillon.address(), address);
    assert_eq!(get(carillon.url("/healthz")).await.status, 200);
}

#[tokio::test]
async fn the_inherited_socket_of_a_port_that_is_off_is_closed() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("its address");

    let carillon = Carillon::inheriting(socket, "stomp", &["--stomp", "off"]).await;

    let refused = TcpStream::connect(address).await;
    assert_eq!(
        refused.expect_err("no listener").kind(),
        ErrorKind::ConnectionRefused
    );
    assert_eq!(get(carillon.url("/healthz")).await.status, 200);
}

#[tokio::test]
async fn an_inherited_socket_without_a_known_name_is_a_fault() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let options = ["serve", "--listen", "127.0.0.1:0"];
    let output = run_inheriting(socket, "carillon.socket", &options).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();

    assert!(!output.status.success());
    assert!(error.contains("expected one of http, stomp"), "{error}");
    assert!(error.contains("FileDescriptorName="), "{error}");
}

#[tokio::test]
async fn the_service_manager_receives_each_change_of_state() {
    let manager = Manager::new();
    let carillon = Carillon::with_environment(&[("NOTIFY_SOCKET", &manager.path)], &[]).await;
    assert_eq!(manager.next().await, ["READY=1"]);

    carillon.hang_up().await;
    let reloading = manager.next().await;
    assert_eq!(reloading[0], "RELOADING=1");
    assert!(reloading[1].starts_with("MONOTONIC_USEC="), "{reloading:?}");
    assert_eq!(manager.next().await, ["READY=1"]);

    carillon.terminate().await;
    assert_eq!(manager.next().await, ["STOPPING=1"]);
    assert!(carillon.ended().await.success());
}

#[tokio::test]
async fn the_watchdog_receives_reports_while_the_server_works() {
    let manager = Manager::new();
    let environment = [
        ("NOTIFY_SOCKET", manager.path.as_str()),
        ("WATCHDOG_USEC", "100000"),
    ];
    let _carillon = Carillon::with_environment(&environment, &[]).await;

    let mut reports = 0;
    while reports < 3 {
        reports += usize::from(manager.next().await == ["WATCHDOG=1"]);
    }
}

#[tokio::test]
async fn a_server_is_replaced_without_refusing_a_connection() {
    let data = DataDirectory::fresh();
    let carillon = data.server().await;
    let (address, process) = (carillon.address(), carillon.process_id());
    let sent = post(
        carillon.url("/api/queues/jobs?persistent=true"),
        "text/plain",
        "kept",
    )
    .await;
    assert!(sent.status.is_success(), "{}", sent.text());

    let refused = Arc::new(AtomicU64::new(0));
    let connecting = Background::repeat({
        let refused = Arc::clone(&refused);
        move |progress| {
            let refused = Arc::clone(&refused);
            async move {
                match TcpStream::connect(address).await {
                    Ok(_) => progress.add(1),
                    Err(_) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                }
            }
        }
    });
    carillon.signal("USR2").await;
    let starts = || async { carillon.transcript().matches("is ready").count() };
    eventually("the second program", starts, |starts| *starts == 2).await;

    assert!(connecting.done() > 0);
    drop(connecting);
    assert_eq!(refused.load(Ordering::Relaxed), 0);
    assert_eq!(carillon.process_id(), process);
    assert_eq!(queue::depth(&carillon, "jobs").await, (1, 0));
    assert!(carillon.stop().await.success());
}

#[tokio::test]
async fn a_server_goes_on_if_the_program_in_its_place_does_not_start() {
    let program = ReplaceableProgram::new();
    let carillon = Carillon::of_program(&program.0, &[]).await;
    program.replace("#!/bin/sh\nexit 3\n");

    carillon.signal("USR2").await;

    carillon
        .logged("the server is not replaced, and goes on")
        .await;
    assert!(carillon.transcript().contains("exit status: 3"));
    assert_eq!(get(carillon.url("/healthz")).await.status, 200);
}

#[tokio::test]
async fn signals_before_the_new_program_handles_them_do_not_end_it() {
    let program = ReplaceableProgram::new();
    let carillon = Carillon::of_program(&program.0, &[]).await;
    // The first time, the script sends both signals to itself, and then becomes the real program. It starts no command, because a
    // shell may change the set of blocked signals for that.
    let sent = fresh_path("signals-sent");
    program.replace(&format!(
        "#!/bin/sh\n\
         if [ \"$1\" = --version ]; then exit 0; fi\n\
         if [ ! -e {sent:?} ]; then : >{sent:?}; kill -HUP $$; kill -USR2 $$; fi\n\
         exec {:?} \"$@\"\n",
        binary()
    ));

    carillon.signal("USR2").await;

    let starts = || async { carillon.transcript().matches("is ready").count() };
    eventually("the third program", starts, |starts| *starts == 3).await;
    fs::remove_file(&sent).expect("the script has sent its signals");
    assert!(carillon.stop().await.success());
}

/// A link to the tested program, which can be replaced while it runs.
struct ReplaceableProgram(PathBuf);

impl ReplaceableProgram {
    fn new() -> Self {
        let tested = binary();
        let name = format!("carillon-replaceable-{}", std::process::id());
        let link = tested.with_file_name(name);
        fs::hard_link(tested, &link).expect("a link to the program");
        Self(link)
    }

    fn replace(&self, script: &str) {
        let new = self.0.with_extension("new");
        fs::write(&new, script).expect("a script");
        fs::set_permissions(&new, Permissions::from_mode(0o755)).expect("an executable script");
        fs::rename(&new, &self.0).expect("the new program");
    }
}

impl Drop for ReplaceableProgram {
    fn drop(&mut self) {
        // The test has failed already if there is no file.
        let _ = fs::remove_file(&self.0);
    }
}

/// A service manager that receives the messages of a server.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn new() -> Self {
        let path = fresh_path("notify");
        let socket = UnixDatagram::bind(&path).expect("a path for a socket");
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        Self { socket, path }
    }

    /// Returns the lines of the next message.
    async fn next(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let received = within(
            "a message to the service manager",
            self.socket.recv(&mut buffer),
        );
        let length = received.await.expect("a message");
        let text = String::from_utf8_lossy(&buffer[..length]);
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // The directory for temporary files may be cleared already.
        let _ = fs::remove_file(&self.path);
    }
}
