"""Fail where the tests reach too little of the package; else say nothing.

Coverage's own limit mixes lines and branches into one figure, which hides branches.
"""

import json
import sys
from pathlib import Path

FLOOR = 98

totals = json.loads(Path("build/coverage/coverage.json").read_text())["totals"]
reached = {
    "lines": (totals["covered_lines"], totals["num_statements"]),
    "branches": (totals["covered_branches"], totals["num_branches"]),
}
short = [
    f"{part} of {whole} {kind} reached; the floor is {FLOOR} %"
    for kind, (part, whole) in reached.items()
    if 100 * part < FLOOR * whole
]
if short:
    sys.exit("\n".join(short))
