"""Pages, their place in README, and the commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from labkit.bench.kernels import KERNELS
from labkit.bench.machine import Machine
from labkit.bench.report import BEGIN, END, PAGES, page, put_into, section, write
from labkit.bench.scaling import WORKS as SCALING
from labkit.bench.works import WORKS
from labkit.cli.bench import bench
from labkit.errors import ConfigError, NotFoundError
from labkit.io import write_text

from .measured import OURS

README = Path(__file__).parents[2] / "README.md"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bench, arguments)


def tables(text: str) -> list[list[list[str]]]:
    """The cells of every table in Markdown, without the rules below their heads."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    lines = [[[cell.strip() for cell in line[1:-1].split("|")] for line in each.splitlines()] for each in found]
    for table in lines:
        assert {len(line) for line in table} == {len(table[0])}
        assert all(set(cell) == {"-"} for cell in table.pop(1))
    return lines


def test_a_page_and_its_figures_are_written(tmp_path: Path):
    text = page({"target": "avx2", "threads": "2"}, "| a |\n", "| b |\n")
    assert text == "Measured with target avx2, threads 2.\n\n| a |\n\nAll that was measured:\n\n| b |\n"
    write(tmp_path / "new", "works", text, [{"work": "vgg", "turns": 3}, {"work": "line", "turns": 4}])
    assert (tmp_path / "new" / "works.md").read_text() == text
    assert (tmp_path / "new" / "works.csv").read_text() == "work,turns\nvgg,3\nline,4\n"


def test_readme_gets_the_summaries_between_its_marks(tmp_path: Path):
    (tmp_path / "works.md").write_text(page({"target": "x"}, "| a |\n", "| b |\n"))
    (tmp_path / "scaling.md").write_text(page({"target": "x"}, "| c |\n"))
    text = section(tmp_path)
    assert text.startswith(
        "Measured with target x.\n\n| a |\n\n<details><summary>Batches and threads</summary>\n\nMeasured"
    )
    assert "| b |" not in text
    readme = tmp_path / "README.md"
    write_text(readme, f"one\n{BEGIN}old\n{END}two\n")
    for _ in range(2):
        result = run("readme", str(tmp_path), str(readme))
        assert result.exit_code == 0, result.output
        assert readme.read_text() == f"one\n{BEGIN}\n{text}\n{END}two\n"


def test_a_folder_without_pages_and_a_file_without_marks_are_refused(tmp_path: Path):
    with pytest.raises(NotFoundError, match="holds no results"):
        section(tmp_path)
    for text in ("", BEGIN, END + BEGIN, BEGIN + BEGIN + END):
        write_text(tmp_path / "README.md", text)
        with pytest.raises(ConfigError, match="has no place for the benchmark"):
            put_into(tmp_path / "README.md", "x")


def test_a_section_does_not_lose_rows_unasked(tmp_path: Path):
    readme = tmp_path / "README.md"
    old = "| work | labkit |\n| ---- | ------ |\n| one  | 1 ms   |\n| two  | 2 ms   |\n"
    write_text(readme, f"{BEGIN}{old}{END}")
    (tmp_path / "works.md").write_text(page({"target": "x"}, old.replace("two", "new")))
    before = readme.read_text()
    result = run("readme", str(tmp_path), str(readme))
    assert isinstance(result.exception, ConfigError)
    assert "would lose 1 row: two." in str(result.exception)
    assert readme.read_text() == before
    assert run("readme", str(tmp_path), str(readme), "--replace").exit_code == 0
    assert "| new" in readme.read_text()


def test_what_cannot_be_read_or_written_is_told_plainly(tmp_path: Path):
    (tmp_path / "works.md").write_text("| a |\n")
    (tmp_path / "binary").write_bytes(b"\x80\xff")
    result = run("readme", str(tmp_path), str(tmp_path / "binary"))
    assert isinstance(result.exception, ConfigError)
    assert "no text in UTF-8" in str(result.exception)
    for folder in (tmp_path / "works.md" / "x", Path("/proc/nowhere")):
        result = run("line", "--out", str(folder))
        assert isinstance(result.exception, ConfigError)
        assert "cannot take the results" in str(result.exception)
        assert "line ..." not in result.output  # nothing was measured


def test_a_kernel_target_that_is_not_there_is_told_alike(monkeypatch: pytest.MonkeyPatch):
    def refuse() -> str:
        raise ConfigError("LABKIT_TARGET names ...")

    monkeypatch.setattr("labkit.core.target.active_target", refuse)
    for arguments in (["softmax"], ["kernels", "add"], ["scaling", "dense"]):
        result = run(*arguments)
        assert isinstance(result.exception, ConfigError)
        assert str(result.exception).startswith("LABKIT_TARGET")
        assert result.output == ""


def test_the_names_are_listed():
    lines = run("list").stdout.splitlines()
    for name in (*WORKS, *SCALING, *KERNELS):
        assert any(line.split()[0] == name for line in lines)


def test_more_threads_than_cores_are_remarked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("labkit.bench.match.play", lambda *_: [OURS])
    monkeypatch.setattr("labkit.core.threads.usable_cores", lambda: 2)
    for threads, said in (("2", 0), ("3", 1)):
        assert run("line", "line", "--threads", threads).stderr.count(f"{threads} threads on 2 cores") == said


def test_works_that_were_disturbed_say_so(monkeypatch: pytest.MonkeyPatch):
    peaks = iter([100.0, 99.0, 80.0, 98.0])
    monkeypatch.setattr("labkit.bench.machine._flops", lambda threads: next(peaks))
    monkeypatch.setattr("labkit.bench.match.play", lambda *_: [OURS])
    result = run("line", "small", "softmax", "line")  # a name twice is measured once
    table, _ = tables(result.stdout)
    assert ["**disturbed**" in line[-1] for line in table[1:]] == [False, True, True]
    assert "measure that again" in result.stdout


def test_readmes_section_is_what_the_benchmark_prints():
    text = README.read_text()
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    found = tables(text.partition(BEGIN)[2].partition(END)[0])
    assert found, "make it: labkit bench readme FOLDER"
    shown = [line[0] for line in found[0][1:] if not line[0].startswith("peak memory")]
    assert shown == [work.title for work in WORKS.values() if not work.kernels or work.title in shown]
    assert len(found) <= len(PAGES)


def test_the_commands_print_a_page_and_write_it(tmp_path: Path):
    result = run("line", "--turns", "2", "--threads", "1", "--out", str(tmp_path / "a"))
    assert result.exit_code == 0, result.output
    summary, details = tables(result.stdout)
    assert summary[1][0] == WORKS["line"].title
    assert details[1][4] == "2"
    assert (tmp_path / "a" / "works.md").read_text() == result.stdout
    assert (tmp_path / "a" / "works.csv").read_text().startswith("work,side,variant,version,median_seconds")


def test_single_kernels_fail_a_check_when_they_are_below_their_goals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found: dict[str, Any] = {"peak": Machine(1e8, ((1, 1e8),))}  # any kernel is faster than such a machine
    monkeypatch.setattr("labkit.bench.machine.measure", lambda threads: found["peak"])
    arguments = ("kernels", "chain-of-5-2K", "--turns", "1", "--threads", "1", "--out", str(tmp_path))
    result = run(*arguments, "--check")
    assert result.exit_code == 0, result.output
    (table,) = tables(result.stdout)
    assert [line[0] for line in table[1:]] == ["chain-of-5-2K"]
    assert (tmp_path / "kernels.csv").read_text().count("False") == 1
    found["peak"] = Machine(1e18, ((1, 1e18),))
    assert run(*arguments, "--check").exit_code == 1
    assert run(*arguments).exit_code == 0


def test_scaling_prints_its_points(tmp_path: Path):
    arguments = ("--batch", "8", "--batch", "16", "--turns", "1", "--threads", "1", "--out", str(tmp_path))
    result = run("scaling", "dense-forward", *arguments)
    assert result.exit_code == 0, result.output
    (table,) = tables(result.stdout)
    assert [line[1:3] for line in table[1:]] == [["1", "8"], ["1", "16"]]
    assert "Spread of an example's cost from batch 8 on:\n- 784-128-10 forward" in result.stdout
    assert (tmp_path / "scaling.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vvg"], r"no work named 'vvg'. It has vgg, .* Did you mean vgg\?"),
        (["works", "kernel"], "no work named 'kernel'"),
        (["kernels", "conw-3x3-64-64-at-32-input"], r"Did you mean conv-3x3-64-64-at-32-input"),
        (["kernels", "conw-3x3"], r"Did you mean conv-3x3"),
        (["kernels", "zzzz"], r"`labkit bench list` names them"),
        (["kernels", "--against", "jax"], "compared with torch alone"),
        (["scaling", "line"], "no work for scaling named 'line'"),
        (["vgg", "--against", "theano"], "no peer named 'theano'. It has torch, tensorflow, jax"),
    ],
)
def test_names_that_are_not_there_are_refused(arguments: list[str], said: str):
    result = run(*arguments)
    assert isinstance(result.exception, ConfigError)
    assert re.search(said, str(result.exception)), result.exception
