// A service that works on orders from a queue, one at a time. Start it as often as you like: the
// instances share the queue, and the orders of an instance that ends go to the others.
//
//     npm install
//     node service.js                            # ws://127.0.0.1:8080/ws
//     carillon pub /queue/orders '{"item": "nails", "count": 3}'
import { Client } from "@stomp/stompjs";
import { WebSocket } from "ws";

const brokerURL = process.argv[2] ?? "ws://127.0.0.1:8080/ws";

const client = new Client({
  brokerURL,
  webSocketFactory: () => new WebSocket(brokerURL, ["v12.stomp"]),
  reconnectDelay: 1000,
  onConnect: () => {
    client.subscribe("/queue/orders", receive, {
      // The broker removes an order after its acknowledgement, and sends the next one only then.
      ack: "client-individual",
      "activemq.prefetchSize": "1",
    });
    console.log("waiting for orders");
  },
  onStompError: (frame) => {
    console.error(frame.headers.message, frame.body);
    process.exit(1);
  },
});
client.activate();

async function receive(message) {
  try {
    const order = JSON.parse(message.body);
    await work(order);
    // The invoice is sent and the order removed together, or neither happens.
    const both = client.begin();
    client.publish({
      destination: "/queue/invoices",
      body: JSON.stringify({ order, total: order.count * 2 }),
      headers: { transaction: both.id, persistent: "true", "content-type": "application/json" },
    });
    message.ack({ transaction: both.id });
    both.commit();
    console.log(`done: ${message.body}`);
  } catch (error) {
    // The broker delivers it again, and moves it to ActiveMQ.DLQ after six attempts.
    message.nack();
    console.log(`rejected: ${message.body} (${error.message})`);
  }
}

async function work(order) {
  if (!(order.count > 0)) {
    throw new Error("an order needs a count");
  }
}

process.on("SIGTERM", () => client.deactivate().then(() => process.exit(0)));
