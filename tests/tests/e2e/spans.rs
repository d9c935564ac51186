//! Spans for OpenTelemetry (`--otlp`). Most of these tests need a program with the feature `opentelemetry`: they are compiled
//! with the feature of the same name of this crate (see `xtask/src/ci.rs`).

#[cfg(feature = "opentelemetry")]
mod collector;

#[cfg(not(feature = "opentelemetry"))]
#[tokio::test]
async fn a_program_without_the_feature_says_so() {
    let options = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--otlp",
        "http://127.0.0.1:1",
    ];
    let output = harness::carillon::run(&options).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        error.contains("--otlp: this program was built without the feature opentelemetry"),
        "{error}"
    );
}

#[cfg(feature = "opentelemetry")]
mod with_the_feature {
    use harness::Carillon;
    use harness::http::{request, send};
    use harness::mqtt::property::USER_PROPERTY;
    use harness::mqtt::{MqttClient, Packet, Version};
    use harness::stomp::{Frame, StompClient};
    use http::{HeaderValue, Method};
    use tokio::net::TcpListener;

    use super::collector::{Collector, Span};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";
    const RECORDED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const UNRECORDED: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const PRODUCER: u64 = 4;
    const CONSUMER: u64 = 5;
    const SERVER: u64 = 2;

    /// Checks that a span belongs to the trace of the message.
    fn assert_continued(span: &Span) {
        assert_eq!(span.trace, TRACE, "{span:?}");
        assert_eq!(span.parent, PARENT, "{span:?}");
        assert_eq!(span.attribute("messaging.system"), "carillon", "{span:?}");
        assert_eq!(span.attribute("messaging.destination.name"), "/topic/a");
    }

    #[tokio::test]
    async fn a_publication_and_its_deliveries_continue_the_trace_of_the_message() {
        let mut collector = Collector::new().await;
        let server = Carillon::with_mqtt(&["--otlp", &collector.url]).await;
        let mut stomp = StompClient::connect(&server).await;
        stomp.subscribe("0", "a", &[]).await;
        let mut mqtt = MqttClient::subscriber(&server, Version::V5, "a", 0).await;

        stomp.publish("a", "without a trace").await;
        let unrecorded = Frame::publication("a", "x").with("traceparent", UNRECORDED);
        stomp.request(unrecorded).await;
        let recorded =
            Packet::publication("a", "x", 0).with(USER_PROPERTY, ("traceparent", RECORDED));
        mqtt.publish_packet(recorded).await;
        stomp.bodies(3).await;
        mqtt.bodies(3).await;

        let spans = collector.spans(TRACE, 3).await;
        let (published, delivered): (Vec<_>, Vec<_>) =
            spans.iter().partition(|span| span.kind == PRODUCER);
        assert_eq!((published.len(), delivered.len()), (1, 2), "{spans:?}");
        assert_continued(published[0]);
        assert_eq!(published[0].name, "publish /topic/a");
        assert_eq!(published[0].attribute("messaging.operation.type"), "send");
        for span in delivered {
            assert_continued(span);
            assert_eq!((&*span.name, span.kind), ("deliver /topic/a", CONSUMER));
            assert_eq!(span.links, [(TRACE.to_owned(), PARENT.to_owned())]);
        }
        assert!(collector.has_seen("service.name", "carillon"));
    }

    #[tokio::test]
    async fn a_request_has_a_span_with_its_status() {
        let mut collector = Collector::new().await;
        let server = Carillon::with(&["--otlp", &collector.url]).await;
        let mut get = request(Method::GET, server.url("/api/queues/missing"), "");
        let parent = HeaderValue::from_static(RECORDED);
        get.headers_mut().insert("traceparent", parent);
        assert_eq!(send(get).await.status, 404);

        let spans = collector.spans(TRACE, 1).await;
        assert_eq!((&*spans[0].name, spans[0].kind), ("GET", SERVER));
        assert_eq!((&*spans[0].trace, &*spans[0].parent), (TRACE, PARENT));
        assert_eq!(spans[0].attribute("url.path"), "/api/queues/missing");
        assert_eq!(spans[0].attribute("http.response.status_code"), "404");
    }

    #[tokio::test]
    async fn a_collector_that_is_away_stops_nothing() {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = closed.local_addr().expect("its address");
        drop(closed);
        let server = Carillon::with(&["--otlp", &format!("http://{address}")]).await;
        let mut stomp = StompClient::connect(&server).await;
        stomp.subscribe("0", "a", &[]).await;
        // More than the queue of spans holds.
        let frames: Vec<u8> = (0..5_000)
            .flat_map(|_| {
                Frame::publication("a", "x")
                    .with("traceparent", RECORDED)
                    .encode()
            })
            .collect();
        stomp.send_bytes(frames).await;
        assert_eq!(stomp.bodies(5_000).await.len(), 5_000);

        server.logged("spans were dropped").await;
        assert!(server.stop().await.success());
    }
}
