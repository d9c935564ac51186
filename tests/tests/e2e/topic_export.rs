//! `/api/topics/{topic}/export`: the history as lines of JSON or as a table.

use harness::Carillon;
use harness::http::{get, open, request};
use harness::stomp::{Frame, StompClient};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

async fn fill<B: AsRef<[u8]>>(server: &Carillon, bodies: &[B]) {
    let mut client = StompClient::connect(server).await;
    client.send_all("/topic/a", bodies).await;
}

async fn export(server: &Carillon, query: &str) -> String {
    let answer = get(server.url(&format!("/api/topics/a/export{query}"))).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
    answer.text()
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn lines_of_json_are_the_messages_of_the_history() {
    let server = Carillon::start().await;
    let bodies: Vec<_> = (0..900).map(|number| format!("line\n{number}")).collect();
    fill(&server, &bodies).await;
    let answer = get(server.url("/api/topics/a/export")).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"a.ndjson\""
    );
    let lines = lines(&answer.text());
    let found: Vec<_> = lines
        .iter()
        .map(|line| line["body"].as_str().expect("a body"))
        .collect();
    assert_eq!(found, bodies);
    let page = get(server.url("/api/topics/a/messages?limit=1"))
        .await
        .json();
    assert_eq!(
        lines[899], page["messages"][0],
        "the same JSON as everywhere"
    );
}

#[tokio::test]
async fn a_table_has_the_fields_of_json_bodies() {
    let server = Carillon::start().await;
    let bodies = [
        r#"{"data":{"temp":21.50,"name":"a, \"b\""}}"#,
        r#"{"data":{"temp":12345678901234567890123}}"#,
        "no JSON",
        r#"{"data":{"temp":null,"name":"=1+1"}}"#,
    ];
    fill(&server, &bodies).await;
    let table = export(&server, "?format=csv&field=data.temp&field=data.name").await;
    let rows: Vec<_> = table.split("\r\n").collect();
    assert_eq!(rows[0], "sequence,timestamp,time,id,data.temp,data.name");
    let ends = [
        "21.50,\"a, \"\"b\"\"\"",
        "12345678901234567890123,",
        ",",
        ",=1+1",
        "",
    ];
    for (row, end) in rows[1..].iter().zip(ends) {
        assert!(row.ends_with(end), "{row} {end}");
    }
    assert_eq!(rows.len(), 6, "{table}");
    let cells: Vec<_> = rows[1].split(',').collect();
    let page = get(server.url("/api/topics/a/messages?after=0&limit=1"))
        .await
        .json();
    let first = &page["messages"][0];
    assert_eq!(
        (cells[0], cells[3]),
        ("1", first["id"].as_str().expect("an id"))
    );
    assert_eq!(cells[1], first["timestamp"].to_string());
    assert!(cells[2].ends_with('Z') && cells[2].len() == "2026-01-01T00:00:00.000Z".len());
    let whole = export(&server, "?format=csv").await;
    assert!(
        whole.starts_with("sequence,timestamp,time,id,body,bodyBase64\r\n"),
        "{whole}"
    );
    assert!(whole.contains(",\"no JSON\",\r\n"), "{whole}");
}

#[tokio::test]
async fn times_and_a_selector_choose_messages() {
    let server = Carillon::start().await;
    fill(&server, &["1", "2", "3", "4"]).await;
    let all = lines(&export(&server, "").await);
    let times: Vec<_> = all
        .iter()
        .map(|line| line["timestamp"].as_u64().expect("a time"))
        .collect();
    for from in &times {
        for to in &times {
            if from > to {
                continue;
            }
            let some = lines(&export(&server, &format!("?fromMs={from}&toMs={to}")).await);
            let wanted = times
                .iter()
                .filter(|time| (from..to).contains(time))
                .count();
            assert_eq!(some.len(), wanted, "{from} {to} of {times:?}");
        }
    }
    let some = lines(&export(&server, "?selector=body%20%3E%202").await);
    let bodies: Vec<_> = some.iter().map(|line| &line["body"]).collect();
    assert_eq!(bodies, ["3", "4"]);
}

/// The export is larger than all buffers on its way, so that it waits for its reader.
#[tokio::test]
async fn an_export_waits_for_its_reader_and_ends_with_the_newest_message_of_its_start() {
    let server = Carillon::with(&["--history", "100000", "--history-bytes", "200000000"]).await;
    let body = "x".repeat(100_000);
    fill(&server, &vec![&body; 400]).await;
    let url = server.url("/api/topics/a/export?format=csv");
    let response = open(request(Method::GET, url, "")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut publisher = StompClient::connect(&server).await;
    for _ in 0..10 {
        publisher.request(Frame::publication("a", "later")).await;
    }
    let whole = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    let rows = whole.windows(2).filter(|end| *end == b"\r\n").count();
    assert_eq!(rows, 401);
    assert!(whole.len() > 400 * body.len());
}

#[tokio::test]
async fn messages_that_are_removed_during_an_export_are_missing_and_the_rest_follows() {
    let server = Carillon::with(&["--history", "500", "--history-bytes", "200000000"]).await;
    let body = "x".repeat(100_000);
    fill(&server, &vec![&body; 500]).await;
    let url = server.url("/api/topics/a/export");
    let response = open(request(Method::GET, url, "")).await;
    fill(&server, &vec!["y"; 490]).await;
    let whole = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    let text = String::from_utf8(whole.to_vec()).expect("text");
    let sequences: Vec<_> = lines(&text)
        .iter()
        .map(|line| line["sequence"].as_u64().expect("a number"))
        .collect();
    assert!(
        sequences.is_sorted_by(|one, other| one < other),
        "{sequences:?}"
    );
    assert_eq!(
        (sequences[0], sequences.last()),
        (1, Some(&500)),
        "{sequences:?}"
    );
    assert!(
        sequences.len() < 500,
        "the server had not encoded 50 MB in advance"
    );
}

#[tokio::test]
async fn a_request_with_a_wrong_parameter_is_refused_by_its_name() {
    let server = Carillon::start().await;
    fill(&server, &["x"]).await;
    let many = "&field=a".repeat(33);
    for (query, named) in [
        ("format=xml", "format"),
        ("format=csv&field=", "field"),
        ("format=csv&field=a..b", "column 3"),
        ("field=a", "field"),
        (&format!("format=csv{many}"), "field"),
        ("fromMs=x", "fromMs"),
        ("toMs=", "toMs"),
        ("fromMs=2&toMs=1", "fromMs"),
        ("selector=%28", "selector: column"),
    ] {
        let answer = get(server.url(&format!("/api/topics/a/export?{query}"))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let detail = answer.problem()["detail"].to_string();
        assert!(detail.contains(named), "{query}: {detail}");
    }
    let unknown = get(server.url("/api/topics/unknown/export")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
