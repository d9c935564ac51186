//! One topic and its messages.

texts! {
    NO_MESSAGES = "No messages to show yet.", "아직 표시할 메시지가 없습니다.";
    GAP = "{} messages are not in this list", "이 목록에 없는 메시지 {}개";
    MESSAGE = "Message {}", "메시지 {}";
    PROPERTIES = "Properties", "속성";
    TIME = "time", "시간";
    SEQUENCE = "sequence", "순번";
    POSITION = "position", "위치";
    PRODUCER = "producer", "발행자";
    SIZE = "size", "크기";
    CONTENT_TYPE = "content type", "콘텐츠 형식";
    COPIED = "Copied.", "복사했습니다.";
    NOT_SAVED = "The browser cannot save it.", "브라우저가 저장할 수 없습니다.";
    NO_CLIPBOARD =
        "This browser copies only from pages on HTTPS or on this machine.",
        "이 브라우저는 HTTPS 또는 이 컴퓨터의 페이지에서만 복사할 수 있습니다.";
    COPY = "Copy", "복사";
    DOWNLOAD = "Download", "다운로드";
    AGAIN = "Publish again", "다시 발행";
    NO_PREVIOUS = "The broker no longer keeps the message before.", "브로커가 이전 메시지를 더 이상 보관하지 않습니다.";
    UNCHANGED = "Nothing has changed since the message before.", "이전 메시지에서 바뀐 것이 없습니다.";
    ONE_CHANGE = "1 change since the message before:", "이전 메시지에서 1개 변경:";
    CHANGES = "{} changes since the message before:", "이전 메시지에서 {}개 변경:";
    DIFFERENCE = "Difference", "차이";
    LINE = "line {}", "{}행";
    PLOT = "Plot", "그래프";
    PUBLISH = "Publish to this topic", "이 토픽에 발행";
    MESSAGES = "messages", "메시지";
    LISTENERS = "listeners", "구독자";
    KEPT = "kept", "이력";
    HELD = "held", "보관";
    SKIPPED = "skipped", "건너뜀";
    LAG = "greatest lag", "최대 지연";
    NO_GOAL = "Not a message id, a number or a time.", "메시지 ID, 번호 또는 시간이 아닙니다.";
    FILTER = "Filter", "필터";
    FILTER_HINT = "text, or a condition such as body.data > 20", "텍스트 또는 body.data > 20 같은 조건";
    GO = "Go to", "이동";
    GO_HINT = "id, number or time", "ID, 번호 또는 시간";
    LOCAL = "Local time", "현지 시간";
    CHANGE_ZONE = "Change the time zone", "시간대 변경";
    EXPORT = "Export: ", "내보내기: ";
    NEW = "{} new", "새 메시지 {}개";
    SHOWN = "{} shown", "{}개 표시";
    LEFT_OUT = "{} left out by the filter", "필터로 {}개 제외";
    TOO_SLOW = "{} skipped, because this page was too slow", "페이지가 느려서 {}개 건너뜀";
    NO_NUMBERS = "The messages of the list have no numbers in JSON.", "목록의 메시지에 JSON 숫자가 없습니다.";
    FIELDS = "Fields", "필드";
    PLOT_LABEL = "The chosen fields over time; the table has the same values", "시간에 따른 선택한 필드의 값. 표에도 같은 값이 있습니다";
    VALUES = "Values", "값";
    TIME_COLUMN = "Time", "시간";
    NUMBER = "Number", "번호";
    FIELD = "Field", "필드";
    VALUE = "Value", "값";
    SCALE = "From {} to {}, {} to {}.", "값 {}~{}, 시간 {}~{}.";
    BYTES = "{} bytes", "{}바이트";
    MORE_BYTES = "more than {} bytes", "{}바이트 초과";
    GONE =
        "The broker no longer keeps this message. The list begins with the next one.",
        "브로커가 이 메시지를 더 이상 보관하지 않습니다. 목록은 다음 메시지부터 시작합니다.";
    NO_HEADERS =
        "The broker no longer keeps this message; its headers are unknown.",
        "브로커가 이 메시지를 더 이상 보관하지 않으므로 헤더는 알 수 없습니다.";
    CUT =
        "The broker no longer keeps this message. This is the beginning of it; its headers are unknown.",
        "브로커가 이 메시지를 더 이상 보관하지 않습니다. 페이지가 받은 일부만 표시하며 헤더는 알 수 없습니다.";
}
