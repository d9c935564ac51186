//! The form that publishes a message.

texts! {
    CONTENT_TYPE = "Content type", "콘텐츠 형식";
    BODY = "Body", "본문";
    HEADERS = "Headers, one in each line", "헤더, 한 줄에 하나씩";
    HEADER_EXAMPLE = "name: value", "이름: 값";
    RETAIN = "Retain", "보존";
    PERSISTENT = "Persistent", "영속";
    EXPIRES = "Expires after seconds", "만료까지(초)";
    SEND = "Send", "보내기";
    PUBLISH = "Publish", "발행";
    DONE = "Published.", "발행했습니다.";
    DONE_AS = "Published as {}.", "{}(으)로 발행했습니다.";
    DONE_AS_MESSAGE = "Published as message {}, {}.", "메시지 {}번, {}(으)로 발행했습니다.";
    NO_HEADER = "Line {} is not “name: value”.", "{}행이 “이름: 값” 형식이 아닙니다.";
    BAD_EXPIRY = "The expiry is a number of seconds, at most ten years.", "만료는 최대 10년까지의 초 단위 숫자입니다.";
}
