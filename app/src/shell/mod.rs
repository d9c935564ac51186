//! The HTML document around the pages: metadata, the files with hashed names, the scripts and the reader's settings. Only
//! the server draws it.

mod palette;
mod settings;

use leptos::nonce::use_nonce;
use leptos::{either::EitherOf4, prelude::*};

use settings::Settings;

use crate::{
    Assets, Host, Module, ModuleAssets, RequestPath, Route, Visitor,
    language::language,
    pages,
    root::{ROOT_ID, app},
    texts,
};

/// Renders the whole document. Reads the contexts [`Assets`] and [`RequestPath`]; without them the
/// document has no program and shows the overview.
pub fn shell() -> impl IntoView {
    let visitor = use_context::<Host>().map_or_else(Visitor::default, |host| host.visitor);
    let denied = (!visitor.denied.is_empty()).then(|| visitor.denied.join(" "));
    let path = use_context::<RequestPath>();
    let route = path.as_ref().map_or(Route::Overview, RequestPath::route);
    // Relative to the element `base`, if there is one.
    let here = path
        .as_ref()
        .filter(|path| path.base().is_some())
        .map_or_else(String::new, |path| path.relative().to_owned());
    let next = path.as_ref().map_or_else(String::new, with_query);
    let base = path.and_then(|path| path.base());
    let module = route.module();
    let (title, drawn) = match module {
        Module::Demo => {
            let program = pages::demo();
            ((program.title)(route), EitherOf4::A(app(program)))
        }
        Module::Tools => {
            let program = pages::tools();
            ((program.title)(route), EitherOf4::B(app(program)))
        }
        Module::Order => {
            let program = pages::order();
            ((program.title)(route), EitherOf4::C(app(program)))
        }
        Module::Boards => {
            let program = pages::boards();
            ((program.title)(route), EitherOf4::D(app(program)))
        }
    };
    view! {
        <!DOCTYPE html>
        <html lang=language().tag() data-denied=denied>
            <head>
                <meta charset="utf-8" />
                {base.map(|base| view! { <base href=base /> })}
                <title inner_html=escaped(&title)></title>
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="description" content=texts::shell::DESCRIPTION.get() />
                <meta name="color-scheme" content="light dark" />
                <meta
                    name="theme-color"
                    data-scheme="light"
                    media="(prefers-color-scheme: light)"
                    content="#fdfcf9"
                />
                <meta
                    name="theme-color"
                    data-scheme="dark"
                    media="(prefers-color-scheme: dark)"
                    content="#16201e"
                />
                <script nonce=use_nonce() inner_html=head_script()></script>
                <link rel="icon" href="./favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="./icon-192.png" />
                <link rel="manifest" href="./site.webmanifest" />
                {use_context::<Assets>().map(|assets| asset_links(assets, module))}
            </head>
            <body>
                <DeniedNotice topics=visitor.denied />
                <div id=ROOT_ID>{drawn}</div>
                <SignedIn user=visitor.user />
                <Settings next />
                <StoppedNotice here />
            </body>
        </html>
    }
}

fn asset_links(assets: Assets, module: Module) -> impl IntoView {
    let files = match module {
        Module::Demo => Some(assets.demo),
        Module::Tools => assets.tools,
        Module::Order => assets.order,
        Module::Boards => assets.boards,
    };
    view! {
        <link rel="stylesheet" href=assets.css />
        {files.map(module_links)}
    }
}

fn module_links(files: ModuleAssets) -> impl IntoView {
    let nonce = use_nonce();
    let start = start_script(&files);
    view! {
        <link rel="modulepreload" href=files.js nonce=nonce.clone() />
        <link
            rel="preload"
            href=files.wasm
            r#as="fetch"
            r#type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=nonce inner_html=start></script>
    }
}

/// Returns a text for `title`, whose content ends at the first tag and may have character references (HTML, 13.1.2.2:
/// escapable raw text elements). Leptos itself would write a comment after the text, which a tab would show, when it boxes views.
fn escaped(title: &str) -> String {
    title.replace('&', "&amp;").replace('<', "&lt;")
}

/// Returns the script that runs before the first paint, without its comments and indentation.
fn head_script() -> String {
    let lines = include_str!("head.js").lines().map(str::trim_start);
    let code: Vec<_> = lines.filter(|line| !line.starts_with("//")).collect();
    code.join("\n")
}

/// Returns the script that starts the program. It marks the document with `data-stopped` if the
/// program cannot be loaded or started, and at a WebAssembly trap, which is the end of a panic.
/// Other errors are ignored: a browser extension may have caused them.
fn start_script(files: &ModuleAssets) -> String {
    format!(
        "const stop=()=>document.documentElement.setAttribute('data-stopped',''),\
         check=(error)=>{{if(error instanceof WebAssembly.RuntimeError)stop()}};\
         addEventListener('error',(event)=>check(event.error));\
         addEventListener('unhandledrejection',(event)=>check(event.reason));\
         import('{}').then((module)=>module.default({{module_or_path:'{}'}}))\
         .catch((error)=>{{stop();console.error(error)}});",
        files.js, files.wasm
    )
}

/// The notice that pages show less, because the visitor may not read their topics.
#[component]
fn DeniedNotice(topics: Vec<String>) -> impl IntoView {
    (!topics.is_empty()).then(|| {
        view! {
            <aside class="notice" aria-label=texts::shell::MISSING_RIGHTS.get()>
                <p>
                    <strong>{texts::shell::SHOW_LESS.get()}</strong>
                    {texts::shell::DENIED.get()}
                    <span translate="no">{topics.join(", ")}</span> "."
                </p>
            </aside>
        }
    })
}

/// The user who has signed in, and the button to sign out.
#[component]
fn SignedIn(user: String) -> impl IntoView {
    (!user.is_empty()).then(|| {
        view! {
            <form class="signed-in" method="post" action="./logout">
                <p>
                    {texts::shell::SIGNED_IN.get()}
                    <strong class="user" translate="no">
                        {user}
                    </strong>
                </p>
                <button type="submit">{texts::shell::SIGN_OUT.get()}</button>
            </form>
        }
    })
}

/// The notice that the program failed. The style sheet shows it in a document with `data-stopped`,
/// and its link loads the same page again, `here`; neither needs the program.
#[component]
fn StoppedNotice(here: String) -> impl IntoView {
    view! {
        <div class="stopped" role="alert">
            <p>
                <strong>{texts::shell::STOPPED.get()}</strong>
                {texts::shell::STOPPED_DETAIL.get()}
            </p>
            <a href=here>{texts::shell::RELOAD.get()}</a>
        </div>
    }
}

/// Returns the address of a page relative to the root of the site, with its query.
fn with_query(page: &RequestPath) -> String {
    match page.query.is_empty() {
        true => page.relative().to_owned(),
        false => format!("{}?{}", page.relative(), page.query),
    }
}

#[cfg(test)]
mod tests {
    /// Renders the page of a path. The owner holds what the page uses.
    #[cfg(feature = "ssr")]
    fn rendered(path: &str) -> (leptos::prelude::Owner, String) {
        use std::sync::Arc;

        use hydration_context::SsrSharedContext;
        use leptos::prelude::{Owner, RenderHtml as _, provide_context};

        let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new())));
        let html = owner.with(|| {
            provide_context(crate::RequestPath {
                path: path.to_owned(),
                query: String::new(),
            });
            super::shell().to_html()
        });
        (owner, html)
    }

    /// The server renders a page on one thread, and may send and drop it on another.
    #[cfg(feature = "ssr")]
    #[test]
    fn every_page_can_be_dropped_on_another_thread() {
        use crate::route;

        let folders = route::FOLDERS.map(|(folder, _)| format!("{folder}a"));
        let paths = route::PATHS.map(str::to_owned).into_iter().chain(folders);
        for path in paths {
            let (owner, html) = rendered(&format!("/{}", path.trim_start_matches("./")));
            assert!(html.contains("<main"), "{path}: {html}");
            let dropped = std::thread::spawn(move || owner.cleanup());
            assert!(dropped.join().is_ok(), "{path}");
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_name_in_the_title_cannot_end_it() {
        let (_owner, html) = rendered("/topics/%3C%2Ftitle%3E%26lt%3B");
        let (_, title) = html.split_once("<title>").expect("a title");
        let (title, _) = title.split_once("</title>").expect("its end");
        assert!(title.starts_with("&lt;/title>&amp;lt; · "), "{title}");
    }

    /// Returns the values of the rule with this selector.
    fn values<'a>(css: &'a str, selector: &str) -> Vec<&'a str> {
        let (_, rule) = css.split_once(selector).expect("the rule");
        let (values, _) = rule.split_once('}').expect("its end");
        values
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("--"))
            .collect()
    }

    #[test]
    fn a_chosen_dark_theme_has_the_values_of_the_systems() {
        let css = include_str!("../../../style/main.css");
        let chosen = values(css, ":root[data-theme=\"dark\"] {");
        assert!(!chosen.is_empty());
        assert_eq!(chosen, values(css, ":root:not([data-theme=\"light\"]) {"));
    }

    #[test]
    fn the_first_script_has_no_comments_and_cannot_end_its_element() {
        let script = super::head_script();
        assert!(
            script.contains("data-scheme") && !script.contains("//"),
            "{script}"
        );
        assert!(!script.contains("</"), "{script}");
    }
}
