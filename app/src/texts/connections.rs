//! Connections, sessions and bans.

texts! {
    INTRO =
        "Who is connected now, what each connection gets, and why it misses messages.",
        "현재 연결된 클라이언트, 각 연결이 받는 메시지, 메시지를 놓치는 이유를 보여 줍니다.";
    SESSIONS = "Sessions of MQTT", "MQTT 세션";
    NO_SESSIONS = "No sessions.", "세션이 없습니다.";
    BANS = "Bans", "차단";
    NO_BANS = "No bans.", "차단이 없습니다.";
    OPEN = "Open connections", "열린 연결";
    CONTAINS = "Contains", "포함하는 텍스트";
    CONTAINS_HINT =
        "A part of the client id, the user, the address or the protocol.",
        "클라이언트 ID, 사용자, 주소 또는 프로토콜의 일부.";
    SHOW = "Subscriptions", "구독 보기";
    HIDE = "Hide subscriptions", "구독 숨기기";
    SUBSCRIPTIONS = "Subscriptions", "구독";
    ASK_DISCONNECT = "Disconnect…", "연결 끊기…";
    LOADING = "Waiting for the subscriptions.", "구독을 기다리고 있습니다.";
    NO_SUBSCRIPTIONS = "It has no subscriptions.", "구독이 없습니다.";
    MORE = "These are the oldest subscriptions; there are more.", "가장 오래된 구독만 표시합니다. 더 있습니다.";
    KIND = "Kind", "종류";
    LAG = "Lag", "지연";
    SKIPPED = "Skipped", "건너뜀";
    USER = "user {}", "사용자 {}";
    CLIENT = "client {}", "클라이언트 {}";
    ADDRESS = "address {}", "주소 {}";
    FOR_ANOTHER = "for another {}", "앞으로 {}";
    END_A_BAN = "End a ban", "차단 해제";
    BAN_QUESTION = "This ends 1 ban: {} may connect again.", "차단 1개를 해제합니다: {}의 연결을 다시 허용합니다.";
    END_BAN = "End the ban", "차단 해제";
    BAN_ENDED = "{} may connect again.", "{}의 연결을 다시 허용했습니다.";
    WAITING = "Waiting for the connections.", "연결 목록을 기다리고 있습니다.";
    NO_MATCH = "No connection contains this text.", "이 텍스트를 포함하는 연결이 없습니다.";
    MATCHING = "{} of {} connections contain this text on this page.", "이 페이지에 이 텍스트를 포함하는 연결이 {}개 있습니다(전체 {}개).";
    ONE = "1 connection.", "연결 1개.";
    COUNT = "{} connections.", "연결 {}개.";
    AGE = "open for {}", "{} 동안 열림";
    RECEIVED = "Received", "받음";
    RECEIVES = "Receives/s", "초당 받음";
    PUBLISHES = "Publishes/s", "초당 발행";
    DISCONNECT_TITLE = "Disconnect a client", "클라이언트 연결 끊기";
    DISCONNECT_QUESTION =
        "This ends 1 connection: {}, {}, with {} subscriptions. Its client may connect again.",
        "연결 1개를 끊습니다: {}, {}, 구독 {}개. 클라이언트는 다시 연결할 수 있습니다.";
    DISCONNECT = "Disconnect", "연결 끊기";
    DISCONNECTED = "Disconnected {}.", "{}의 연결을 끊었습니다.";
    CONNECTED = "connected", "연결됨";
    AWAY = "away, {} subscriptions, expires in {}", "연결 없음, 구독 {}개, {} 후 만료";
    AWAY_WAITING = "away, {} subscriptions, messages wait, expires in {}", "연결 없음, 구독 {}개, 대기 메시지 있음, {} 후 만료";
    SESSION_QUESTION =
        "This ends 1 session: {}. Its subscriptions and the messages that wait for it are deleted.",
        "세션 1개를 종료합니다: {}. 이 세션의 구독과 대기 중인 메시지가 삭제됩니다.";
    OPEN_SESSION_QUESTION =
        "This ends 1 session and its connection: {}. Its subscriptions and the messages that wait for it are deleted.",
        "세션 1개와 그 연결을 종료합니다: {}. 이 세션의 구독과 대기 중인 메시지가 삭제됩니다.";
    END_A_SESSION = "End a session", "세션 종료";
    END_SESSION = "End the session", "세션 종료";
    SESSION_ENDED = "Ended the session of {}.", "{}의 세션을 종료했습니다.";
    SHARED = "shared", "공유";
    DROP_OLDEST = "skips the oldest messages if it is slow", "느리면 가장 오래된 메시지를 건너뜀";
    LATEST = "gets the newest message only if it is slow", "느리면 최신 메시지만 받음";
    DISCONNECTED_IF_SLOW = "is disconnected if it is slow", "느리면 연결이 끊김";
    BLOCK = "publishers wait for it", "발행자가 기다림";
    BY_LAG = "{} because it was too slow", "{}개: 너무 느려서";
    BY_TOPIC = "{} because their topic was deleted", "{}개: 토픽이 삭제되어서";
    BY_CURSORS = "{} because it covers too many topics", "{}개: 토픽이 너무 많아서";
    BY_QUEUE = "{} because its queue was full", "{}개: 큐가 가득 차서";
}
