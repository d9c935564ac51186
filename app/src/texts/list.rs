//! Lists of messages and other lists.

texts! {
    JUMP = "Jump to newest", "최신 메시지로 이동";
    RECEIVED = "received", "수신";
    RECEIVED_MEANING = "Messages since the list was last cleared", "목록을 마지막으로 비운 뒤에 받은 메시지";
    MISSED = "missed", "누락";
    MISSED_MEANING =
        "Skipped by the broker because this page was slower than the topic",
        "페이지가 토픽보다 느려서 브로커가 건너뛴 메시지";
    IGNORED = "ignored", "무시";
    IGNORED_MEANING = "Messages without data that this page can show", "이 페이지가 표시할 수 있는 데이터가 없는 메시지";
    RECEIVED_TITLE = "Received", "수신 메시지";
    CLEAR = "Clear", "비우기";
    NEWEST_LAST = "Messages, the newest last", "메시지, 최신이 마지막";
    NONE_RECEIVED = "Messages appear here as they arrive.", "메시지가 도착하면 여기에 표시됩니다.";
    RATE = "per second", "초당";
    RATE_MEANING = "Over the last seconds", "최근 몇 초 동안";
    FIRST = "First", "처음";
    BACK = "Back", "이전";
    NEXT = "Next", "다음";
    ONE_MISSED = "Message {} was missed.", "메시지 {}번이 누락되었습니다.";
    SEVERAL_MISSED = "{} messages were missed: {} to {}.", "메시지 {}개가 누락되었습니다: {}번부터 {}번까지.";
    MAY_MISS =
        "Messages may be missing: the broker was restarted, or no longer keeps them.",
        "메시지가 누락되었을 수 있습니다. 브로커가 다시 시작되었거나 메시지를 더 이상 보관하지 않습니다.";
}
