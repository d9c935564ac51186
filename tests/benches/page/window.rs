//! A browser window with a probe script.

use harness::browser::Browser;
use serde::Deserialize;
use serde_json::{Value, json};

/// The figures of a window since the sample before.
#[derive(Clone, Copy, Debug, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sample {
    pub milliseconds: f64,
    pub frames: f64,
    pub longest_frame: f64,
    /// Number of tasks over 50 ms.
    pub long_tasks: f64,
    pub long_task_time: f64,
    pub longest_task: f64,
    /// Number of mouse movements.
    pub inputs: f64,
    /// Total time that mouse movements waited for the page.
    pub input_delay: f64,
    pub longest_input: f64,
    /// Longest delay of a timer.
    pub longest_lag: f64,
    /// Longest time that the page took for an event of its socket. Includes the time of other
    /// processes on the CPU.
    pub longest_event: f64,
    /// Largest size of an event of the socket in bytes.
    pub largest_event: f64,
    /// Longest time that the page took before a frame. Includes the time of other processes on the
    /// CPU.
    pub longest_draw: f64,
    /// Number of messages received, as shown by the page.
    pub received: f64,
    /// Number of messages reported as skipped, as shown by the page.
    pub missed: f64,
    pub wasm_bytes: f64,
    /// Heap size of the script engine after a garbage collection.
    pub heap_bytes: f64,
    pub nodes: f64,
    /// CPU time of the main thread, in seconds since its start. Excludes other threads and
    /// processes.
    pub busy_seconds: f64,
    pub script_seconds: f64,
    pub layout_seconds: f64,
    pub is_visible: bool,
}

/// Adds the probe to each new document of this window.
pub async fn prepare(browser: &Browser) {
    let probe = json!({"source": include_str!("probe.js")});
    let method = "Page.addScriptToEvaluateOnNewDocument";
    browser.developer_tools(method, probe).await;
    browser
        .developer_tools("Performance.enable", json!({"timeDomain": "threadTicks"}))
        .await;
}

/// Moves the mouse a little, with an input event as the system sends it.
pub async fn move_mouse(browser: &Browser, step: u32) {
    let at = json!({"type": "mouseMoved", "x": 200 + step % 50, "y": 20});
    browser
        .developer_tools("Input.dispatchMouseEvent", at)
        .await;
}

/// Takes a sample. The next sample starts after the garbage collection, which itself takes long.
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

/// Returns the figures of the page itself, without those of the browser.
pub async fn figures(browser: &Browser) -> Sample {
    let taken = browser.evaluate("return probe.take()").await;
    serde_json::from_value(taken).expect("the probe returns a sample")
}

fn metric(metrics: &Value, name: &str) -> f64 {
    let mut all = metrics["metrics"].as_array().into_iter().flatten();
    let found = all.find(|metric| metric["name"] == name);
    found
        .and_then(|metric| metric["value"].as_f64())
        .unwrap_or_default()
}
