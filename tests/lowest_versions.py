"""Print every requirement at the lowest version that pyproject.toml allows.

`make test-lowest` installs what this prints, then tests it. torch is left out: its old builds are gigabytes.
"""

import re
import sys
import tomllib
from pathlib import Path

EXTRA = "dev"
LEFT_OUT = {"torch"}
AT_LEAST = re.compile(r"(?P<name>[\w.-]+)(\[.*\])?>=(?P<version>[\w.]+)")


def lowest_versions(project):
    """Return `name==version` of every requirement with a lower bound, the highest where it has two."""
    requirements = project["dependencies"] + project["optional-dependencies"][EXTRA]
    bounds = [bound.group("name", "version") for bound in map(AT_LEAST.match, requirements) if bound]
    return [f"{name}=={version}" for name, version in dict(bounds).items() if name not in LEFT_OUT]


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    with (root / "pyproject.toml").open("rb") as file:
        sys.stdout.write("\n".join(lowest_versions(tomllib.load(file)["project"])) + "\n")
