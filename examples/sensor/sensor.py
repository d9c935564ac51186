"""A sensor: publishes a temperature every second over MQTT, and says when it is gone.

    pip install paho-mqtt
    python3 sensor.py                          # localhost, port 1883, until Ctrl-C
    python3 sensor.py board.example 1883 10    # ten measurements
"""

import json
import random
import sys
import threading
import time

import paho.mqtt.client as mqtt

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883
count = int(sys.argv[3]) if len(sys.argv) > 3 else None

NAME = "kitchen"
STATUS = f"sensors/{NAME}/status"

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"sensor-{NAME}", protocol=mqtt.MQTTv5)
# The broker publishes the will if the connection breaks. It is retained: later subscribers see it, too.
client.will_set(STATUS, "offline", qos=1, retain=True)
answered = threading.Event()
refusal = "the server does not answer"


@client.connect_callback()
def connected(client, userdata, flags, reason, properties):
    global refusal
    refusal = str(reason) if reason.is_failure else None
    if refusal is None:
        client.publish(STATUS, "online", qos=1, retain=True)
    answered.set()


client.connect(host, port, keepalive=30)
client.loop_start()  # a thread that also connects again after a failure
answered.wait(timeout=10)
if refusal is not None:
    sys.exit(f"no connection: {refusal}")

sent = 0
while count is None or sent < count:
    value = round(20 + random.random() * 5, 1)
    message = json.dumps({"temp": value, "unit": "°C", "number": sent}, ensure_ascii=False)
    client.publish(f"sensors/{NAME}/temperature", message, qos=1).wait_for_publish(timeout=10)
    print(message, flush=True)
    sent += 1
    if sent != count:
        time.sleep(1)

client.publish(STATUS, "offline", qos=1, retain=True).wait_for_publish(timeout=10)
client.disconnect()
client.loop_stop()
