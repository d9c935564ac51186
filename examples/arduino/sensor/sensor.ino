// A sensor on an ESP32 or ESP8266: publishes a temperature every ten seconds over MQTT, and obeys a command.
//
// NOT COMPILED for a chip by the developers of Carillon: no toolchain for ESP32 could be installed. It was compiled for a PC
// with declarations in place of the libraries. Written for the library PubSubClient 2.8 by Nick O'Leary (Arduino IDE: Tools,
// Manage Libraries, "PubSubClient").
//
// The server must listen on the network, not only on its own machine:
//   carillon --listen 0.0.0.0:8080 --mqtt 0.0.0.0:1883 --users users.toml

#if defined(ESP8266)
#include <ESP8266WiFi.h>
#else
#include <WiFi.h>
#endif
#include <PubSubClient.h>

#ifndef LED_BUILTIN
#define LED_BUILTIN 2  // "ESP32 Dev Module" has no name for its light
#endif

const char *WIFI_NAME = "network";
const char *WIFI_PASSWORD = "password";
const char *BROKER = "192.0.2.10";
const uint16_t PORT = 1883;
const char *USER = "sensor-7";      // of users.toml; the client id belongs to this user
const char *PASSWORD = "password";  // or a token of `carillon token add`

const char *TEMPERATURE = "sensors/garden/temperature";
const char *STATUS = "sensors/garden/status";
const char *COMMANDS = "sensors/garden/commands";
const unsigned long PERIOD_MS = 10000;
const unsigned long RETRY_MS = 5000;

WiFiClient network;
PubSubClient client(network);
unsigned long lastMeasurement = 0;
unsigned long lastAttempt = 0;

void receive(char *topic, byte *payload, unsigned int length) {
  if (length > 0 && payload[0] == '1') {
    digitalWrite(LED_BUILTIN, HIGH);
  } else {
    digitalWrite(LED_BUILTIN, LOW);
  }
}

// Connects with a will: the broker publishes "offline" if the device is lost.
bool connect() {
  if (!client.connect(USER, USER, PASSWORD, STATUS, 1, true, "offline")) {
    Serial.printf("MQTT: refused or not reached, state %d\n", client.state());
    return false;
  }
  client.publish(STATUS, "online", true);
  client.subscribe(COMMANDS, 1);
  return true;
}

float readTemperature() {
  return 20.0 + random(0, 50) / 10.0;  // replace by your sensor
}

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) {
    delay(500);
  }
  client.setServer(BROKER, PORT);
  client.setCallback(receive);
}

void loop() {
  unsigned long now = millis();
  if (!client.connected()) {
    if (lastAttempt == 0 || now - lastAttempt >= RETRY_MS) {
      lastAttempt = now;
      connect();
    }
    return;
  }
  client.loop();  // keeps the connection alive and calls `receive`
  if (now - lastMeasurement >= PERIOD_MS) {
    lastMeasurement = now;
    char message[48];
    snprintf(message, sizeof message, "{\"temp\": %.1f, \"unit\": \"C\"}", readTemperature());
    client.publish(TEMPERATURE, message);
  }
}
