//! Texts of the boards: the list of boards, a board, its tiles and their settings.

texts! {
    /// The heading of the list, and the link to it.
    BOARDS = "Boards", "보드";
    LEAD = "Live pages that you put together from tiles, without code. A board is kept by the broker, and everybody who may read it sees each change at once.",
        "코드 없이 타일을 모아 만드는 실시간 페이지입니다. 보드는 브로커에 저장되며, 읽기 권한이 있는 사람은 누구나 변경 내용을 바로 볼 수 있습니다.";
    NO_BOARDS = "No boards yet.", "아직 보드가 없습니다.";
    FIRST_BOARD = "Open the example to see what a board can show, or make an empty one.",
        "예제를 열어 보드에 무엇을 표시할 수 있는지 살펴보거나 빈 보드를 만들어 보세요.";
    OPEN_EXAMPLE = "Open the example board", "예제 보드 열기";
    NAME = "Name", "이름";
    NAME_HINT = "Letters, digits and - _ . without spaces, such as hall.line-1",
        "글자, 숫자, - _ . 을 공백 없이 사용합니다. 예: hall.line-1";
    NAME_FAULT = "This is not a name for a board: use letters, digits and - _ . only.",
        "보드 이름으로 쓸 수 없습니다. 글자, 숫자, - _ . 만 사용하세요.";
    CREATE = "New board", "새 보드";
    EXISTS = "There is a board “{}” already.", "“{}” 보드가 이미 있습니다.";
    IMPORT = "Import a file…", "파일 가져오기…";
    IMPORTED = "Imported as “{}”.", "“{}”(으)로 가져왔습니다.";
    CHANGED = "Changed", "변경 시각";
    TILES = "Tiles", "타일";
    EXPORT = "Export", "내보내기";
    DELETE = "Delete", "삭제";
    /// Accessible names of the links and buttons in the list.
    EXPORT_NAMED = "Export {}", "{} 내보내기";
    DELETE_NAMED = "Delete {}", "{} 삭제";
    DELETE_TITLE = "Delete the board?", "보드를 삭제할까요?";
    DELETE_QUESTION = "“{}” is deleted for everybody. Export it before if you may need it again.",
        "“{}” 보드가 모든 사용자에게서 삭제됩니다. 다시 필요할 수 있다면 먼저 내보내세요.";
    DELETED_NAMED = "“{}” was deleted.", "“{}” 보드를 삭제했습니다.";

    LOADING = "The board is being loaded.", "보드를 불러오는 중입니다.";
    MISSING = "There is no board with this name.", "이 이름의 보드가 없습니다.";
    MISSING_HINT = "This page shows it as soon as somebody makes it.",
        "누군가 이 보드를 만들면 바로 여기에 표시됩니다.";
    MAKE_IT = "Make it", "만들기";
    WAS_DELETED = "This board was deleted. You still see its last state.",
        "이 보드는 삭제되었습니다. 마지막 상태를 보고 계십니다.";
    RESTORE = "Save it again", "다시 저장";
    EMPTY = "This board has no tiles yet.", "이 보드에는 아직 타일이 없습니다.";
    EDIT = "Edit", "편집";
    DONE = "Done", "완료";
    ADD_TILE = "Add a tile…", "타일 추가…";
    BOARD_TITLE = "Title of the board", "보드 제목";
    FULL_SCREEN = "Full screen", "전체 화면";
    WALL_VIEW = "View only", "보기 전용";
    LEAVE_VIEW = "Leave the view", "보기 전용 끝내기";
    READ_ONLY = "You may look at this board, but not change it.",
        "이 보드를 볼 수는 있지만 변경할 수는 없습니다.";
    SAVED = "Saved", "저장됨";
    SAVING = "Saving…", "저장 중…";
    SAVE_AGAIN = "Save again", "다시 저장하기";
    CONFLICT = "Somebody else has changed this board at the same time. You see their board; your last change is not saved.",
        "다른 사용자가 동시에 이 보드를 변경했습니다. 지금 보이는 것은 그 사용자의 보드이며, 마지막 변경 내용은 저장되지 않았습니다.";
    KEEP_THEIRS = "Keep theirs", "상대방 보드 유지";
    KEEP_MINE = "Replace it with mine", "내 보드로 바꾸기";
    BOARD_FULL = "The board is full: it has room for 40 tiles.",
        "보드가 가득 찼습니다. 타일은 40개까지 놓을 수 있습니다.";
    ARRANGE_HINT = "Drag a tile by its handle, or focus the handle: arrows move the tile, Shift and arrows change its size, Enter opens its settings, Delete removes it.",
        "타일의 손잡이를 끌어 옮기거나 손잡이에 초점을 두세요. 화살표는 이동, Shift+화살표는 크기 변경, Enter는 설정, Delete는 제거입니다.";
    PLACE = "{}: column {}, row {}, {} wide, {} high", "{}: {}열, {}행, 너비 {}, 높이 {}";
    NO_ROOM = "No room in this direction.", "이 방향으로는 공간이 없습니다.";
    UNDO = "Put it back", "되돌리기";
    REMOVED = "{} was removed.", "{} 타일을 제거했습니다.";
    /// The handle and the buttons of a tile, with its title.
    MOVE_TILE = "Move {}", "{} 이동";
    SIZE_TILE = "Change the size of {}", "{} 크기 변경";
    SETTINGS_OF = "Settings of {}", "{} 설정";
    REMOVE_TILE = "Remove {}", "{} 제거";

    MAY_NOT_READ = "You may not read {}. Ask an operator of this broker for the right.",
        "{} 토픽을 읽을 권한이 없습니다. 브로커 운영자에게 권한을 요청하세요.";
    MAY_NOT_PUBLISH = "You may not publish to {}. Ask an operator of this broker for the right.",
        "{} 토픽에 발행할 권한이 없습니다. 브로커 운영자에게 권한을 요청하세요.";
    NO_VALUE = "No value yet", "아직 값이 없습니다";
    LACKS_FIELD = "The newest message has no such value: {}", "최신 메시지에 이 값이 없습니다: {}";
    WHOLE_BODY = "the whole body", "본문 전체";
    COUNT = "{} messages since you opened the board", "보드를 연 뒤 받은 메시지 {}개";
    MISSED = "{} skipped, because this page was too slow", "페이지가 느려 건너뛴 메시지 {}개";
    AGE = "Newest message", "최신 메시지";
    TOPIC = "Topic", "토픽";
    VALUE = "Value", "값";
    TIME = "Time", "시각";
    ON = "on", "켜짐";
    OFF = "off", "꺼짐";
    FROM_TO = "From {} to {}", "{}부터 {}까지";
    LINE_OF = "{} over time", "시간에 따른 {}";
    POINTS_OF = "Positions of {} producers", "발행자 {}개의 위치";
    PUBLISH = "Send", "보내기";
    SENT_AT = "Sent at {}", "{}에 보냄";

    NEW_TILE = "New tile", "새 타일";
    TILE_SETTINGS = "Settings of the tile", "타일 설정";
    KIND = "What it shows", "표시 방식";
    KIND_NUMBER = "Number", "숫자";
    KIND_GAUGE = "Gauge", "게이지";
    KIND_LINE = "Line over time", "시간 그래프";
    KIND_BARS = "Bars", "막대";
    KIND_SHAPE = "Rotating rectangle", "회전하는 사각형";
    KIND_PLANE = "Moving points on a plane", "평면 위 움직이는 점";
    KIND_TEXT = "Text", "텍스트";
    KIND_TABLE = "Table", "표";
    KIND_LAST = "Last message", "마지막 메시지";
    KIND_LIGHTS = "On and off", "켜짐/꺼짐";
    KIND_LOG = "Log", "로그";
    KIND_BUTTON = "Button that publishes", "발행 버튼";
    KIND_SLIDER = "Slider that publishes", "발행 슬라이더";
    KIND_SWITCH = "Switch that publishes", "발행 스위치";
    TITLE = "Title", "제목";
    TITLE_HINT = "Empty: the topic", "비우면 토픽 이름";
    TOPIC_OR_FILTER = "Topic or filter", "토픽 또는 필터";
    TOPIC_HINT = "Such as hall.temp, or hall.> for all below it", "예: hall.temp, 그 아래 전체는 hall.>";
    FIELD = "Field", "필드";
    FIELD_HINT = "A path such as data.temp; empty for the whole body",
        "data.temp와 같은 경로. 비우면 본문 전체";
    FIELD_X = "Field of the horizontal axis", "가로축 필드";
    FIELD_Y = "Field of the vertical axis", "세로축 필드";
    UNIT = "Unit", "단위";
    LEAST = "Least value", "최솟값";
    GREATEST = "Greatest value", "최댓값";
    STEP = "Step", "간격";
    SECONDS = "Seconds shown", "표시할 시간(초)";
    BODY = "Body to send", "보낼 본문";
    RETAIN = "The broker retains what it sends", "보낸 값을 브로커가 보관";
    NOT_A_NUMBER = "“{}” is not a number.", "“{}”은(는) 숫자가 아닙니다.";
    FAULT = "This cannot be: {}", "설정할 수 없습니다: {}";
    ADD = "Add", "추가";
    APPLY = "Apply", "적용";
    CANCEL = "Cancel", "취소";

    EXAMPLE_TITLE = "Example", "예제";
    EXAMPLE_ANGLE = "Angle", "각도";
    EXAMPLE_DEGREES = "Degrees", "도";
    EXAMPLE_TURN = "Turn it", "돌려 보기";
    EXAMPLE_BARS = "Bars of the topic chart", "chart 토픽의 막대";
    EXAMPLE_DELIVERED = "Deliveries", "전달";
    EXAMPLE_RATE = "Deliveries of this broker", "이 브로커의 전달 속도";
    EXAMPLE_PLANE = "First two bars as a point", "첫 두 막대를 점으로";
    EXAMPLE_SEND = "Send new bars", "새 막대 보내기";
    EXAMPLE_LOG = "All topics with one level", "한 단계로 된 모든 토픽";
}
