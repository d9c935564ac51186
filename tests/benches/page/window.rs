//! A window of the browser with a probe in it.

use harness::browser::Browser;
use serde::Deserialize;
use serde_json::{Value, json};

/// What happened in a window since it was last asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sample {
    pub milliseconds: f64,
    pub frames: f64,
    pub longest_frame: f64,
    /// Tasks above 50 ms.
    pub long_tasks: f64,
    pub long_task_time: f64,
    pub longest_task: f64,
    /// Movements of the mouse, and how long they waited for the page.
    pub inputs: f64,
    pub input_delay: f64,
    pub longest_input: f64,
    /// How late the latest timer was.
    pub longest_lag: f64,
    /// The longest that the page took for an event of its socket, the most bytes in one, and the longest
    /// that it took before a frame. Whoever else has the processor counts as well.
    pub longest_event: f64,
    pub largest_event: f64,
    pub longest_draw: f64,
    /// What the page says it has received, and that the broker told it to have skipped.
    pub received: f64,
    pub missed: f64,
    pub wasm_bytes: f64,
    /// The script engine's, after a collection of garbage.
    pub heap_bytes: f64,
    pub nodes: f64,
    /// Processor time of the main thread, in seconds since the beginning: who else is busy does not
    /// count.
    pub busy_seconds: f64,
    pub script_seconds: f64,
    pub layout_seconds: f64,
    pub is_visible: bool,
}

/// From now on each document of this window begins with the probe.
pub async fn prepare(browser: &Browser) {
    let probe = json!({"source": include_str!("probe.js")});
    let method = "Page.addScriptToEvaluateOnNewDocument";
    browser.developer_tools(method, probe).await;
    browser
        .developer_tools("Performance.enable", json!({"timeDomain": "threadTicks"}))
        .await;
}

/// Moves the mouse a little, as the system would.
pub async fn move_mouse(browser: &Browser, step: u32) {
    let at = json!({"type": "mouseMoved", "x": 200 + step % 50, "y": 20});
    browser
        .developer_tools("Input.dispatchMouseEvent", at)
        .await;
}

/// The next sample begins when the garbage has been collected, which takes long itself.
pub async fn sample(browser: &Browser) -> Sample {
    let sample = figures(browser).await;
    let collect = "HeapProfiler.collectGarbage";
    browser.developer_tools(collect, json!({})).await;
    let metrics = browser
        .developer_tools("Performance.getMetrics", json!({}))
        .await;
    figures(browser).await;
    let metric = |name| metric(&metrics, name);
    Sample {
        heap_bytes: metric("JSHeapUsedSize"),
        nodes: metric("Nodes"),
        busy_seconds: metric("TaskDuration"),
        script_seconds: metric("ScriptDuration"),
        layout_seconds: metric("LayoutDuration") + metric("RecalcStyleDuration"),
        ..sample
    }
}

/// Only what the page itself knows.
pub async fn figures(browser: &Browser) -> Sample {
    let taken = browser.evaluate("return probe.take()").await;
    serde_json::from_value(taken).expect("what the probe says")
}

fn metric(metrics: &Value, name: &str) -> f64 {
    let mut all = metrics["metrics"].as_array().into_iter().flatten();
    let found = all.find(|metric| metric["name"] == name);
    found
        .and_then(|metric| metric["value"].as_f64())
        .unwrap_or_default()
}
