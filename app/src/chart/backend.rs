//! The canvas as a plotters back end, limited to the operations that the chart needs. `draw`
//! decides what to draw.

use std::{convert::Infallible, fmt::Write};

use plotters::prelude::DrawingBackend;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind,
    text_anchor::{HPos, VPos},
};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

pub struct Canvas {
    context: CanvasRenderingContext2d,
    size: (u32, u32),
}

/// Canvas operations report no errors.
type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Canvas {
    /// Returns `None` if the canvas already has a context of another type than 2D.
    pub fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??;
        Some(Self {
            context: context.dyn_into().ok()?,
            size: (canvas.width(), canvas.height()),
        })
    }

    fn fill_with(&self, color: BackendColor) {
        self.context.set_fill_style_str(&css(color));
    }

    fn stroke_with(&self, style: &impl BackendStyle) {
        self.context.set_stroke_style_str(&css(style.color()));
        self.context.set_line_width(style.stroke_width().into());
    }
}

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.fill_with(color);
        self.context.fill_rect(x.into(), y.into(), 1.0, 1.0);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (width, height) = (f64::from(right - left), f64::from(bottom - top));
        if fill {
            self.fill_with(style.color());
            self.context
                .fill_rect(left.into(), top.into(), width, height);
        } else {
            self.stroke_with(style);
            self.context
                .stroke_rect(left.into(), top.into(), width, height);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.stroke_with(style);
        self.context.begin_path();
        for (x, y) in path {
            // A path without a current point starts at the first `line_to`.
            self.context.line_to(x.into(), y.into());
        }
        self.context.stroke();
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let anchor = style.anchor();
        self.context.set_text_align(match anchor.h_pos {
            HPos::Left => "left",
            HPos::Right => "right",
            HPos::Center => "center",
        });
        self.context.set_text_baseline(match anchor.v_pos {
            VPos::Top => "top",
            VPos::Center => "middle",
            VPos::Bottom => "bottom",
        });
        self.fill_with(style.color());
        let size = style.size().round() as u32;
        let family = style.family();
        self.context
            .set_font(&format!("{size}px {}", family.as_str()));
        // Fails only for a font that no style sheet can name.
        let _ = self.context.fill_text(text, x.into(), y.into());
        Ok(())
    }
}

/// Formats a colour for CSS. The chart's colours are opaque.
fn css(color: BackendColor) -> String {
    let (red, green, blue) = color.rgb;
    let mut css = String::with_capacity(7);
    // Writing to a string cannot fail.
    let _ = write!(css, "#{red:02x}{green:02x}{blue:02x}");
    css
}
