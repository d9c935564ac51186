"""Sends a request over MQTT 5 and prints the reply. See answer.py.

    python3 ask.py TEXT [HOST] [PORT]
"""

import queue
import sys
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

text = sys.argv[1] if len(sys.argv) > 1 else "how many words are these?"
host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
port = int(sys.argv[3]) if len(sys.argv) > 3 else 1883

DEADLINE_S = 5
replies = queue.Queue()
subscribed = queue.Queue()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.on_message = lambda client, userdata, message: replies.put(message)
client.on_subscribe = lambda *_: subscribed.put(True)
client.connect(host, port)
client.loop_start()

# Replies come to a topic of this client. It listens before it asks.
mine = f"replies/{uuid.uuid4()}"
client.subscribe(mine, qos=1)
subscribed.get(timeout=DEADLINE_S)

request = Properties(PacketTypes.PUBLISH)
request.ResponseTopic = mine
request.CorrelationData = uuid.uuid4().bytes
request.MessageExpiryInterval = DEADLINE_S  # the broker drops a request that nobody took in time
client.publish("$queue/words", text, qos=1, properties=request)

try:
    reply = replies.get(timeout=DEADLINE_S)
except queue.Empty:
    sys.exit(f"the request was not answered within {DEADLINE_S} s")
if reply.properties.CorrelationData != request.CorrelationData:
    sys.exit("the reply belongs to another request")
print(reply.payload.decode())
client.disconnect()
client.loop_stop()
