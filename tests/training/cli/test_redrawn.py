"""Tables that are printed again and again on a terminal."""

import pytest

from training.cli.redrawn import CLEAR, print_until_finished


@pytest.fixture
def look():
    """Return a look at something that is finished at the third look, and the list of its looks."""
    looks = []

    def look():
        looks.append(len(looks) + 1)
        return f"look {len(looks)}", len(looks) == 3

    look.looks = looks
    return look


def test_on_a_terminal_it_is_drawn_again_until_it_is_finished(look, capsys):
    print_until_finished(look, every=0.0, repeat=True)
    assert capsys.readouterr().out == f"{CLEAR}look 1\n{CLEAR}look 2\nlook 3\n"


def test_elsewhere_it_is_printed_once(look, capsys):
    print_until_finished(look, every=3600.0, repeat=False)
    assert capsys.readouterr().out == "look 1\n"
