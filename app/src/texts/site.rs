//! The server's own documents, which have no program: the sign-in form, and the frame of the page about the API.

texts! {
    SIGN_IN = "Sign in", "로그인";
    USER = "User", "사용자";
    PASSWORD = "Password or token", "비밀번호 또는 토큰";
    NO_COOKIE =
        "The password was accepted, but the browser did not keep the sign-in: it needs HTTPS, or a server on this machine.",
        "비밀번호는 확인되었지만 브라우저가 로그인 상태를 저장하지 않았습니다. HTTPS 또는 이 컴퓨터의 서버가 필요합니다.";
    /// `{}` is the reason of the server, in English.
    REFUSED = "{}", "로그인할 수 없습니다. {}";
    API = same "HTTP API";
    PAGES = "Pages", "페이지";
    OVERVIEW = "Overview", "개요";
    SAME_DOCUMENT =
        "The same as an OpenAPI 3.1 document: {}",
        "같은 내용의 OpenAPI 3.1 문서: {}";
    OPERATIONS = "Operations", "작업";
    LOGIN = "Login", "로그인";
    LOGIN_HELP =
        "A server with users needs one of these, as in {} or {}:",
        "사용자가 있는 서버에는 {} 또는 {}와 같이 다음 중 하나가 필요합니다.";
    PARAMETERS = "Parameters", "매개변수";
    REQUIRED = ", required", ", 필수";
    BODY = "Body", "본문";
    RESPONSES = "Responses", "응답";
    TYPES = "Types", "자료형";
}
