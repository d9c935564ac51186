"""Records docs/src/images/live.gif: the rectangle and the chart in a browser, moved by three clients.

Needs a running server with its pages, chromium and chromedriver, mosquitto_pub, and Pillow:

    python3 docs/recording/record.py HTTP-ADDRESS MQTT-PORT CARILLON-BINARY
"""

import base64
import io
import json
import os
import subprocess
import sys
import time
import urllib.request

from PIL import Image, ImageDraw, ImageFont

SERVER, MQTT_PORT, CARILLON = sys.argv[1:4]
TARGET = os.path.join(os.path.dirname(__file__), "../src/images/live.gif")
WINDOW = (460, 640)  # of each page, in pixels; the top of it is shown
SHOWN = (460, 590)
TERMINAL_HEIGHT = 112
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"


def message(data):
    return json.dumps({"producerId": "me", "data": data, "date": "2026-12-01T09:00:00Z"})


def curl(topic, data):
    address = f"{SERVER}/api/topics/{topic}"
    return ["curl", "-s", "-d", message(data), address], f"curl -d '{{…\"data\":{data}…}}' http://127.0.0.1:8080/api/topics/{topic}"


def mosquitto(topic, data):
    command = ["mosquitto_pub", "-p", MQTT_PORT, "-t", topic, "-m", message(data)]
    return command, f"mosquitto_pub -t {topic} -m '{{…\"data\":{data}…}}'"


def carillon(topic, data):
    command = [CARILLON, "pub", "--quiet", "--server", SERVER, topic, message(data)]
    return command, f"carillon pub {topic} '{{…\"data\":{data}…}}'"


START = [curl("rect", 0), curl("chart", [2, 4, 3, 6, 5, 7, 8])]
STEPS = [
    curl("rect", 90),
    mosquitto("rect", 45),
    carillon("chart", [3, 8, 4, 1, 5, 9, 2]),
    mosquitto("rect", 160),
    carillon("chart", [6, 2, 7, 9, 3, 4, 8]),
    curl("rect", 0),
]


class Browser:
    """A session of chromedriver with one window."""

    def __init__(self, driver, path):
        self.url = driver + "/session"
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={WINDOW[0]},{WINDOW[1]}", "--hide-scrollbars"]
        options = {"goog:chromeOptions": {"args": arguments}}
        answer = self.ask("", {"capabilities": {"alwaysMatch": options}})
        self.url += "/" + answer["sessionId"]
        device = {"width": WINDOW[0], "height": WINDOW[1], "deviceScaleFactor": 1, "mobile": False}
        self.ask("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": device})
        self.ask("/url", {"url": SERVER + path})

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def wait_until_live(self):
        while "Live" not in self.ask("/execute/sync", {"script": "return document.body.innerText", "args": []}):
            time.sleep(0.1)

    def picture(self):
        image = Image.open(io.BytesIO(base64.b64decode(self.ask("/screenshot"))))
        return image.convert("RGB").crop((0, 0, *SHOWN))

    def close(self):
        urllib.request.urlopen(urllib.request.Request(self.url, method="DELETE"), timeout=60)


def frame(pages, lines):
    width, height = 2 * SHOWN[0] + 12, SHOWN[1] + TERMINAL_HEIGHT + 12
    image = Image.new("RGB", (width, height), "#c9c6bd")
    for index, page in enumerate(pages):
        image.paste(page, (index * (SHOWN[0] + 12), 0))
    draw = ImageDraw.Draw(image)
    top = SHOWN[1] + 12
    draw.rectangle((0, top, width, height), fill="#1d2423")
    font = ImageFont.truetype(FONT, 15)
    for index, line in enumerate(lines[-4:]):
        draw.text((14, top + 10 + index * 24), "$ " + line, font=font, fill="#d8e3df")
    return image


def record(driver):
    for command, _ in START:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    browsers = [Browser(driver, "/rect"), Browser(driver, "/chart")]
    for browser in browsers:
        browser.wait_until_live()
    frames, lines = [], []
    for command, text in STEPS:
        pages = [browser.picture() for browser in browsers]
        for part in (len(text) // 2, len(text)):
            frames.append((frame(pages, lines + [text[:part]]), 350))
        lines.append(text)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # The page turns the rectangle for a moment: some pictures of it, then the result.
        for _ in range(3):
            frames.append((frame([browser.picture() for browser in browsers], lines), 120))
        time.sleep(0.8)
        frames.append((frame([browser.picture() for browser in browsers], lines), 1100))
    for browser in browsers:
        browser.close()
    return frames


def main():
    driver = subprocess.Popen(["chromedriver", "--port=19515"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(2)
        frames = record("http://127.0.0.1:19515")
    finally:
        driver.terminate()
    # One palette for all pictures: only what moves differs from one to the next.
    palette = frames[-1][0].quantize(64, dither=Image.Dither.NONE)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in frames]
    durations = [duration for _, duration in frames]
    images[0].save(TARGET, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=False)
    subprocess.run(["gifsicle", "-O3", "--batch", TARGET], check=True)
    print(TARGET, os.path.getsize(TARGET), "bytes,", len(images), "pictures")


main()
