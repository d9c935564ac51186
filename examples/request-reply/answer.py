"""Answers requests over MQTT 5: the replier of request and reply. Several of them share the requests.

    pip install paho-mqtt
    python3 answer.py                # 127.0.0.1, port 1883
    python3 ask.py "how many words are these?"
    carillon request /queue/words "how many words are these?"    # the same over STOMP
"""

import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)


@client.connect_callback()
def connected(client, userdata, flags, reason, properties):
    if reason.is_failure:
        sys.exit(f"the connection was refused: {reason}")
    # A queue: each request goes to one replier, and waits if there is none.
    client.subscribe("$queue/words", qos=1)
    print("answering requests", flush=True)


@client.topic_callback("$queue/words")
def received(client, userdata, message):
    destination = getattr(message.properties, "ResponseTopic", None)
    if destination is None:
        return  # not a request
    answer = Properties(PacketTypes.PUBLISH)
    correlation = getattr(message.properties, "CorrelationData", None)
    if correlation is not None:
        answer.CorrelationData = correlation
    words = len(message.payload.decode().split())
    client.publish(destination, str(words), qos=1, properties=answer)


client.connect(host, port)
client.loop_forever()
