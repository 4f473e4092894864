"""Reads OpenMetrics from the standard input and says as JSON what is in it."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = [
    {
        "name": family.name,
        "type": family.type,
        "unit": family.unit,
        "help": family.documentation,
        "samples": [[it.name, it.labels, it.value] for it in family.samples],
    }
    for family in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8"))
]
json.dump(families, sys.stdout)
