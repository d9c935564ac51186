// mqtt.js with promises, in the package and the MQTT version that the test selects: scripts wait for the
// next expected event. A module, not a script.
const { default: mqtt } = await import(process.argv[2]);
const [url, level] = [process.argv[3], Number(process.argv[4])];

export const is5 = level === 5;

/// Returns a connected client; the options are additional options of mqtt.js.
export async function connect(options = {}) {
  const stream = open(options);
  const client = new Client(stream);
  client.connack = await client.once("connect");
  return client;
}

/// Returns the reason code of the CONNACK that refuses a client with these options.
export async function refusal(options) {
  const stream = open(options);
  const code = await new Promise((resolve) => {
    stream.once("error", (error) => resolve(error.code));
    stream.once("connect", () => resolve(0));
  });
  await settled((done) => stream.end(true, {}, done));
  return code;
}

function open(options) {
  return mqtt.connect(url, {
    protocolId: level === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: level,
    reconnectPeriod: 0,
    keepalive: 30,
    ...options,
  });
}

class Client {
  constructor(stream) {
    this.stream = stream;
    this.arrived = [];
    this.waiting = [];
    stream.on("message", (topic, payload, packet) => {
      const { qos, retain, properties } = packet;
      const message = { topic, body: payload.toString(), qos, retain, properties };
      const resolve = this.waiting.shift();
      resolve ? resolve(message) : this.arrived.push(message);
    });
    stream.on("error", (error) => fail(error));
  }

  once(event) {
    return new Promise((resolve) => this.stream.once(event, resolve));
  }

  subscribe(filter, options) {
    return settled((done) => this.stream.subscribe(filter, options, done));
  }

  unsubscribe(filter) {
    return settled((done) => this.stream.unsubscribe(filter, done));
  }

  publish(topic, body, options = {}) {
    return settled((done) => this.stream.publish(topic, body, options, done));
  }

  /// Returns the next message, and waits for it.
  next() {
    const message = this.arrived.shift();
    return message ? Promise.resolve(message) : new Promise((resolve) => this.waiting.push(resolve));
  }

  async bodies(count) {
    const bodies = [];
    while (bodies.length < count) {
      bodies.push((await this.next()).body);
    }
    return bodies;
  }

  end() {
    return settled((done) => this.stream.end(false, {}, done));
  }

  /// Breaks the connection without DISCONNECT.
  async cut() {
    const closed = this.once("close");
    this.stream.stream.destroy();
    await closed;
  }
}

function settled(act) {
  return new Promise((resolve, reject) => {
    act((error, value) => (error ? reject(error) : resolve(value)));
  });
}

export function fail(error) {
  console.error(error);
  process.exit(1);
}
