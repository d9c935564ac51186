// mqtt.js with Carillon: runs a scenario and prints the results as JSON. Arguments: the package, the
// server's URL, the protocol level, the scenario, and the first level of its topics or the token of its user.
import { connect, fail, is5, refusal } from "./client.js";

const [scenario, name] = process.argv.slice(5);
const lasting = is5 ? { properties: { sessionExpiryInterval: 600 } } : {};

const scenarios = {
  async publish() {
    const client = await connect();
    await client.subscribe(`${name}/#`, { qos: 2 });
    const seen = [];
    for (const qos of [0, 1, 2]) {
      await client.publish(`${name}/${qos}`, `鐘 ${qos}`, { qos });
      const { topic, body, qos: received, retain } = await client.next();
      seen.push([topic, body, received, retain]);
    }
    await client.unsubscribe(`${name}/#`);
    await client.publish(`${name}/0`, "not heard", { qos: 1 });
    await client.subscribe("end");
    await client.publish("end", "end");
    seen.push((await client.next()).body);
    await client.end();
    return seen;
  },

  async retained() {
    const producer = await connect();
    await producer.publish(name, "kept", { qos: 1, retain: true });
    const seen = [];
    for (const body of ["live", "live again"]) {
      const consumer = await connect();
      await consumer.subscribe([name, "end"], { qos: 1 });
      await producer.publish("end", body, { qos: 1 });
      for (let message; message?.topic !== "end"; ) {
        message = await consumer.next();
        seen.push([message.body, message.retain]);
      }
      await consumer.end();
      await producer.publish(name, "", { qos: 1, retain: true });
    }
    await producer.end();
    return seen;
  },

  async will() {
    const watcher = await connect();
    await watcher.subscribe(name, { qos: 1 });
    const will = { topic: name, payload: "gone", qos: 1, retain: false };
    const polite = await connect({ will: { ...will, payload: "left" } });
    await polite.end();
    const mortal = await connect({ will });
    await mortal.cut();
    const { body, qos } = await watcher.next();
    await watcher.end();
    return [body, qos];
  },

  async session() {
    const options = { clientId: `${name}-sleeper`, clean: false, ...lasting };
    const sleeper = await connect(options);
    await sleeper.subscribe(name, { qos: 2 });
    await sleeper.end();
    const producer = await connect();
    for (const index of [0, 1, 2]) {
      await producer.publish(name, String(index), { qos: 2 });
    }
    const back = await connect(options);
    const report = [back.connack.sessionPresent, await back.bodies(3)];
    await producer.end();
    await back.end();
    return report;
  },

  async takeover() {
    const options = { clientId: `${name}-twin`, clean: false, ...lasting };
    const first = await connect(options);
    await first.subscribe(name, { qos: 1 });
    const told = is5 ? first.once("disconnect") : Promise.resolve(null);
    const closed = first.once("close");
    const second = await connect(options);
    await closed;
    await second.publish(name, "to the second", { qos: 1 });
    const report = [(await told)?.reasonCode ?? null, await second.bodies(1)];
    await second.end();
    return report;
  },

  async shared() {
    const members = [await connect(), await connect()];
    for (const member of members) {
      await member.subscribe(`$share/${name}/${name}/jobs`, { qos: 1 });
    }
    const seen = [];
    const all = Array.from({ length: 20 }, (_, index) => String(index));
    const heard = new Promise((resolve) => {
      for (const member of members) {
        member.stream.on("message", (_, payload) => {
          seen.push(payload.toString());
          if (seen.length === all.length) resolve();
        });
      }
    });
    for (const body of all) {
      await members[0].publish(`${name}/jobs`, body, { qos: 1 });
    }
    await heard;
    const parts = members.map((member) => member.arrived.length);
    await Promise.all(members.map((member) => member.end()));
    return [seen.map(Number).sort((a, b) => a - b).map(String), parts.every((part) => part > 0)];
  },

  async request() {
    const requester = await connect();
    const responder = await connect();
    await requester.subscribe(`${name}/answers`, { qos: 1 });
    await responder.subscribe(`${name}/questions`, { qos: 1 });
    const properties = {
      responseTopic: `${name}/answers`,
      correlationData: Buffer.from([0, 255, 1]),
      contentType: "text/plain",
      userProperties: { colour: "blue", size: ["1", "2"] },
      messageExpiryInterval: 600,
    };
    await requester.publish(`${name}/questions`, "?", { qos: 1, properties });
    const question = await responder.next();
    const { responseTopic, correlationData, contentType, userProperties } = question.properties;
    const answer = { properties: { correlationData }, qos: 1 };
    await responder.publish(responseTopic, "!", answer);
    const { body, properties: answered } = await requester.next();
    const correlation = [...answered.correlationData];
    await requester.end();
    await responder.end();
    return { body, correlation, contentType, userProperties };
  },

  // A user who may publish and subscribe below `open`. Version 4 of mqtt.js reports a refused filter as its QoS, version 5 as
  // an error with the SUBACK.
  async rights() {
    const username = "visitor";
    const wrong = await refusal({ username, password: "wrong" });
    const client = await connect({ username, password: name });
    const code = (request) => request.catch((error) => error.packet?.granted[0] ?? error.code);
    const subscribed = [];
    for (const filter of ["open/a", "shut/a"]) {
      const granted = await code(client.subscribe(filter, { qos: 1 }));
      subscribed.push(Array.isArray(granted) ? granted[0].qos : granted);
    }
    const published = [];
    for (const topic of ["shut/a", "open/a"]) {
      const sent = await code(client.publish(topic, topic, { qos: 1 }));
      published.push(typeof sent === "number" ? sent : 0);
    }
    const seen = await client.bodies(1);
    await client.end();
    return { wrong, subscribed, published, seen };
  },

  async aliases() {
    // The two packages read it from different places.
    const maximum = { topicAliasMaximum: 5, properties: { topicAliasMaximum: 5 } };
    const client = await connect({ ...maximum, autoUseTopicAlias: true });
    await client.subscribe(`${name}/a/long/name`, { qos: 1 });
    for (const body of ["1", "2", "3"]) {
      await client.publish(`${name}/a/long/name`, body, { qos: 1 });
    }
    const seen = [];
    while (seen.length < 3) {
      const { topic, body } = await client.next();
      seen.push([topic, body]);
    }
    await client.end();
    return seen;
  },
};

scenarios[scenario]()
  .then((report) => console.log(JSON.stringify(report)))
  .catch(fail);
