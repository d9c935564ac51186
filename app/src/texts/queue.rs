//! One queue, and the actions for its messages.

texts! {
    SUBSCRIPTION_OF = "subscription {}", "구독 {}";
    ALL_MESSAGES = "all messages", "모든 메시지";
    PREFETCH = "Prefetch", "프리페치";
    TAKES = "Takes", "가져오는 메시지";
    NO_CONSUMER = "No consumer: messages wait until one subscribes.", "소비자가 없습니다. 구독이 생길 때까지 메시지가 대기합니다.";
    MORE_CONSUMERS = "These are the first consumers; there are more.", "처음 소비자들만 표시합니다. 더 있습니다.";
    CONSUMER = "Consumer", "소비자";
    DEPTH_TITLE = "Depth", "깊이";
    DEPTH = "{} waiting and unacknowledged now, at most {}", "현재 대기와 미확인 {}개, 최대 {}개";
    RATES = "{} come and {} are acknowledged in a second", "초당 추가 {}개, 확인 {}개";
    NOT_MEASURED = "not measured yet", "아직 측정되지 않음";
    ONE = "1 message.", "메시지 1개.";
    COUNT = "{} messages.", "메시지 {}개.";
    PAGE = "Page {}: {} messages.", "{}페이지: 메시지 {}개.";
    ONE_MATCHING = "1 message that matches.", "일치하는 메시지 1개.";
    COUNT_MATCHING = "{} messages that match.", "일치하는 메시지 {}개.";
    PAGE_MATCHING = "Page {}: {} messages that match.", "{}페이지: 일치하는 메시지 {}개.";
    LOADING = "Waiting for the messages.", "메시지를 기다리고 있습니다.";
    NO_MATCH = "No message matches.", "일치하는 메시지가 없습니다.";
    NO_MESSAGES = "No messages wait.", "대기하는 메시지가 없습니다.";
    FROM = "{}, from {}", "{}, 출처 {}";
    MOVE = "Move messages", "메시지 이동";
    COPY = "Copy messages", "메시지 복사";
    RETRY = "Retry dead letters", "데드 레터 재시도";
    DELETE = "Delete messages", "메시지 삭제";
    REMOVE = "Delete the queue", "큐 삭제";
    PAUSE = "Pause delivery", "전달 일시 중지";
    RESUME = "Resume delivery", "전달 다시 시작";
    ONE_MESSAGE = "1 message", "메시지 1개";
    MANY_MESSAGES = "{} messages", "메시지 {}개";
    ONE_CONSUMER = "1 consumer", "소비자 1개";
    MANY_CONSUMERS = "{} consumers", "소비자 {}개";
    NOTHING = "No message waits that this is for. Nothing would change.", "해당하는 대기 메시지가 없습니다. 아무것도 바뀌지 않습니다.";
    WILL_MOVE = "This moves {} to {} {}.", "{}를 {} {}(으)로 이동합니다.";
    WILL_COPY = "This copies {} to {} {}. They stay here as well.", "{}를 {} {}(으)로 복사합니다. 메시지는 여기에도 남습니다.";
    WILL_RETRY = "This sends {} back to where they came from.", "{}를 원래 있던 곳으로 되돌려 보냅니다.";
    WILL_DELETE = "This deletes {}. They cannot be brought back.", "{}를 삭제합니다. 되돌릴 수 없습니다.";
    ONE_HELD = "{} 1 message that a consumer has is left alone.", "{} 소비자가 보유한 메시지 1개는 그대로 둡니다.";
    MANY_HELD = "{} {} messages that consumers have are left alone.", "{} 소비자가 보유한 메시지 {}개는 그대로 둡니다.";
    WILL_PAUSE =
        "The queue goes on to accept messages, but its {} get no more of the {} that wait until delivery is resumed.",
        "큐는 계속 메시지를 받습니다. 전달을 다시 시작할 때까지 {}는 대기 중인 {}를 받지 못합니다.";
    WILL_RESUME = "The {} that wait go to the queue’s {} again.", "대기 중인 {}가 큐의 {}에 다시 전달됩니다.";
    WILL_EMPTY =
        "This deletes the {} that wait. The queue itself stays while it has its {}.",
        "대기 중인 {}를 삭제합니다. {}가 있는 동안 큐 자체는 남습니다.";
    WILL_REMOVE =
        "This deletes the queue and the {} that wait. They cannot be brought back.",
        "큐와 대기 중인 {}를 삭제합니다. 되돌릴 수 없습니다.";
    MOVE_COUNT = "Move {}", "{} 이동";
    COPY_COUNT = "Copy {}", "{} 복사";
    RETRY_COUNT = "Retry {}", "{} 재시도";
    DELETE_COUNT = "Delete {}", "{} 삭제";
    MOVED = "Moved {} to {} {}.", "{}를 {} {}(으)로 이동했습니다.";
    COPIED = "Copied {} to {} {}.", "{}를 {} {}(으)로 복사했습니다.";
    SENT_BACK = "Sent {} back.", "{}를 되돌려 보냈습니다.";
    DELETED = "Deleted {}.", "{}를 삭제했습니다.";
    REMOVED = "Deleted the queue.", "큐를 삭제했습니다.";
    IS_PAUSED = "Delivery is paused.", "전달이 일시 중지되었습니다.";
    GOES_ON = "Delivery goes on.", "전달이 다시 시작되었습니다.";
    LEFT = "{} {} left as they were.", "{} {}개는 그대로 두었습니다.";
    LEFT_BECAUSE = "{} {} left as they were: {}.", "{} {}개는 그대로 두었습니다: {}.";
    COUNTING = "Counting the messages…", "메시지를 세고 있습니다…";
    COUNTED = "Counting the messages: {} so far.", "메시지를 세고 있습니다: 현재까지 {}개.";
    DONE = "{} done.", "{}개 완료.";
    DONE_OF = "{} of {} done.", "{} / {}개 완료.";
    COUNT_THEM = "Count the messages", "메시지 세기";
    STOP = "Stop", "중지";
    FOR_ONE = "For the chosen message:", "선택한 메시지에 대해:";
    FOR_CHOSEN = "For the {} chosen messages:", "선택한 메시지 {}개에 대해:";
    FOR_MATCHING = "For all messages that match the selector:", "선택자와 일치하는 모든 메시지에 대해:";
    FOR_ALL = "For all messages that wait:", "대기하는 모든 메시지에 대해:";
    WHERE = "Where to", "보낼 곳";
    REFRESH = "Refresh", "새로 고침";
    MESSAGE = "Message", "메시지";
    SELECTOR = "Selector", "선택자";
    SELECTOR_HINT =
        "For example <code translate=\"no\">type = 'order' AND body.total > 20</code>. Empty for all messages.",
        "예: <code translate=\"no\">type = 'order' AND body.total > 20</code>. 비워 두면 모든 메시지를 표시합니다.";
    LIST = "List", "조회";
    ASK_MOVE = "Move…", "이동…";
    ASK_COPY = "Copy…", "복사…";
    ASK_RETRY = "Retry…", "재시도…";
    ASK_DELETE = "Delete…", "삭제…";
    CHOOSE_PAGE = "Choose the page", "페이지 전체 선택";
    CHOOSE_NONE = "Choose none", "선택 해제";
    CHOOSE = "Choose message {}", "메시지 {} 선택";
    PAUSED_NOTICE = "Delivery is paused. ", "전달이 일시 중지되었습니다. ";
    PAUSED_DETAIL =
        "Messages wait here, and consumers get none until delivery is resumed.",
        "전달을 다시 시작할 때까지 메시지는 여기에서 대기하고 소비자는 메시지를 받지 못합니다.";
    ASK_SEND = "Send a message…", "메시지 보내기…";
    ASK_PURGE = "Purge…", "비우기…";
    ASK_REMOVE = "Delete the queue…", "큐 삭제…";
    SEND = "Send a message", "메시지 보내기";
    HOUR = "The last hour", "최근 1시간";
    RATES_TITLE = "Rates", "처리율";
    HOUR_AGO = "1 h ago", "1시간 전";
    NOW = "now", "지금";
}
