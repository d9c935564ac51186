//! The chart on the screen: a canvas with the size of its element and the resolution of the display.

use plotters::prelude::RGBColor;
use web_sys::{CssStyleDeclaration, HtmlCanvasElement};

use super::{Palette, Picture, Scale, backend::Canvas, draw, tween};
use crate::{browser, feed::Source};
use leptos::prelude::window;

/// The state of a canvas: the values that are drawn and the animation in progress.
pub struct Painter {
    canvas: HtmlCanvasElement,
    palette: Palette,
    scale: Scale,
    source: Source,
    /// The values drawn last.
    shown: Vec<f64>,
    from: Vec<f64>,
    to: Vec<f64>,
    started_ms: f64,
    /// Device pixels per CSS pixel at the last call of `fit`.
    ratio: f64,
}

impl Painter {
    pub fn new(canvas: HtmlCanvasElement, values: Vec<f64>, source: Source) -> Self {
        let palette = palette(&canvas);
        Self {
            canvas,
            palette,
            scale: Scale::of(&values),
            source,
            shown: values.clone(),
            from: values.clone(),
            to: values,
            started_ms: f64::NEG_INFINITY,
            ratio: f64::NAN,
        }
    }

    /// Starts an animation from the drawn values to `values`, or draws `values` at once if the reader prefers no
    /// motion.
    pub fn set_out(&mut self, values: Vec<f64>, source: Source) {
        self.source = source;
        self.scale = Scale::following(&self.scale, &values);
        self.from = std::mem::take(&mut self.shown);
        self.to = values;
        let at_once = browser::prefers_reduced_motion();
        self.started_ms = if at_once {
            f64::NEG_INFINITY
        } else {
            browser::now_ms()
        };
    }

    /// Draws the current step of the animation. Returns true if the animation has further steps.
    pub fn paint(&mut self) -> bool {
        let progress = (browser::now_ms() - self.started_ms) / DURATION_MS;
        self.shown = tween::between(&self.from, &self.to, progress);
        if ratio() != self.ratio {
            self.fit();
        }
        if let Some(backend) = Canvas::of(&self.canvas) {
            let picture = Picture {
                values: &self.shown,
                source: self.source,
                scale: &self.scale,
                palette: &self.palette,
                pixel_ratio: self.ratio,
            };
            // Fails only for a broken canvas; the table shows the values as well.
            let _ = draw(backend, &picture);
        }
        progress < 1.0
    }

    pub fn canvas(&self) -> &HtmlCanvasElement {
        &self.canvas
    }

    /// Reads the colours again after a change of theme.
    pub fn recolour(&mut self) {
        self.palette = palette(&self.canvas);
    }

    /// Gives the canvas as many pixels as the display has in its area. Reading the area can cost a layout of the page,
    /// so call this only after a change of size.
    pub fn fit(&mut self) {
        self.ratio = ratio();
        let pixels = |css: i32| (f64::from(css) * self.ratio).round() as u32;
        let (width, height) = (
            pixels(self.canvas.client_width()),
            pixels(self.canvas.client_height()),
        );
        if (self.canvas.width(), self.canvas.height()) != (width, height) {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
    }
}

/// Returns device pixels per CSS pixel.
fn ratio() -> f64 {
    window().device_pixel_ratio().clamp(1.0, 4.0)
}

/// Returns the colours that the style sheet gives the canvas.
fn palette(canvas: &HtmlCanvasElement) -> Palette {
    let style = window().get_computed_style(canvas).ok().flatten();
    let read = |name, otherwise| {
        style
            .as_ref()
            .and_then(|style| colour(style, name))
            .unwrap_or(otherwise)
    };
    let still = Palette::STILL;
    Palette {
        surface: read("--surface", still.surface),
        bar: read("--bar", still.bar),
        text: read("--ink-soft", still.text),
        line: read("--line", still.line),
        axis: read("--engraving", still.axis),
    }
}

fn colour(style: &CssStyleDeclaration, name: &str) -> Option<RGBColor> {
    super::colour(style.get_property_value(name).ok()?.trim())
}

const DURATION_MS: f64 = 220.0;
