//! The Console.

texts! {
    INTRO =
        "Publishes for as long as it is open. Watch it from the <a href=\"rect\">rectangle</a> and the <a href=\"chart\">chart</a>, in as many windows as you like.",
        "열려 있는 동안 계속 발행합니다. <a href=\"rect\">사각형</a>과 <a href=\"chart\">차트</a>에서 원하는 만큼 여러 창으로 지켜볼 수 있습니다.";
    CONTROLS = "Controls", "발행 설정";
    SEND_ONCE = "Send once", "한 번 보내기";
    PUBLISHING = "Publishing", "발행 중";
    PAUSED = "Paused", "일시 중지됨";
    HOLDING = "Holding", "보류 중";
    WAITING = "Waiting for the connection", "연결 대기 중";
    TO_RECT = "topic “rect”", "토픽 “rect”";
    TO_CHART = "topic “chart”", "토픽 “chart”";
    DETAIL = "One message to {} every {} ms, as {}.", "{}에 {}ms마다 메시지 하나, 발행자 {}.";
    HELD_DETAIL = "Nothing is sent until the message is valid.", "메시지가 올바르게 작성될 때까지 보내지 않습니다.";
    PAUSED_DETAIL = "Nothing is sent until you resume or send once.", "다시 시작하거나 한 번 보내기를 누를 때까지 보내지 않습니다.";
    WAITING_DETAIL = "Nothing is sent and nothing is queued.", "보내거나 쌓아 두는 메시지가 없습니다.";
    WHAT = "What to publish", "발행할 내용";
    CUSTOM = "Custom", "직접 작성";
    WHERE = "Where to", "보낼 곳";
    BODY = "Body, JSON", "본문, JSON";
    STAYS = "{} The period stays {} ms.", "{} 주기는 {}ms로 유지됩니다.";
    PERIOD = "Period in milliseconds", "주기(밀리초)";
    PERIOD_HINT =
        "From 10 to 3600000. Applies when you leave the field or press Enter; hidden tabs are held to one message a second or less.",
        "10에서 3600000까지. 입력란을 벗어나거나 Enter 키를 누르면 적용됩니다. 숨겨진 탭은 1초에 메시지 하나 이하로 제한됩니다.";
    SENT = "sent", "보냄";
    SENT_MEANING = "Handed to the connection", "연결에 넘긴 메시지";
    ACCEPTED = "accepted", "수락";
    ACCEPTED_MEANING = "Accepted by the broker", "브로커가 수락한 메시지";
    FAILED = "failed", "실패";
    FAILED_MEANING = "Refused, or lost with the connection", "거부되었거나 연결과 함께 손실된 메시지";
    SKIPPED = "skipped", "건너뜀";
    SKIPPED_MEANING = "Not sent: there was no connection", "연결이 없어서 보내지 않은 메시지";
    SENT_TITLE = "Sent", "보낸 메시지";
    SENT_LIST = "Messages sent, the newest last", "보낸 메시지, 최신이 마지막";
    NONE_SENT = "Nothing has been sent yet.", "아직 보낸 메시지가 없습니다.";
    TO_QUEUE = "queue {}", "큐 {}";
    REFUSED = "refused", "거부";
    UNANSWERED = "unanswered", "응답 없음";
    NO_PERIOD = "Enter a number of milliseconds.", "밀리초 단위의 수를 입력하십시오.";
    NOT_WHOLE = "Only whole milliseconds, such as 1000.", "1000처럼 정수 밀리초만 입력할 수 있습니다.";
    TOO_SHORT = "At least 10 ms: browsers keep no shorter time.", "10ms 이상이어야 합니다. 브라우저는 더 짧은 시간을 지키지 못합니다.";
    TOO_LONG = "At most 3600000 ms, which is an hour.", "최대 3600000ms(1시간)입니다.";
    NAME_FAULT = "Not a name: {}.", "사용할 수 없는 이름입니다: {}.";
    RESERVED = "Names that begin with $ are the broker's own.", "$로 시작하는 이름은 브로커 전용입니다.";
    BODY_TOO_LONG = "Longer than 1 MiB.", "1 MiB보다 깁니다.";
    EMPTY_LEVEL = "a level is empty; levels are joined by one '.'", "빈 단계가 있습니다. 단계는 '.' 하나로 구분합니다";
    CONTROL_CHARACTER = "control characters are not allowed", "제어 문자는 사용할 수 없습니다";
    SLASH = "'/' is not allowed; levels are joined by '.'", "'/'는 사용할 수 없습니다. 단계는 '.'으로 구분합니다";
    NAME_TOO_LONG = "longer than 4096 bytes", "4096바이트보다 깁니다";
    TOO_DEEP = "more than 200 levels", "단계가 200개보다 많습니다";
    WILDCARD = "a wildcard cannot be part of a topic's name", "토픽 이름에는 와일드카드를 사용할 수 없습니다";
}
