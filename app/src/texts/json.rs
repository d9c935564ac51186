//! Faults in JSON.

texts! {
    FAULT = "Not JSON: {}, at line {}, column {}.", "JSON이 아닙니다: {} ({}행 {}열).";
    VALUE = "a value was expected", "값이 필요합니다";
    TOO_DEEP = "nested too deeply", "중첩이 너무 깊습니다";
    NAME = "a name in quotes was expected", "따옴표로 묶은 이름이 필요합니다";
    COLON = "a colon was expected", "콜론이 필요합니다";
    OBJECT_END = "a comma or the object's end was expected", "쉼표나 객체의 끝이 필요합니다";
    ARRAY_END = "a comma or the array's end was expected", "쉼표나 배열의 끝이 필요합니다";
    CONTROL = "a control character must be escaped", "제어 문자는 이스케이프해야 합니다";
    ESCAPE = "an unknown escape", "알 수 없는 이스케이프입니다";
    HEX = "four hexadecimal digits were expected", "16진수 네 자리가 필요합니다";
    ZERO = "a number does not begin with 0", "숫자는 0으로 시작할 수 없습니다";
    TOO_LARGE = "too large a number", "숫자가 너무 큽니다";
    DIGIT = "a digit was expected", "숫자가 필요합니다";
    MORE = "nothing more was expected", "값 뒤에 다른 내용이 있습니다";
    ENDS = "the text ends too early", "텍스트가 중간에 끝났습니다";
    HALF = "half a surrogate pair", "짝이 없는 서로게이트입니다";
}
