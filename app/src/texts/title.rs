//! The titles of the documents.

texts! {
    OVERVIEW = "Carillon: a broker in one binary", "Carillon: 하나의 바이너리로 된 메시지 브로커";
    CONSOLE = "Console · Carillon", "콘솔 · Carillon";
    RECT = "Rectangle · Carillon", "사각형 · Carillon";
    CHART = "Chart · Carillon", "차트 · Carillon";
    QUEUES = "Queues · Carillon", "큐 · Carillon";
    TOPICS = "Topics · Carillon", "토픽 · Carillon";
    TOPIC = "Topic · Carillon", "토픽 · Carillon";
    QUEUE = "Queue · Carillon", "큐 · Carillon";
    CONNECTIONS = "Connections · Carillon", "연결 · Carillon";
    BOARDS = "Boards · Carillon", "보드 목록 · Carillon";
    BOARD = "Board · Carillon", "보드 · Carillon";
    ORDER = "Order · Carillon", "순서 · Carillon";
    NOT_FOUND = "Not found · Carillon", "찾을 수 없음 · Carillon";
}
