"""Print the oldest supported version of every run-time dependency, as pins.

`numpy>=2.1` in pyproject.toml becomes `numpy==2.1.*`: the last fix of the floor.
"""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
for requirement in project["dependencies"]:
    name, floor = requirement.split(">=")
    print(f"{name}=={floor}.*")
