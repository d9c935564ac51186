// mqtt.js, of the package and in the version of MQTT that the test asks for, as promises: scripts wait for
// what they expect next. Not a script itself.
const { default: mqtt } = await import(process.argv[2]);
const [url, level] = [process.argv[3], Number(process.argv[4])];

export const is5 = level === 5;

/// A connected client; the options are those of mqtt.js, in addition.
export async function connect(options = {}) {
  const stream = mqtt.connect(url, {
    protocolId: level === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: level,
    reconnectPeriod: 0,
    keepalive: 30,
    ...options,
  });
  const client = new Client(stream);
  client.connack = await client.once("connect");
  return client;
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

  /// The next message, whenever it comes.
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

  /// As when the line is cut.
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
