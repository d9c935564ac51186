"""paho with Carillon: runs a scenario and prints the results as JSON. Arguments: the scenario, the
version, `tcp` or `websockets`, the port, the first level of its topics or the token of its user, and
for TLS the certificate."""

import json
import sys

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from client import DEADLINE_S, Client, Door, Refused


def publish(door, name):
    client = Client(door, f"{name}-1")
    client.subscribe(f"{name}/#", 2)
    seen = []
    for qos in range(3):
        client.publish(f"{name}/{qos}", f"鐘 {qos}", qos)
        message = client.message()
        seen.append([message.topic, message.payload.decode(), message.qos, message.retain])
    client.leave()
    return seen


def retained(door, name):
    client = Client(door, f"{name}-1")
    client.publish(name, "kept", 1, retain=True)
    client.subscribe(name, 1)
    message = client.message()
    client.publish(name, "", 1, retain=True)
    seen = [message.payload.decode(), message.retain, client.bodies(1)]
    client.leave()
    late = Client(door, f"{name}-2")
    late.subscribe(name, 1)
    late.publish(name, "live", 1)
    seen.append(late.bodies(1))
    late.leave()
    return seen


def will(door, name):
    watcher = Client(door, f"{name}-1")
    watcher.subscribe(name, 1)
    polite = Client(door, f"{name}-2", will=(name, "left", 1))
    polite.leave()
    mortal = Client(door, f"{name}-3", will=(name, "gone", 1))
    mortal.cut()
    seen = watcher.bodies(1)
    watcher.leave()
    return seen


def session(door, name):
    sleeper = Client(door, f"{name}-1", clean=False)
    sleeper.subscribe(name, 2)
    sleeper.leave()
    producer = Client(door, f"{name}-2")
    for index in range(3):
        producer.publish(name, str(index), 2)
    producer.leave()
    back = Client(door, f"{name}-1", clean=False)
    seen = [back.is_present, back.bodies(3)]
    back.leave()
    return seen


def takeover(door, name):
    first = Client(door, f"{name}-1", clean=False)
    first.subscribe(name, 1)
    second = Client(door, f"{name}-1", clean=False)
    code = first.ends.get(timeout=DEADLINE_S).value
    second.publish(name, "to the second", 1)
    seen = [code, second.bodies(1)]
    second.leave()
    return seen


def request(door, name):
    requester = Client(door, f"{name}-1")
    responder = Client(door, f"{name}-2")
    requester.subscribe(f"{name}/answers", 1)
    responder.subscribe(f"{name}/questions", 1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = f"{name}/answers"
    properties.CorrelationData = b"\x00\xff\x01"
    properties.ContentType = "text/plain"
    properties.UserProperty = [("colour", "blue"), ("size", "1"), ("size", "2")]
    requester.publish(f"{name}/questions", "?", 1, properties=properties)
    question = responder.message().properties
    answer = Properties(PacketTypes.PUBLISH)
    answer.CorrelationData = question.CorrelationData
    responder.publish(question.ResponseTopic, "!", 1, properties=answer)
    answer = requester.message()
    requester.leave()
    responder.leave()
    return {
        "body": answer.payload.decode(),
        "correlation": list(answer.properties.CorrelationData),
        "contentType": question.ContentType,
        "userProperties": question.UserProperty,
    }


def schedule(door, name):
    """A message with a delay comes after one that was published later."""
    client = Client(door, name)
    client.subscribe(name, 1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("AMQ_SCHEDULED_DELAY", "150"), ("colour", "blue")]
    client.publish(name, "late", 1, properties=properties)
    client.publish(name, "now", 1)
    bodies = client.bodies(1)
    late = client.message()
    client.leave()
    names = [name for name, _ in late.properties.UserProperty]
    return [*bodies, late.payload.decode(), names]


def rights(door, token):
    """Uses the rights of a user who may publish and subscribe below `open`."""
    try:
        Client(door, "wrong", login=("visitor", "wrong"))
        wrong = None
    except Refused as refused:
        wrong = refused.args[0]
    client = Client(door, "right", login=("visitor", token))
    subscribed = [client.reason_of_subscription(topic, 1) for topic in ["open/a", "shut/a"]]
    published = [client.reason_of_publication(topic, topic) for topic in ["shut/a", "open/a"]]
    seen = client.bodies(1)
    client.leave()
    return {"wrong": wrong, "subscribed": subscribed, "published": published, "seen": seen}


SCENARIOS = [publish, retained, will, session, takeover, request, schedule, rights]

if __name__ == "__main__":
    scenario, version, transport, port, name, *certificate = sys.argv[1:]
    play = {play.__name__: play for play in SCENARIOS}[scenario]
    print(json.dumps(play(Door(version, transport, port, *certificate), name)))
