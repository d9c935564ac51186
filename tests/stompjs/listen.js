// @stomp/stompjs as a subscriber: prints each message's body on a separate line, and ends after
// COUNT messages. Arguments: the server's URL, the topic, COUNT.
import { clientOf } from "./connect.js";

const [url, topic, count] = process.argv.slice(2);
let left = Number(count);

const client = clientOf(url, {
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

client.activate();
