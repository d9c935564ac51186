//! The frame of every page, and the state of its connection.

texts! {
    SKIP = "Skip to content", "본문으로 건너뛰기";
    PAGES = "Pages", "페이지";
    REFUSED = "Connection refused", "연결 거부됨";
    IDLE = "Not live yet", "실시간 아님";
    CONNECTING = "Connecting", "연결 중";
    LIVE = "Live", "실시간";
    LOST = "Connection lost", "연결 끊김";
    CONNECTION_LABEL = "Connection: ", "연결 상태: ";
    IS_LOST = "The connection is lost. ", "연결이 끊어졌습니다. ";
    IS_REFUSED = "The server refuses to connect this page. ", "서버가 이 페이지의 연결을 거부합니다. ";
    REASON = "It says: {}. ", "서버의 설명: {}. ";
    NEXT_ATTEMPT = "Next attempt in {} s.", "{}초 후에 다시 시도합니다.";
    TRYING = "Trying again.", "다시 시도하고 있습니다.";
    CONNECTION = "Connection", "연결";
    RETRY = "Retry now", "지금 다시 시도";
    NOT_LIVE =
        "<p class=\"notice\"><span><strong>This page is not live.</strong> It shows the last image; JavaScript and WebAssembly would keep it moving.</span></p>",
        "<p class=\"notice\"><span><strong>이 페이지는 실시간으로 갱신되지 않습니다.</strong> 마지막 상태를 보여 줍니다. 실시간 갱신에는 JavaScript와 WebAssembly가 필요합니다.</span></p>";
    BROWSER_REFUSES = "This browser refuses to open the connection.", "브라우저가 연결을 열지 않습니다.";
    SILENT = "The server went silent.", "서버가 더 이상 응답하지 않습니다.";
    NO_ANSWER = "The server does not answer.", "서버가 응답하지 않습니다.";
    NOT_FOUND = "Page not found", "페이지를 찾을 수 없습니다";
    NOT_FOUND_HELP =
        "There is no page at this address. <a href=\"./\">The overview</a> lists all pages.",
        "이 주소에는 페이지가 없습니다. <a href=\"./\">개요</a>에서 모든 페이지를 볼 수 있습니다.";
}
