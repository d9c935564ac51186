//! The causes of refused requests, by the code that the server gives them. The detail is that of the server, in English.

texts! {
    RESERVED = "{}", "브로커 전용 이름이므로 보낼 수 없습니다 ({})";
    TOPICS = "{}", "토픽 수가 한도에 도달했습니다 ({})";
    QUEUES = "{}", "큐 수가 한도에 도달했습니다 ({})";
    CURSORS = "{}", "커서 수가 한도에 도달했습니다 ({})";
    QUEUE_FULL = "{}", "큐가 가득 찼습니다 ({})";
    SHARE = "{}", "이 클라이언트에 할당된 몫을 모두 사용했습니다 ({})";
    MEMORY = "{}", "메시지용 메모리가 가득 찼습니다 ({})";
    DISK = "{}", "디스크에 기록할 수 없습니다 ({})";
    SCHEDULE = "{}", "허용되지 않는 예약입니다 ({})";
    RATE = "{}", "보내는 속도가 한도를 넘었습니다 ({})";
    NO_QUEUE = "{}", "큐가 없습니다 ({})";
}
