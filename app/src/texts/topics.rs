//! The tree of topics.

texts! {
    NOT_FOUND = "No topic has such a name.", "이러한 이름의 토픽이 없습니다.";
    INTRO =
        "Every topic of the broker, by the levels of its name, as it is now.",
        "브로커의 모든 토픽을 이름의 단계별로 현재 상태와 함께 보여 줍니다.";
    SEARCH = "Search", "검색";
    SEARCH_HINT = "part of a name, or a filter such as finance.*", "이름 일부 또는 finance.* 필터";
    ORDER = "Order", "정렬";
    RATE = "Rate", "속도";
    NEWEST = "Newest message", "최신 메시지";
    MINUTE = "Last minute", "최근 1분";
    RETAINED = "retained", "보존";
    PROBLEM = "The topics cannot be loaded: {}.", "토픽을 불러올 수 없습니다: {}.";
    LOADING = "Loading more…", "더 불러오는 중…";
    MORE_THAN = "more than {}", "{}개 초과";
    SYSTEM = "System topics", "시스템 토픽";
}
