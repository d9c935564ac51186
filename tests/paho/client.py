"""paho with a queue of received messages, for which scripts wait. A module, not a script."""

import queue

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}

# Generous: it only determines how long a failing script takes.
DEADLINE_S = 15


class Door:
    """The address of the server and the version: over TLS, if there is a certificate to trust."""

    def __init__(self, version, transport, port, certificate=None):
        self.version = version
        self.transport = transport
        self.port = int(port)
        self.certificate = certificate

    @property
    def is_5(self):
        return self.version == "5"


class Refused(Exception):
    """The reason code of a CONNACK that refuses a client."""


class Client:
    """A connected client."""

    def __init__(self, door, name="", clean=True, will=None, login=None):
        self.door = door
        self.messages = queue.Queue()
        self.answers = queue.Queue()
        self.connacks = queue.Queue()
        self.ends = queue.Queue()
        self.published = queue.Queue()
        options = {} if door.is_5 else {"clean_session": clean}
        self.paho = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=VERSIONS[door.version],
            transport=door.transport,
            reconnect_on_failure=False,
            **options,
        )
        if door.transport == "websockets":
            self.paho.ws_set_options(path="/mqtt")
        if door.certificate:
            self.paho.tls_set(door.certificate)
        if login:
            self.paho.username_pw_set(*login)
        if will:
            self.paho.will_set(*will)
        self.paho.on_connect = lambda _c, _u, flags, code, _p: self.connacks.put((flags, code))
        self.paho.on_disconnect = lambda _c, _u, _f, code, _p: self.ends.put(code)
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_subscribe = lambda _c, _u, mid, codes, _p: self.answers.put((mid, codes))
        self.paho.on_publish = lambda _c, _u, mid, code, _p: self.published.put((mid, code))
        self.connect(clean)

    def connect(self, clean):
        options = {}
        if self.door.is_5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 600
            options = {"clean_start": clean, "properties": properties}
        self.paho.connect("127.0.0.1", self.door.port, keepalive=30, **options)
        self.paho.loop_start()
        flags, code = self.connacks.get(timeout=DEADLINE_S)
        if code.is_failure:
            self.paho.loop_stop()
            raise Refused(code.value)
        self.is_present = flags.session_present

    def subscribe(self, topic, qos=0):
        code = self.reason_of_subscription(topic, qos)
        assert code == qos, code

    def reason_of_subscription(self, topic, qos):
        _, mid = self.paho.subscribe(topic, qos)
        answer, codes = self.answers.get(timeout=DEADLINE_S)
        assert answer == mid
        return codes[0].value

    def reason_of_publication(self, topic, body, qos=1):
        """For a client that publishes in no other way."""
        info = self.paho.publish(topic, body, qos)
        answer, code = self.published.get(timeout=DEADLINE_S)
        assert answer == info.mid
        return code.value

    def publish(self, topic, body, qos=0, retain=False, properties=None):
        info = self.paho.publish(topic, body, qos, retain, properties)
        info.wait_for_publish(timeout=DEADLINE_S)
        assert info.is_published()

    def message(self):
        return self.messages.get(timeout=DEADLINE_S)

    def bodies(self, count):
        return [self.message().payload.decode() for _ in range(count)]

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()

    def cut(self):
        """Breaks the connection without DISCONNECT."""
        self.paho.loop_stop()
        self.paho._sock_close()
