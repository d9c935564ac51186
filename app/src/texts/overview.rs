//! The overview.

texts! {
    HERO = "One message reaches every subscriber.", "메시지 하나가 모든 구독자에게 전달됩니다.";
    INTRO =
        "Carillon is a broker in one binary: each message published over MQTT, STOMP or HTTP reaches all subscribers, in one order.",
        "Carillon은 하나의 바이너리로 된 브로커입니다. MQTT, STOMP 또는 HTTP로 발행된 메시지는 모든 구독자에게 같은 순서로 전달됩니다.";
    CONSOLE = "Publish: angles, bars, or a message of your own.", "각도, 막대 또는 직접 작성한 메시지를 발행합니다.";
    RECT = "Watch a square turn with every message.", "메시지마다 회전하는 사각형을 봅니다.";
    CHART = "Watch seven bars follow the newest message.", "최신 메시지를 따라 움직이는 막대 일곱 개를 봅니다.";
    NOW = "The broker now", "브로커 현황";
    TERMINAL = "From a terminal", "터미널에서 사용하기";
    PUBLISH = "Any HTTP client can publish:", "모든 HTTP 클라이언트에서 발행할 수 있습니다.";
    SUBSCRIBE = "Any client that can read a stream can subscribe:", "스트림을 읽을 수 있는 모든 클라이언트에서 구독할 수 있습니다.";
    PUBLISHED_RATE = "published per second", "초당 발행";
    DELIVERED_RATE = "delivered per second", "초당 전달";
    CONNECTIONS = "connections", "연결";
    SUBSCRIPTIONS = "subscriptions", "구독";
    PUBLISHED = "published", "발행";
    DELIVERED = "delivered", "전달";
    SKIPPED = "skipped", "건너뜀";
    HELD = "held", "보관";
    NO_TOPICS = "No topics yet: the first message creates one.", "아직 토픽이 없습니다. 첫 메시지가 토픽을 만듭니다.";
}
