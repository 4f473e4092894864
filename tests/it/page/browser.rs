//! A headless Chromium, driven by WebDriver: HTTP and JSON to `chromedriver`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::harness::{Process, Sandbox, Setting, chromedriver_path, chromium_path, show, wait_for};

/// A browser with one page. Dropped, it is closed; if its trial failed, with a picture of what it
/// showed last.
pub(super) struct Browser<'s> {
    agent: ureq::Agent,
    session: String,
    name: &'static str,
    _driver: Process,
    _sandbox: &'s Sandbox,
}

/// How large the window is, in pixels of CSS.
#[derive(Clone, Copy)]
pub(super) struct Size(pub(super) u32, pub(super) u32);

impl Size {
    pub(super) const WIDE: Self = Self(1_280, 900);
    /// The narrowest telephone that is made.
    pub(super) const NARROW: Self = Self(360, 740);
}

impl<'s> Browser<'s> {
    /// Starts one for the trial of this name.
    #[track_caller]
    pub(super) fn start(sandbox: &'s Sandbox, name: &'static str) -> Self {
        let log = sandbox.path("chromedriver.log");
        let home = sandbox.directory("browser");
        let shown = home.to_string_lossy().into_owned();
        // Caches and locks of the system's user are none of our business.
        let environment = [("HOME", &*shown), ("TMPDIR", &*shown)];
        let setting = Setting {
            environment: &environment,
            ..Setting::new(&home, &log)
        };
        let driver = Process::start_in(&setting, &chromedriver_path(), &["--port=0"]);
        let port = wait_for(3 * PATIENCE, "the driver's port", || {
            let said = driver.output();
            let (_, rest) = said.split_once("started successfully on port ")?;
            rest.split_once('.')?.0.parse::<u16>().ok()
        });
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        let mut browser = Self {
            agent: config.into(),
            session: format!("http://127.0.0.1:{port}/session"),
            name,
            _driver: driver,
            _sandbox: sandbox,
        };
        let made = browser.post("", &capabilities(&home));
        let id = made["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        browser.size(Size::WIDE);
        browser
    }

    /// Goes to an address.
    #[track_caller]
    pub(super) fn open(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    /// Runs the body of a function in the page, and returns what that returns.
    #[track_caller]
    pub(super) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post(
            "/execute/sync",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// The value of an expression in the page; of a promise, what it comes to.
    #[track_caller]
    pub(super) fn value(&self, expression: &str) -> Value {
        self.run(&format!("return ({expression})"), &[])
    }

    /// The value of an expression as text.
    #[track_caller]
    pub(super) fn text(&self, expression: &str) -> String {
        match self.value(expression) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Waits until an expression is true, and returns how long that took.
    #[track_caller]
    pub(super) fn wait(&self, within: Duration, expression: &str) -> Duration {
        let start = Instant::now();
        let what = format!("the page to have {expression}");
        wait_for(within, &what, || {
            let value = self.value(&format!("Boolean({expression})"));
            (value == Value::Bool(true)).then_some(())
        });
        start.elapsed()
    }

    /// Waits until something that this selects is in the page and can be seen.
    #[track_caller]
    pub(super) fn wait_seen(&self, selector: &str) {
        let selector = json!(selector);
        self.wait(
            PATIENCE,
            &format!("document.querySelector({selector})?.checkVisibility()"),
        );
    }

    /// Waits for it, and clicks on it as a person does.
    #[track_caller]
    pub(super) fn click(&self, selector: &str) {
        self.wait_seen(selector);
        let what = format!("a click on {selector}");
        wait_for(PATIENCE, &what, || {
            let element = self.find(selector);
            match self.try_post(&format!("/element/{element}/click"), &json!({})) {
                Ok(_) => Some(()),
                // It was drawn anew in between; a person would not have noticed.
                Err(why) if why.starts_with("stale element") => None,
                Err(why) => panic!("a click on {selector}: {why}"),
            }
        });
    }

    /// Waits for it, and types into it.
    #[track_caller]
    pub(super) fn write(&self, selector: &str, text: &str) {
        self.wait_seen(selector);
        let element = self.find(selector);
        self.post(
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    /// Presses keys, one after the other, wherever the focus is.
    #[track_caller]
    pub(super) fn press(&self, keys: &str) {
        let turn = |kind, key: char| json!({ "type": kind, "value": key });
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| [turn("keyDown", key), turn("keyUp", key)])
            .collect();
        let source = json!({ "type": "key", "id": "keys", "actions": actions });
        self.post("/actions", &json!({ "actions": [source] }));
    }

    /// The colour of a property of what is selected, as the browser has computed it, once it is
    /// there.
    #[track_caller]
    pub(super) fn colour(&self, selector: &str, property: &str) -> String {
        let [selector, property] = [json!(selector), json!(property)];
        let expression = format!(
            "[document.querySelector({selector})].map((it) => it && getComputedStyle(it)[{property}])[0]"
        );
        wait_for(PATIENCE, &format!("the page to have {selector}"), || {
            self.value(&expression).as_str().map(str::to_owned)
        })
    }

    /// Makes the window so large.
    #[track_caller]
    pub(super) fn size(&self, Size(width, height): Size) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.tool("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// What the system says about colours: `light` or `dark`.
    #[track_caller]
    pub(super) fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.tool(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// A command of the developers' tools.
    #[track_caller]
    pub(super) fn tool(&self, command: &str, parameters: &Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// What the console has been told since the last look; 401 to a page that asks who it is counts
    /// as an answer, not as an error.
    #[track_caller]
    pub(super) fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser");
        let texts = entries
            .iter()
            // Advice about forms is no complaint.
            .filter(|entry| entry["level"] != "DEBUG")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        texts
            .filter(|text| !(text.contains("/session") && text.contains("401")))
            .collect()
    }

    /// The addresses of all requests that it has made since the last look.
    #[track_caller]
    pub(super) fn requests(&self) -> Vec<String> {
        let entries = self.log("performance");
        let messages = entries.iter().filter_map(|entry| {
            let text = entry["message"].as_str()?;
            serde_json::from_str::<Value>(text).ok()
        });
        messages
            .filter(|it| it["message"]["method"] == "Network.requestWillBeSent")
            .filter_map(|it| {
                let address = it["message"]["params"]["request"]["url"].as_str()?;
                // The page that a browser opens with is its own.
                (!address.starts_with("chrome://")).then(|| address.to_owned())
            })
            .collect()
    }

    #[track_caller]
    fn log(&self, kind: &str) -> Vec<Value> {
        match self.post("/se/log", &json!({ "type": kind })) {
            Value::Array(entries) => entries,
            other => panic!("the log {kind} is {other}"),
        }
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", &wanted);
        let id = found.as_object().and_then(|it| it.values().next());
        let id = id.and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("no element {selector}: {found}"))
            .to_owned()
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body)
            .unwrap_or_else(|why| panic!("the browser, asked for {path} with {body}: {why}"))
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{path}", self.session));
        let request = request.content_type("application/json");
        let mut answer = request
            .send(body.to_string())
            .map_err(|why| why.to_string())?;
        let text = answer.body_mut().with_config().limit(ROOM).read_to_string();
        let text = text.map_err(|why| why.to_string())?;
        let mut said: Value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
        match said["value"]["error"].as_str() {
            None => Ok(said["value"].take()),
            Some(error) => Err(format!("{error}: {}", said["value"]["message"])),
        }
    }

    /// A picture of the page, and where it is.
    fn picture(&self) -> Result<PathBuf, String> {
        let wanted = json!({ "cmd": "Page.captureScreenshot", "params": {} });
        let picture = self.try_post("/goog/cdp/execute", &wanted)?;
        let picture = picture["data"].as_str().unwrap_or_default();
        let picture = BASE64.decode(picture.as_bytes());
        let picture = picture.map_err(|why| why.to_string())?;
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{}.png", self.name));
        fs::write(&path, picture).map_err(|why| why.to_string())?;
        Ok(path)
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        if env::var_os("REGENT_PICTURES").is_some() {
            self.picture().ok();
        }
        if std::thread::panicking() {
            let words = match self.picture() {
                Ok(path) => format!("what it showed last is in {}", path.display()),
                Err(why) => format!("there is no picture: {why}"),
            };
            show("the browser", &words);
            let console = json!({ "type": "browser" });
            let said = self.try_post("/se/log", &console).unwrap_or_default();
            show("its console", &said.to_string());
        }
        // What does not end in peace ends with its process group.
        self.agent.delete(&self.session).call().ok();
    }
}

/// What is asked of a browser.
fn capabilities(home: &Path) -> Value {
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let arguments = [
        "--headless=new",
        // Root has no sandbox of this kind.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-GB",
        &profile,
    ];
    let binary = chromium_path();
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": { "binary": binary, "args": arguments },
    }}})
}

/// So long somebody waits for a browser.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);
/// The logs of a long trial are large.
const ROOM: u64 = 64 << 20;

/// Keys that are no letters, as WebDriver has them.
pub(super) const ENTER: &str = "\u{e007}";
pub(super) const ESCAPE: &str = "\u{e00c}";
pub(super) const TAB: &str = "\u{e004}";
pub(super) const DOWN: &str = "\u{e015}";
