//! The palette and the list of keys. `public/keys.js` reads the texts from the document.

texts! {
    PALETTE = "Go to", "이동";
    FIELD = "Page, topic, queue or action", "페이지, 토픽, 큐 또는 동작";
    NOTHING = "Nothing has this name.", "이 이름에 해당하는 항목이 없습니다.";
    FOUND_ONE = "1 result", "결과 1개";
    FOUND = "{} results", "결과 {}개";
    AWAY =
        "The broker does not answer, so topics and queues are missing.",
        "브로커가 응답하지 않아 토픽과 큐를 표시할 수 없습니다.";
    SIGNED_OUT =
        "You are signed out, so topics and queues are missing. Reload the page to sign in again.",
        "로그아웃되어 토픽과 큐를 표시할 수 없습니다. 페이지를 새로 고쳐 다시 로그인하십시오.";
    REFUSED =
        "The broker does not list its topics and queues to you.",
        "토픽과 큐의 목록을 볼 권한이 없습니다.";
    KIND_PAGE = "page", "페이지";
    KIND_TOPIC = "topic", "토픽";
    KIND_QUEUE = "queue", "큐";
    KIND_ACTION = "action", "동작";
    KEYS = "Keys", "단축키";
    CLOSE = "Close", "닫기";
    SINGLE_KEYS = "Keys without Ctrl", "Ctrl 없는 단축키";
    SHOW_KEYS = "Show the keys", "단축키 보기";
    SIGN_OUT = "Sign out", "로그아웃";
    THEME = "Theme: {}", "테마: {}";
    LANGUAGE = "Language: {}", "언어: {}";
    OVERVIEW = "Overview", "개요";
    KEY_PALETTE =
        "Go to a page, topic or queue, or start an action",
        "페이지, 토픽, 큐로 이동하거나 동작 실행";
    KEY_LIST = "Show this list", "이 목록 보기";
    KEY_TAB = "Go to the next or previous control", "다음 또는 이전 컨트롤로 이동";
    KEY_PRESS = "Press the focused control", "포커스가 있는 컨트롤 누르기";
    ARROW_KEYS = "Arrow keys", "방향키";
    KEY_ARROWS =
        "Choose one of several options, or scroll a list",
        "여러 항목 중 하나를 선택하거나 목록 스크롤";
    KEY_ESCAPE = "Close a dialog", "대화 상자 닫기";
}
