// @stomp/stompjs as producer and consumer of a queue: acknowledges, rejects, and uses transactions.
// Prints the results as JSON. Arguments: the server's URL, the versions to offer, the queue.
import { Versions } from "@stomp/stompjs";
import { clientOf } from "./connect.js";

const [url, versions, queue] = process.argv.slice(2);
const destination = `/queue/${queue}`;
const arrived = [];
const waiting = [];
let receipts = 0;

const client = clientOf(url, {
  stompVersions: new Versions(versions.split(",")),
  onConnect: () => work().catch((error) => client.onWebSocketError(error)),
});

/// Returns the next message, and waits for it.
function next() {
  const message = arrived.shift();
  return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
}

function receive(message) {
  const resolve = waiting.shift();
  resolve ? resolve(message) : arrived.push(message);
}

/// Sends a frame with a header that requests a receipt, and waits for the receipt.
function settled(act) {
  receipts += 1;
  const receipt = `r-${receipts}`;
  return new Promise((resolve) => {
    client.watchForReceipt(receipt, resolve);
    act({ receipt });
  });
}

function send(body, headers) {
  return settled((receipt) =>
    client.publish({ destination, body, headers: { ...headers, ...receipt } }),
  );
}

function seen(message) {
  const { redelivered, JMSXDeliveryCount: count } = message.headers;
  return [message.body, redelivered ?? null, count ?? null];
}

async function work() {
  const report = { version: client.connectedVersion, seen: [] };
  const mode = { id: "work", ack: "client-individual", "activemq.prefetchSize": "2" };
  await settled((receipt) => client.subscribe(destination, receive, { ...mode, ...receipt }));
  for (const body of ["accept", "reject", "later"]) {
    await send(body);
  }
  const accepted = await next();
  const rejected = await next();
  report.seen.push(seen(accepted), seen(rejected));
  await settled((receipt) => rejected.nack(receipt));
  const again = await next();
  report.seen.push(seen(again));
  await settled((receipt) => accepted.ack(receipt));
  const later = await next();
  report.seen.push(seen(later));

  const kept = client.begin();
  again.ack({ transaction: kept.id });
  await send("committed", { transaction: kept.id });
  kept.commit();
  const committed = await next();
  report.seen.push(seen(committed));

  const dropped = client.begin();
  committed.ack({ transaction: dropped.id });
  await send("aborted", { transaction: dropped.id });
  dropped.abort();
  await settled((receipt) => committed.ack(receipt));
  report.unacknowledged = later.body;

  client.onDisconnect = () => console.log(JSON.stringify({ ...report, receipts }));
  await client.deactivate();
}

client.activate();
