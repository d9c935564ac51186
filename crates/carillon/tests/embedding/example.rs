//! The program in `examples/embedded`.

use harness::{deadline::eventually, http};
use tokio::{net::TcpListener, sync::oneshot};

#[allow(dead_code, reason = "the test has another address and another end")]
#[path = "../../../../examples/embedded/main.rs"]
mod program;

#[tokio::test]
async fn the_program_works_on_its_orders() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let site = format!("http://{}", listener.local_addr().expect("an address"));
    let (end, ended) = oneshot::channel::<()>();
    let program = async {
        let ended = async move { ended.await.unwrap_or_default() };
        program::serve(listener, ended).await
    };
    let client = async {
        let answer = http::post(format!("{site}/orders"), "application/json", "{}").await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let done = format!("{site}/carillon/api/topics/orders.done");
        let ask = || async { http::get(&done).await.status.as_u16() };
        eventually("the finished order", ask, |&status| status == 200).await;
        let page = http::get(format!("{site}/carillon/queues")).await;
        assert!(page.text().contains("orders"), "{page:?}");
        drop(end);
    };
    let (served, ()) = tokio::join!(program, client);
    served.expect("a clean end");
}
