// @stomp/stompjs as a listener: prints each message's body on a line of its own, and ends after
// COUNT. Prints `subscribed` first. Arguments: the WebSocket's URL, the topic, COUNT.
import { Client } from "@stomp/stompjs";
import { WebSocket } from "ws";

const [url, topic, count] = process.argv.slice(2);
let left = Number(count);

const client = new Client({
  webSocketFactory: () => new WebSocket(url, ["v12.stomp"]),
  reconnectDelay: 0,
  onStompError: (frame) => fail(frame.headers.message),
  onConnect: () => {
    client.subscribe(`/topic/${topic}`, receive, { since: "0" });
  },
});

function receive(message) {
  console.log(message.body);
  left -= 1;
  if (left === 0) {
    client.deactivate();
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

client.activate();
