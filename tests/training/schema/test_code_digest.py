import os
import textwrap

import pytest

from training.schema.code_digest import code_digest

FILES = {
    "interp/__init__.py": '"""Measures."""',
    "interp/norms.py": """
        import numpy as np

        def norm(x: float) -> float:
            return abs(x)
        """,
    "analyses/__init__.py": "",
    "analyses/sizes/__init__.py": "",
    "analyses/sizes/command.py": """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from interp.types import Number

        METHODS = {"lazy": "interp.lazy:method"}

        def main():
            from interp.norms import norm

            return norm(-1)
        """,
    "interp/lazy.py": "method = 1",
    "interp/types.py": "Number = float",
    "interp/other.py": "x = 1",
    "analyses/sizes/schema.py": "MEANING = 'Sizes.'",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    write.clock += 1
    os.utime(path, (write.clock, write.clock))


write.clock = 0


def digest(root):
    return code_digest(["analyses.sizes.command"], root=root, leave_out=".schema")


SAME = {
    "a comment": (
        "interp/norms.py",
        "import numpy as np\ndef norm(x: float) -> float:\n    return abs(x)  # size\n",
    ),
    "a docstring": (
        "interp/norms.py",
        'import numpy as np\ndef norm(x: float) -> float:\n    """Size."""\n    return abs(x)\n',
    ),
    "layout": (
        "interp/norms.py",
        "import numpy as np\n\n\ndef norm(\n    x: float,\n) -> float:\n    return (abs(x))\n",
    ),
    "a package's docstring": ("interp/__init__.py", '"""Other words."""'),
    "a module that is not imported": ("interp/other.py", "x = 2"),
    "a module imported for types only": ("interp/types.py", "Number = int"),
    "a schema": ("analyses/sizes/schema.py", "MEANING = 'Other.'"),
}
OTHER = {
    "the module": (
        "analyses/sizes/command.py",
        "def main():\n    from interp.norms import norm\n    return norm(-2)\n",
    ),
    "a module imported in a function": ("interp/norms.py", "def norm(x):\n    return abs(x) ** 2\n"),
    "a constant": (
        "interp/norms.py",
        "import numpy as np\ndef norm(x: float) -> float:\n    return abs(x) + 0\n",
    ),
    "a lazy entry of a registry": ("interp/lazy.py", "method = 2"),
    "a package's code": ("interp/__init__.py", "x = 1"),
}


@pytest.mark.parametrize("change", SAME)
def test_changes_outside_the_code_change_no_hash(tree, change):
    before = digest(tree)
    write(tree, *SAME[change])
    assert digest(tree) == before


@pytest.mark.parametrize("change", OTHER)
def test_changed_code_changes_the_hash(tree, change):
    before = digest(tree)
    write(tree, *OTHER[change])
    assert digest(tree) != before


def test_modules_that_are_cut_are_not_followed(tree):
    def shortened():
        return code_digest(["analyses.sizes.command"], root=tree, cut={"interp.norms"}, packages=False)

    before = shortened()
    assert before != digest(tree)
    write(tree, "interp/norms.py", "import interp.other\nnorm = 3")
    write(tree, "interp/__init__.py", "x = 1")
    assert shortened() == before
    write(tree, "interp/lazy.py", "method = 2")
    assert shortened() != before


def test_the_hash_does_not_depend_on_the_python_version(tree):
    # Written down once: a Python whose syntax trees differ in fields that say nothing must not change it.
    assert digest(tree) == "0ee4814bd71ec05f63477cd2923d23cc75e1e9820abe93c18723bd9441f9cd2a"


def test_an_unknown_module_is_an_error(tree):
    with pytest.raises(FileNotFoundError, match=r"analyses\.none"):
        code_digest(["analyses.none"], root=tree)
