//! A WebSocket of the browser. Dropping it closes it; after that it makes no calls.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use crate::{site::root, stopped::has_stopped};

pub struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

/// The user of a [`Socket`].
pub trait Peer: Clone + 'static {
    fn opened(&self);
    fn received(&self, bytes: &[u8]);
    /// The socket is closed. `reason` comes from the server and is often empty.
    fn closed(&self, reason: String);
}

impl Socket {
    /// Starts to connect to the page's own site, at [`PATH`].
    ///
    /// # Errors
    ///
    /// The browser refuses the address or the subprotocol.
    pub fn open(peer: &impl Peer) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(&address(), SUBPROTOCOL)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_open = {
            let peer = peer.clone();
            Closure::new(move |_: Event| peer.opened())
        };
        let on_message = {
            let peer = peer.clone();
            let closing = socket.clone();
            Closure::new(move |event: MessageEvent| {
                if has_stopped() {
                    // Closing a closed socket has no effect.
                    let _ = closing.close();
                } else {
                    peer.received(&bytes(&event.data()));
                }
            })
        };
        let on_close = {
            let peer = peer.clone();
            Closure::new(move |event: CloseEvent| {
                if !has_stopped() {
                    peer.closed(event.reason());
                }
            })
        };
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self {
            socket,
            _on_open: on_open,
            _on_message: on_message,
            _on_close: on_close,
        })
    }

    /// Hands bytes to the browser; a socket that is closing discards them.
    pub fn send(&self, bytes: &[u8]) {
        // The only error is "not open yet", and nothing is sent before `opened`.
        let _ = self.socket.send_with_u8_array(bytes);
    }

    /// Returns the number of bytes that the browser has accepted and not yet sent.
    pub fn backlog_bytes(&self) -> u32 {
        self.socket.buffered_amount()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Closing a closed socket has no effect.
        let _ = self.socket.close();
    }
}

/// Returns the address below the root of the site, with the scheme `ws` for `http` and `wss` for `https`.
fn address() -> String {
    let root = root();
    format!("ws{}{PATH}", root.strip_prefix("http").unwrap_or(&root))
}

fn bytes(data: &JsValue) -> Vec<u8> {
    match (data.dyn_ref::<ArrayBuffer>(), data.as_string()) {
        (Some(buffer), _) => Uint8Array::new(buffer).to_vec(),
        (None, text) => text.unwrap_or_default().into_bytes(),
    }
}

const PATH: &str = "ws";
const SUBPROTOCOL: &str = "v12.stomp";
