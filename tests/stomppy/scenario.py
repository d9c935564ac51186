"""stomp.py with Carillon, over TCP or TLS. Prints the results as JSON.

Arguments: the scenario, the version, the port, a name for the queue or topic or the token of the user,
and with TLS the file of the certificate to trust.
"""

import json
import sys

from client import Client, seen
from stomp.exception import ConnectFailedException


def publish(connect, name):
    """Subscribes to a topic and publishes: texts, escapes, and a body with STOMP's control characters."""
    client = connect()
    client.subscribe(f"/topic/{name}")
    bodies = ["plain", "line\nend", "Umlaut ä, 鐘", '{"data":90}']
    # 1.0 has no escapes, so a header is one line.
    note = "a:b" if client.version == "1.0" else "a:b\nc\\d"
    client.send(f"/topic/{name}", *bodies, headers={"x-note": note})
    messages = [client.message() for _ in bodies]
    client.leave()
    return {
        "bodies": [message.body for message in messages] == bodies,
        "note": messages[0].headers["x-note"] == note,
        "destination": messages[0].headers["destination"],
    }


def acknowledge(connect, name):
    """Acknowledges the second of three messages, and disconnects."""
    client = connect()
    client.subscribe(f"/queue/{name}", "client-individual")
    client.send(f"/queue/{name}", "1", "2", "3")
    messages = [client.message() for _ in range(3)]
    client.settle("ack", messages[1])
    client.leave()
    return [seen(message) for message in messages]


def reject(connect, name):
    """Rejects a message, and acknowledges it when it is redelivered."""
    client = connect()
    client.subscribe(f"/queue/{name}", "client-individual")
    client.send(f"/queue/{name}", "1")
    first = client.message()
    client.settle("nack", first)
    again = client.message()
    client.settle("ack", again)
    client.leave()
    return [seen(first), seen(again)]


def dismiss(connect, name):
    """Rejects a message without redelivery. Python writes the boolean as `False`."""
    client = connect()
    client.subscribe(f"/queue/{name}", "client-individual", {"activemq.exclusive": True})
    client.send(f"/queue/{name}", "1")
    message = client.message()
    client.settle("nack", message, requeue=False)
    client.leave()
    return [seen(message)]


def transaction(connect, name):
    """Sends and acknowledges in two transactions, of which one is aborted and one is committed."""
    client = connect()
    client.subscribe(f"/queue/{name}", "client-individual")
    client.send(f"/queue/{name}", "1")
    message = client.message()
    for end in ["abort", "commit"]:
        client.request("begin", end)
        client.send(f"/queue/{name}", end, transaction=end)
        client.settle("ack", message, transaction=end)
        client.request(end, end)
    committed = client.message()
    client.settle("ack", committed)
    client.leave()
    return [seen(message), seen(committed)]


def durable(connect, name):
    """A durable subscription gets messages published without a connection, until it is deleted."""
    topic = f"/topic/{name}"
    subscription = {"activemq.subscriptionName": "audit"}

    def subscribed():
        client = connect(**{"client-id": f"client of {name}"})
        client.subscribe(topic, headers=subscription)
        return client

    producer = connect()
    subscribed().leave()
    producer.send(topic, "1", "2")
    back = subscribed()
    bodies = back.bodies(2)
    back.request("unsubscribe", id="s", headers=subscription)
    back.leave()
    producer.send(topic, "unheard")
    anew = subscribed()
    producer.send(topic, "3")
    bodies += anew.bodies(1)
    anew.leave()
    producer.leave()
    return bodies


def browse(connect, name):
    """Browses a queue up to the end mark, without consuming messages."""
    client = connect()
    client.send(f"/queue/{name}", "1", "2")
    client.subscribe(f"/queue/{name}", headers={"browser": True})
    bodies = []
    message = client.message()
    while message.headers.get("browser") != "end":
        bodies.append(message.body)
        message = client.message()
    client.request("unsubscribe", id="s")
    client.leave()
    return bodies


def schedule(connect, name):
    """Sends messages that wait for their time."""
    client = connect()
    client.subscribe(f"/queue/{name}")
    client.send(f"/queue/{name}", "late", headers={"AMQ_SCHEDULED_DELAY": 100})
    client.send(f"/queue/{name}", "later", headers={"x-delay": 200})
    client.send(f"/queue/{name}", "now")
    messages = [client.message() for _ in range(3)]
    client.leave()
    return [[message.body, "scheduledJobId" in message.headers] for message in messages]


def rights(connect, token):
    """Uses the rights of a user who may publish and subscribe below `open`."""

    def error(act):
        """Returns the title of the ERROR, which ends the connection; `None` if the request is accepted."""
        client = connect(login="visitor", passcode=token)
        try:
            act(client)
        except AssertionError as refusal:
            return str(refusal).split(":")[0]
        client.leave()
        return None

    try:
        connect(login="visitor", passcode="wrong")
        is_refused = False
    except ConnectFailedException:
        is_refused = True
    topics = ["/topic/open.a", "/topic/shut.a"]
    return {
        "wrong": is_refused,
        "subscribed": [error(lambda client: client.subscribe(topic)) for topic in topics],
        "published": [error(lambda client: client.send(topic, "1")) for topic in topics],
    }


SCENARIOS = [publish, acknowledge, reject, dismiss, transaction, durable, browse, schedule, rights]


def main():
    scenario, version, port, name, *ca = sys.argv[1:]
    run = {function.__name__: function for function in SCENARIOS}[scenario]

    def connect(**headers):
        return Client(version, int(port), *ca, **headers)

    print(json.dumps(run(connect, name)))


main()
