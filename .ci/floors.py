"""Print the oldest supported version of every library that users combine, as pins.

`numpy>=2.1` in pyproject.toml becomes `numpy==2.1.*`: the last fix of the floor. Data
frames count, because scikit-learn reads their columns; tools of the tests do not.
"""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
frames = [
    requirement
    for requirement in project["optional-dependencies"]["test"]
    if requirement.startswith(("pandas", "polars"))
]
for requirement in [*project["dependencies"], *frames]:
    name, floor = requirement.split(">=")
    print(f"{name}=={floor if floor.count('.') > 1 else floor + '.*'}")
