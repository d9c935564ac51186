//! The list of queues.

texts! {
    INTRO =
        "A queue keeps each message until one of its consumers has acknowledged it.",
        "큐는 소비자 중 하나가 확인 응답(ack)을 보낼 때까지 각 메시지를 보관합니다.";
    CAPTION = "The queues by name, as they are now", "이름순 큐 목록, 현재 상태";
    WAITING = "Waiting", "대기";
    UNACKNOWLEDGED = "Unacknowledged", "미확인";
    CONSUMERS = "Consumers", "소비자";
    ENQUEUED = "Enqueued", "추가";
    ACKNOWLEDGED = "Acknowledged", "확인됨";
    DEAD_LETTERS = "Dead letters", "데드 레터";
    NONE = "No queues yet", "아직 큐가 없습니다";
    FIRST = "The first message creates one:", "첫 메시지가 큐를 만듭니다.";
    FROM_CONSOLE =
        "The <a href=\"console\">Console</a> sends to queues as well: choose Custom there, then Queue.",
        "<a href=\"console\">콘솔</a>에서도 큐로 보낼 수 있습니다. 콘솔에서 직접 작성을 선택한 다음 큐를 선택하십시오.";
    NO_FIGURES = "Waiting for the broker’s figures.", "브로커의 수치를 기다리고 있습니다.";
    NO_QUEUES = "No queues yet.", "아직 큐가 없습니다.";
    SUM_ONE = "1 queue: {} waiting, {} unacknowledged.", "큐 1개: 대기 {}, 미확인 {}.";
    SUM = "{} queues: {} waiting, {} unacknowledged.", "큐 {}개: 대기 {}, 미확인 {}.";
    SUM_PART = "The first {} of {} queues: {} waiting, {} unacknowledged.", "큐 {}개(전체 {}개): 대기 {}, 미확인 {}.";
    WARNING = "{}", "브로커 경고: {}";
    REDELIVERED = "{} redelivered", "재전달 {}";
    ON_DISK = "{} on disk", "디스크 {}";
    EXPIRED = "{} expired", "만료 {}";
    DISCARDED = "{} discarded", "폐기 {}";
    HELD = "{} held", "보관 {}";
    NO_CONSUMER = "no consumer", "소비자 없음";
    DEAD_LETTER_QUEUE = "dead letter queue", "데드 레터 큐";
}
