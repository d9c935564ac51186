// @stomp/stompjs with the rights of a user who may publish and subscribe below `open`. Prints the results as JSON: the
// title of the ERROR that ends the connection, or null. Arguments: the server's URL, the token of the user.
import { clientOf } from "./connect.js";

const [url, passcode] = process.argv.slice(2);

/// Logs in, makes a request, and waits for its receipt or for an ERROR.
async function error(request, login = { login: "visitor", passcode }) {
  let client;
  const title = await new Promise((resolve) => {
    client = clientOf(url, {
      connectHeaders: login,
      onStompError: (frame) => resolve(frame.headers.message),
      onConnect: () => {
        client.watchForReceipt("done", () => resolve(null));
        request(client);
      },
    });
    client.activate();
  });
  await client.deactivate();
  return title;
}

const headers = { receipt: "done" };
const subscribe = (destination) => (client) => client.subscribe(destination, () => {}, headers);
const publish = (destination) => (client) => client.publish({ destination, body: "1", headers });

const report = {
  wrong: await error(publish("/topic/open.a"), { login: "visitor", passcode: "wrong" }),
  subscribed: [await error(subscribe("/topic/open.a")), await error(subscribe("/topic/shut.a"))],
  published: [await error(publish("/topic/open.a")), await error(publish("/topic/shut.a"))],
};
console.log(JSON.stringify(report));
