//! The square and the chart.

texts! {
    EXAMPLE = "Example", "예시";
    ANGLE = "Angle", "각도";
    EXAMPLE_VALUES = "Example values", "예시 값";
    VALUES = "The chart’s values", "차트의 값";
    RECT_INTRO =
        "Turns to the angle of every message on topic <code translate=\"no\">rect</code>.",
        "토픽 <code translate=\"no\">rect</code>에 도착하는 메시지의 각도로 회전합니다.";
    SQUARE = "The square", "사각형";
    TRANSITION = "Transition", "부드러운 전환";
    NO_NUMBER = "No message with a number has arrived yet.", "숫자가 있는 메시지가 아직 도착하지 않았습니다.";
    CHART_INTRO =
        "Draws the numbers of every message on topic <code translate=\"no\">chart</code>.",
        "토픽 <code translate=\"no\">chart</code>에 도착하는 메시지의 숫자를 그립니다.";
    THE_CHART = "The chart", "차트";
    NO_NUMBERS = "No message with numbers has arrived yet.", "숫자 목록이 있는 메시지가 아직 도착하지 않았습니다.";
    IMAGE = "Last image: message {} by {}, {}.", "마지막 상태: 메시지 {}, 발행자 {}, {}.";
}
