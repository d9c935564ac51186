//! The document around the pages, which only the server draws: metadata, notices, the reader's settings.

texts! {
    DESCRIPTION =
        "Carillon is a broker for topics and queues in one binary: publish over WebSocket or HTTP and every page that listens answers at once.",
        "Carillon은 하나의 바이너리로 된 토픽과 큐 브로커입니다. WebSocket이나 HTTP로 발행하면 구독하는 모든 페이지가 즉시 반응합니다.";
    MISSING_RIGHTS = "Missing rights", "부족한 권한";
    SHOW_LESS = "Some pages show less. ", "일부 페이지에 표시되지 않는 내용이 있습니다. ";
    DENIED =
        "You do not have the right to subscribe to these topics: ",
        "다음 토픽을 구독할 권한이 없습니다: ";
    SIGNED_IN = "Signed in as ", "로그인한 사용자: ";
    SIGN_OUT = "Sign out", "로그아웃";
    STOPPED = "This page has stopped. ", "이 페이지가 멈췄습니다. ";
    STOPPED_DETAIL =
        "Its program failed, so the content may be out of date. The browser’s console has the details.",
        "페이지의 프로그램에 오류가 발생하여 내용이 최신이 아닐 수 있습니다. 자세한 내용은 브라우저 콘솔에 있습니다.";
    RELOAD = "Reload", "새로 고침";
    SETTINGS = "Settings", "설정";
    THEME = "Theme", "테마";
    SYSTEM = "System", "시스템";
    LIGHT = "Light", "밝게";
    DARK = "Dark", "어둡게";
    GO_TO = "Go to… ", "이동… ";
    KEYS = "Keys ", "단축키 ";
    LANGUAGE = "Language", "언어";
    /// Each language is named in itself.
    ENGLISH = same "English";
    KOREAN = same "한국어";
}
