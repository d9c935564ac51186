//! A program with axum that contains Carillon: orders arrive over HTTP or MQTT, a task of the program works on them, and the
//! pages of Carillon are below `/carillon`.
//!
//! ```sh
//! cargo run -p carillon --example embedded
//! curl -d '{"item": 7}' http://127.0.0.1:8000/orders
//! ```

use std::{error::Error, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use carillon::{Publication, Server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    println!("http://{}/carillon/", listener.local_addr()?);
    serve(listener, std::future::pending()).await
}

/// Serves until `ended`.
pub async fn serve(
    listener: TcpListener,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let broker = Server::builder()
        .path("/carillon")
        .mqtt(([127, 0, 0, 1], 0))
        .start()
        .await?;
    let broker = Arc::new(broker);
    let working = tokio::spawn(work(Arc::clone(&broker)));
    let app = Router::new()
        .route("/", get(|| async { "orders: POST /orders" }))
        .route("/orders", post(order))
        .with_state(Arc::clone(&broker))
        .merge(broker.router());
    // The address of each client is known to Carillon too, for its limits and bans.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .with_graceful_shutdown(ended)
        .await?;
    broker.stop().await?;
    working.await??;
    Ok(())
}

/// Accepts an order. It is in the queue when the client gets the answer.
async fn order(State(broker): State<Arc<Server>>, order: String) -> (StatusCode, String) {
    match broker.send("orders", order).await {
        Ok(receipt) => (StatusCode::ACCEPTED, receipt.id),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

/// Works on the orders until the broker stops. An order that is not acknowledged, because of an error, is delivered again.
async fn work(broker: Arc<Server>) -> Result<(), carillon::Error> {
    let mut orders = broker.consume("orders")?;
    while let Some(order) = orders.next().await {
        let done = Publication::new(order.body()).content_type("application/json");
        broker.publish("orders.done", done).await?;
        order.acknowledge().await?;
    }
    Ok(())
}
