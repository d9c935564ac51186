//! A real browser with its own profile, and functions to read and use a page.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use fantoccini::elements::Element;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::chromedriver::Chromedriver;
use crate::deadline::{eventually, within};

mod command;

use command::{DevTools, Log};

pub struct Browser {
    pub client: Client,
    // Dropped in this order: the browsers end before their profile is removed.
    _driver: Chromedriver,
    _profile: Profile,
}

impl Browser {
    /// Starts a browser that prefers English, whatever the language of this machine.
    pub async fn start() -> Self {
        Self::preferring("en-US,en").await
    }

    /// Starts a browser that prefers these languages, as in Accept-Language without weights.
    pub async fn preferring(languages: &str) -> Self {
        Self::with(&[&format!("--accept-lang={languages}")]).await
    }

    /// Starts a browser that accepts any certificate.
    pub async fn trusting() -> Self {
        Self::with(&["--accept-lang=en-US,en", "--ignore-certificate-errors"]).await
    }

    /// Starts a browser with additional Chromium arguments.
    async fn with(arguments: &[&str]) -> Self {
        let driver = Chromedriver::start().await;
        let profile = Profile::new();
        let capabilities = capabilities(&profile, arguments);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let session = within("a browser", async { builder.connect(&driver.url()).await });
        Self {
            client: session.await.expect("a session"),
            _driver: driver,
            _profile: profile,
        }
    }

    /// Opens a page and waits until it is live.
    pub async fn open(&self, url: &str) {
        within(url, self.client.goto(url)).await.expect("a page");
        self.started().await;
    }

    /// Opens a page that has no program.
    pub async fn open_plain(&self, url: &str) {
        let opened = within(url, self.client.goto(url)).await;
        opened.expect("the page is there");
    }

    /// Opens a page in a new window, which becomes the active window.
    pub async fn open_window(&self, url: &str) -> WindowHandle {
        let window = self.client.new_window(false).await.expect("a window");
        self.show(&window.handle).await;
        self.open(url).await;
        window.handle
    }

    pub async fn show(&self, window: &WindowHandle) {
        let switched = self.client.switch_to_window(window.clone()).await;
        switched.expect("the window is open");
    }

    pub async fn window(&self) -> WindowHandle {
        self.client.window().await.expect("a window")
    }

    /// Waits until the program has drawn the page.
    pub async fn started(&self) {
        self.element("html[data-started]").await;
    }

    /// Waits for an element.
    pub async fn element(&self, css: &str) -> Element {
        let find = || async { self.client.find(Locator::Css(css)).await.ok() };
        let found = eventually(css, find, |found| found.is_some()).await;
        found.expect("waited for it")
    }

    /// Waits for the element with this role and accessible name.
    pub async fn named(&self, role: &str, name: &str) -> Element {
        let what = format!("the {role} named {name:?}");
        let find = || self.find_named(role, name);
        let found = eventually(&what, find, |found| found.is_some()).await;
        found.expect("waited for it")
    }

    async fn find_named(&self, role: &str, name: &str) -> Option<Element> {
        let arguments = vec![json!(role), json!(name)];
        let found = self.client.execute(FIND, arguments).await.ok()?;
        let id = found[ELEMENT].as_str()?.to_owned();
        Some(Element::from_element_id(self.client.clone(), id.into()))
    }

    pub async fn click(&self, css: &str) {
        let click = self.element(css).await.click().await;
        click.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Returns the visible text of an element.
    pub async fn text(&self, css: &str) -> String {
        // A page may replace the element after it was found.
        let text = async || match self.element(css).await.text().await {
            Err(error) if error.is_stale_element_reference() => None,
            text => Some(text.unwrap_or_else(|error| panic!("{css}: {error}"))),
        };
        let found = eventually(css, text, Option::is_some).await;
        found.expect("waited for it")
    }

    /// Waits until an element's visible text satisfies the condition.
    pub async fn text_until(&self, css: &str, is_met: impl Fn(&str) -> bool) -> String {
        eventually(css, || self.text(css), |text: &String| is_met(text)).await
    }

    /// Returns the result of a JavaScript function's body.
    pub async fn evaluate(&self, script: &str) -> Value {
        let value = within(script, self.client.execute(script, Vec::new())).await;
        value.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Returns the value that a JavaScript function's body passes to its last argument.
    pub async fn evaluate_async(&self, script: &str) -> Value {
        let value = within(script, self.client.execute_async(script, Vec::new())).await;
        value.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until the result of a JavaScript function's body satisfies the condition.
    pub async fn evaluate_until(&self, script: &str, is_met: impl Fn(&Value) -> bool) -> Value {
        eventually(script, || self.evaluate(script), is_met).await
    }

    /// Waits until no animation runs, because intermediate colours are not part of the design.
    pub async fn still(&self) {
        let animations = "return document.getAnimations().filter((animation) =>
            animation.effect.getComputedTiming().iterations !== Infinity).length";
        self.evaluate_until(animations, |count| count == 0).await;
    }

    /// Presses a key, given by its WebDriver name, on the focused element.
    pub async fn press(&self, key: &str) {
        let focused = self.client.active_element().await.expect("a focus");
        focused.send_keys(key).await.expect("a key pressed");
    }

    /// Emulates a screen of this size in CSS pixels.
    pub async fn emulate_screen(&self, width: u32, height: u32, screen: Screen) {
        let mobile = matches!(screen, Screen::Phone);
        let scale = if mobile { 2 } else { 1 };
        self.developer_tools(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile}),
        )
        .await;
    }

    /// Emulates the system's colour scheme: `light` or `dark`.
    pub async fn emulate_colours(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.developer_tools("Emulation.setEmulatedMedia", json!({"features": [feature]}))
            .await;
    }

    /// Runs a script in each document that is opened from now on, before the document has content.
    pub async fn run_in_new_documents(&self, script: &str) {
        let script = json!({"source": script});
        self.developer_tools("Page.addScriptToEvaluateOnNewDocument", script)
            .await;
    }

    /// Makes each request fail whose address matches the pattern, such as `*.wasm`.
    pub async fn block(&self, pattern: &str) {
        self.developer_tools("Network.enable", json!({})).await;
        self.developer_tools("Network.setBlockedURLs", json!({"urls": [pattern]}))
            .await;
    }

    /// Calls a method of the DevTools protocol for the active window.
    pub async fn developer_tools(&self, method: &'static str, parameters: Value) -> Value {
        let command = DevTools { method, parameters };
        let answer = within(method, self.client.issue_cmd(command)).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Closes the browser. Any error in the console since the start fails the test, except expected errors.
    pub async fn close(self, is_expected: impl Fn(&str) -> bool) {
        let log = within("the console", self.client.issue_cmd(Log)).await;
        let log = log.expect("the console's log");
        let severe = log.as_array().expect("a list of entries").iter();
        let severe = severe.filter(|entry| entry["level"] == "SEVERE");
        let unexpected: Vec<_> = severe
            .filter(|entry| !is_expected(entry["message"].as_str().unwrap_or_default()))
            .collect();
        assert!(unexpected.is_empty(), "in the console: {unexpected:#?}");
        let _ = self.client.close().await;
    }
}

const FIND: &str = include_str!("browser/find.js");

/// The key of an element in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub enum Screen {
    Phone,
    Desktop,
}

/// The profile's folder of one session, removed on drop.
struct Profile(PathBuf);

impl Profile {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carillon-tests-{}-{count}", process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder for the profile");
        Self(folder)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // A failure is ignored: the browser may still use the folder, and the system cleans its temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn capabilities(profile: &Profile, more: &[&str]) -> serde_json::Map<String, Value> {
    let profile = format!("--user-data-dir={}", profile.0.display());
    let mut arguments = vec![profile.as_str()];
    arguments.extend(ARGUMENTS);
    arguments.extend(more);
    let mut options = json!({"args": arguments});
    if let Some(chrome) = env::var_os("CHROME") {
        options["binary"] = json!(chrome.to_string_lossy());
    }
    let Value::Object(capabilities) = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    }) else {
        unreachable!("it is written as an object")
    };
    capabilities
}

/// `--no-sandbox` because the sandbox refuses to run as root, as in CI. The others prevent network requests of the
/// browser itself and the throttling of inactive windows.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];
