"""stomp.py with a queue of received frames, for which scripts wait. A module, not a script."""

import queue

import stomp

CONNECTIONS = {
    "1.0": stomp.StompConnection10,
    "1.1": stomp.StompConnection11,
    "1.2": stomp.StompConnection12,
}

# Generous: it only determines how long a failing script takes.
DEADLINE_S = 15


class Client(stomp.ConnectionListener):
    """A connection with one version."""

    def __init__(self, version, port, ca=None, **headers):
        self.version = version
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.requests = 0
        self.connection = CONNECTIONS[version]([("127.0.0.1", port)])
        if ca:
            self.connection.set_ssl([("127.0.0.1", port)], ca_certs=ca)
        self.connection.set_listener("mailbox", self)
        self.connection.connect(wait=True, headers=headers)

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        # Ends the current wait, whatever it is for.
        self.messages.put(frame)
        self.receipts.put(f"{frame.headers['message']}: {frame.body}")

    def request(self, method, *arguments, **options):
        """Calls a method of the connection, and waits for its receipt."""
        self.requests += 1
        receipt = f"r-{self.requests}"
        getattr(self.connection, method)(*arguments, receipt=receipt, **options)
        answer = self.receipts.get(timeout=DEADLINE_S)
        assert answer == receipt, answer

    def send(self, destination, *bodies, **headers):
        for body in bodies:
            self.request("send", destination, body, **headers)

    def subscribe(self, destination, ack="auto", headers=None):
        self.request("subscribe", destination, "s", ack, headers=headers or {})

    def message(self):
        frame = self.messages.get(timeout=DEADLINE_S)
        assert frame.cmd == "MESSAGE", f"{frame.headers}: {frame.body}"
        return frame

    def bodies(self, count):
        return [self.message().body for _ in range(count)]

    def settle(self, method, message, **options):
        """Sends `ack` or `nack`; each version identifies the message differently."""
        headers = message.headers
        names = {
            "1.0": ["message-id"],
            "1.1": ["message-id", "subscription"],
            "1.2": ["ack"],
        }
        arguments = [headers[name] for name in names[self.version]]
        self.request(method, *arguments, **options)

    def leave(self):
        self.connection.disconnect(receipt="bye")
        assert self.receipts.get(timeout=DEADLINE_S) == "bye"


def seen(message):
    """The reported data of a delivery."""
    headers = message.headers
    return [message.body, headers.get("redelivered"), headers.get("JMSXDeliveryCount")]
