//! Texts of several pages.

texts! {
    TOPIC = "Topic", "토픽";
    QUEUE = "Queue", "큐";
    TOPICS = "Topics", "토픽";
    QUEUES = "Queues", "큐";
    CONSOLE = "Console", "콘솔";
    RECTANGLE = "Rectangle", "사각형";
    CHART = "Chart", "차트";
    CONNECTIONS = "Connections", "연결";
    MESSAGES = "Messages", "메시지";
    /// A rate.
    PER_SECOND_OF = "{}/s", "{}/초";
    RATE = "Per second", "초당";
    LISTENERS = "Listeners", "구독자";
    /// The kind of a destination, in a sentence.
    TOPIC_WORD = "topic", "토픽";
    QUEUE_WORD = "queue", "큐";
    PAUSE = "Pause", "일시 중지";
    RESUME = "Resume", "다시 시작";
    OLDEST_FOR = "the oldest for {}", "가장 오래된 것 {}";
    HOLDS = "Holds", "보유";
    SUBSCRIPTION = "Subscription", "구독";
    NAME = "Name", "이름";
}
