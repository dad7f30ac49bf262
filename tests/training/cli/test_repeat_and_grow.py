"""A run repeated and grown from its folder, by commands."""

import json
import shutil


def stats(path):
    """Return inode and time of every file of arms but locks, by path."""
    return {
        str(file.relative_to(path)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in path.glob("arms/*/*/*")
        if file.name != ".lock"
    }


def test_a_run_repeats_itself_from_its_folder_and_takes_arms_and_seeds(copied, tmp_path, command, files_of):
    handed_on = tmp_path / "handed_on"  # nothing beside it that could be taken over
    shutil.copytree(copied.path, handed_on)
    code, _, err = command(handed_on, "--out", tmp_path / "again", "--jobs", 1)
    assert code == 0, err
    again = tmp_path / "again" / "handed_on"
    assert files_of(again) == files_of(copied.path)  # checkpoints, metrics, masks, config hashes
    before = stats(again)
    more = ["--seeds", "0:2", "--set", "arms.more={method='random', max_steps=20}"]
    code, _, err = command(again, *more, "--jobs", 1)
    assert code == 0, err
    after = stats(again)
    assert before.items() <= after.items()
    added = {path.rpartition("/")[0] for path in after.keys() - before.keys()}
    arms = ("dense", "grokked_ticket", "random", "shuffled", "more")
    assert added == {*(f"arms/{arm}/seed_1" for arm in arms), "arms/more/seed_0"}
    config = json.loads((again / "config.json").read_text())
    assert config["seeds"] == [0, 1] and set(config["arms"]) == set(arms)
