//! Buttons of dialogs.

texts! {
    CANCEL = "Cancel", "취소";
    CLOSE = "Close", "닫기";
}
