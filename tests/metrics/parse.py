"""Reads the metrics of a server with the reference parsers, and prints the families of each format as JSON."""

import json
import sys
import urllib.request

from prometheus_client import openmetrics, parser
import prometheus_client.openmetrics.parser


def read(url, accept):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request) as response:
        return response.headers["Content-Type"], response.read().decode()


def families(parse, text):
    return {
        family.name: {
            "type": family.type,
            "unit": family.unit,
            "help": family.documentation,
            "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
        }
        for family in parse(text)
    }


url = sys.argv[1]
formats = {
    "openmetrics": ("application/openmetrics-text; version=1.0.0", openmetrics.parser.text_string_to_metric_families),
    "prometheus": ("text/plain", parser.text_string_to_metric_families),
}
report = {}
for name, (accept, parse) in formats.items():
    content_type, text = read(url, accept)
    report[name] = {"contentType": content_type, "families": families(parse, text)}
json.dump(report, sys.stdout)
