//! The button of the QR code. `public/qr.js` has the texts of its dialog.

texts! {
    QR_CODE = "QR code", "QR 코드";
}
