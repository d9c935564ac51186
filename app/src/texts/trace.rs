//! The trace of a connection.

texts! {
    SHOW = "Trace", "추적";
    HIDE = "End the trace", "추적 종료";
    FRAMES = "Frames, the newest first", "프레임(최신순)";
    RUNNING = "The trace runs. New frames appear here.", "추적 중입니다. 새 프레임이 여기에 표시됩니다.";
    STARTING = "The trace starts.", "추적을 시작하는 중입니다.";
    REFUSED = "There is no trace: the right to manage is missing, or 8 traces run already.", "추적할 수 없습니다. 관리 권한이 없거나 이미 8개의 추적이 실행 중입니다.";
    ENDED = "The trace has ended.", "추적이 끝났습니다.";
    PAUSE = "Pause", "일시 정지";
    DIRECTION = "Direction", "방향";
    BOTH = "Both", "모두";
    IN = "To the server", "서버로";
    OUT = "From the server", "서버에서";
    KIND = "Type", "유형";
    ALL_KINDS = "All", "모두";
    BYTES = "{} bytes", "{}바이트";
    LEFT_OUT = "{} frames left out: more than the trace shows in a second.", "프레임 {}개 생략: 1초에 표시하는 한도를 넘었습니다.";
    SLOW = "{} frames left out: this page was slow.", "프레임 {}개 생략: 이 페이지가 느립니다.";
    PAUSED = "Frames while paused: {}.", "일시 정지 중 도착한 프레임: {}개.";
    COUNT = "{} of the newest {} frames are shown.", "프레임 {}개 표시(최신 {}개 중).";
}
