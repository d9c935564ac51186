//! Refused requests. The detail is that of the server, in English.

texts! {
    HEADER = "“{}” with this value cannot be a header", "이 값으로는 “{}” 헤더를 만들 수 없습니다";
    NO_ANSWER = "the server does not answer", "서버가 응답하지 않습니다";
    STATUS = "the server answers with status {}", "서버가 상태 코드 {}(으)로 응답했습니다";
    BAD_REQUEST = "{}", "잘못된 요청입니다 ({})";
    UNAUTHORIZED = "{}", "로그인이 필요합니다 ({})";
    FORBIDDEN = "{}", "권한이 없습니다 ({})";
    NOT_FOUND = "{}", "대상을 찾을 수 없습니다 ({})";
    CONFLICT = "{}", "현재 상태와 충돌하는 요청입니다 ({})";
    TOO_LARGE = "{}", "너무 큽니다 ({})";
    TOO_MANY = "{}", "요청이 너무 많습니다 ({})";
    UNAVAILABLE = "{}", "지금은 처리할 수 없습니다 ({})";
    NO_ROOM = "{}", "브로커의 한도에 도달했습니다 ({})";
    OTHER = "{}", "서버가 요청을 거부했습니다 ({})";
    NOT_UNDERSTOOD = "the server’s answer is not understood", "서버의 응답을 해석할 수 없습니다";
    SIGN_IN = "Sign in again", "다시 로그인";
    RETRIES = "{} The page tries again by itself.", "{} 페이지가 자동으로 다시 시도합니다.";
    SIGNED_OUT = "You are signed out, so this is not up to date.", "로그아웃되어 이 내용이 최신이 아닙니다.";
    ASK = "{} Ask an operator of this broker for the right.", "{} 이 브로커의 운영자에게 권한을 요청하십시오.";
}
