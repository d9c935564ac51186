// Connects the scripts to Carillon: @stomp/stompjs over a WebSocket, `ws://…/ws`, or over TCP,
// `tcp://…`. A module, not a script.
import { connect } from "node:net";
import { Client } from "@stomp/stompjs";
import { WebSocket } from "ws";

export const VERSIONS = ["v12.stomp", "v11.stomp", "v10.stomp"];

/// Returns a client with the options that all scripts share; `options` are additional options of stompjs.
export function clientOf(url, options) {
  const overTcp = url.startsWith("tcp:");
  return new Client({
    // The package ws, because older versions of Node have no WebSocket.
    webSocketFactory: () => (overTcp ? new TcpSocket(url) : new WebSocket(url, VERSIONS)),
    reconnectDelay: 0,
    onStompError: (frame) => fail(`${frame.headers.message}: ${frame.body}`),
    onWebSocketError: (error) => fail(error.message),
    ...options,
  });
}

export function fail(reason) {
  console.error(reason);
  process.exit(1);
}

/// The part of the WebSocket interface that stompjs uses, over a TCP connection.
class TcpSocket {
  constructor(url) {
    const { hostname, port } = new URL(url);
    this.url = url;
    this.readyState = WebSocket.CONNECTING;
    this.socket = connect(Number(port), hostname);
    this.socket.on("connect", () => {
      this.readyState = WebSocket.OPEN;
      this.onopen();
    });
    this.socket.on("data", (bytes) => this.onmessage({ data: bytes }));
    this.socket.on("error", (error) => this.onerror(error));
    this.socket.on("close", () => {
      this.readyState = WebSocket.CLOSED;
      this.onclose({ code: 1000, reason: "", wasClean: true });
    });
  }

  send(data) {
    this.socket.write(data);
  }

  close() {
    this.readyState = WebSocket.CLOSING;
    this.socket.end();
  }

  terminate() {
    this.socket.destroy();
  }
}
