// @stomp/stompjs with Carillon: subscribes, publishes, and prints the received messages as JSON.
// Arguments: the server's URL, `text` or `binary` frames, the topic.
import { clientOf } from "./connect.js";

const [url, frames, topic] = process.argv.slice(2);
const bodies = ["plain", "line\nend", "Umlaut ä, 鐘, 🔔", '{"data":90}', ""];
const received = [];

const client = clientOf(url, {
  forceBinaryWSFrames: frames === "binary",
  heartbeatIncoming: 1000,
  heartbeatOutgoing: 1000,
  onConnect: begin,
});

function begin() {
  client.watchForReceipt("subscribed", publish);
  client.subscribe(`/topic/${topic}`, receive, { receipt: "subscribed" });
}

function publish() {
  for (const body of bodies) {
    const headers = { "x-note": "a:b\nc\\d" };
    client.publish({ destination: `/topic/${topic}`, body, headers });
  }
}

function receive(message) {
  received.push(message);
  if (received.length === bodies.length) {
    finish();
  }
}

async function finish() {
  const report = {
    version: client.connectedVersion,
    bodies: received.map((message) => message.body),
    expected: bodies,
    sequences: received.map((message) => Number(message.headers.sequence)),
    note: received[0].headers["x-note"],
  };
  await client.deactivate();
  console.log(JSON.stringify(report));
}

client.activate();
