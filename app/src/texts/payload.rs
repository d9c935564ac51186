//! The payload of a message in its forms, and the reasons why bytes are not of a format.

texts! {
    /// The forms of a payload, as choices.
    JSON = same "JSON";
    MESSAGE_PACK = same "MessagePack";
    CBOR = same "CBOR";
    XML = same "XML";
    IMAGE = "Image", "이미지";
    TEXT = "Text", "텍스트";
    HEX = "Hex", "16진수";

    /// Above the choices.
    FORM = "Form of the payload", "페이로드 표시 형식";
    /// The names of the parts of the page, for screen readers.
    TREE = "Payload as a tree", "트리로 표시한 페이로드";
    PAYLOAD = "Payload", "페이로드";
    FOLD = "Fold {}", "{} 접기";
    UNFOLD = "Unfold {}", "{} 펼치기";
    /// The alternative text of an image: its format.
    PICTURE = "{} image in the message", "메시지의 {} 이미지";

    /// Below the payload.
    LOADING = "Loading the whole message…", "전체 메시지를 불러오는 중…";
    EMPTY = "The body is empty.", "본문이 비어 있습니다.";
    /// Bytes that are shown, and all bytes.
    FIRST_BYTES = "The first {} of {} bytes.", "처음 {}바이트입니다(전체 {}바이트).";
    REPLACED = "Bytes that are not UTF-8 are replaced.", "UTF-8이 아닌 바이트는 다른 문자로 바꾸어 표시합니다.";
    /// The format, the reason, and the place.
    NOT_AT_BYTE = "Not {}: {}, at byte {}.", "{} 형식이 아닙니다. {} (바이트 위치 {}).";
    NOT_TEXT = "Not {}: the body is not UTF-8.", "{} 형식이 아닙니다. 본문이 UTF-8이 아닙니다.";
    TOO_LARGE = "Bodies of more than {} are not shown in this form.", "{}보다 큰 본문은 이 형식으로 표시하지 않습니다.";
    MOST_LINES = "The first {} lines; fold values to see others.", "처음 {}줄입니다. 값을 접으면 나머지를 볼 수 있습니다.";
    NO_PICTURE = "Not an image: only PNG, JPEG, GIF and WebP are drawn.", "이미지가 아닙니다. PNG, JPEG, GIF, WebP만 그립니다.";
    HUGE_PICTURE = "{} of {} × {} pixels: too large to be drawn.", "{} 이미지({} × {}픽셀)는 너무 커서 그리지 않습니다.";
    PICTURE_WITHOUT_SIZE = "{} without a size that can be read: not drawn.", "{} 이미지의 크기를 읽을 수 없어 그리지 않습니다.";
    BROKEN_PICTURE = "The browser cannot draw this image: its bytes are damaged.", "이미지의 바이트가 손상되어 브라우저가 그릴 수 없습니다.";
    /// Format, width and height.
    PICTURE_SIZE = "{}, {} × {} pixels.", "{}, {} × {}픽셀.";

    /// Reasons. They follow a colon in English, and are a sentence of their own in Korean.
    ENDS_EARLY = "the value is longer than the body", "값이 본문보다 깁니다.";
    MORE_FOLLOWS = "more follows after the value", "값 뒤에 다른 내용이 더 있습니다.";
    NOT_UTF8 = "a text is not UTF-8", "문자열이 UTF-8이 아닙니다.";
    RESERVED = "no value begins like this", "이렇게 시작하는 값은 없습니다.";
    TOO_DEEP = "nested too deeply", "너무 깊이 중첩되어 있습니다.";
    TOO_MANY = "more values than this page shows", "이 페이지에서 표시할 수 있는 것보다 값이 많습니다.";
    NOT_CLOSED = "this tag is not closed", "이 태그가 닫히지 않았습니다.";
    OTHER_END = "this tag closes no open element", "이 태그에 맞는 여는 태그가 없습니다.";
    NO_NAME = "a name was expected after <", "< 뒤에 이름이 있어야 합니다.";
    NO_QUOTES = "the value of an attribute is in quotes, after =", "속성 값은 = 뒤에 따옴표로 묶어야 합니다.";
    NO_ELEMENT = "text outside of the outermost element", "가장 바깥 요소 밖에 텍스트가 있습니다.";
}
