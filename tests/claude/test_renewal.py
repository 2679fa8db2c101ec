"""Another binary in the place of the CLI's: noticed, tried out, and rolled in only when it works."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
import trio.testing

from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.instance import Timeouts
from ccproxy_trio.claude.launcher import Launcher, Trial
from ccproxy_trio.claude.renewal import Plan, Renewal, open_renewal
from ccproxy_trio.claude.source import Source, Wanted, look_at
from tests.claude.instances import ENVIRON, cli_that_says

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock


class Trials(Launcher):
    """A launcher that starts nothing: what a trial finds is the word in the file; `broken` does not work."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.times: list[float] = []

    async def try_out(self, source: Source, within: float) -> Trial:
        self.times.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        word = source.cli.path.read_text()
        if word == "broken":
            raise CliUnusable("it does not work", source.cli.path)
        return Trial(word, rewinds=True)


@attrs.frozen
class Subject:
    """A renewal over a file."""

    file: Path
    wanted: Wanted
    launcher: Trials
    renewal: Renewal
    replaced: list[float]
    """When all instances were to be replaced, one by one."""
    at_once: list[float]

    @classmethod
    def over(cls, folder: Path, interval: float = 60.0) -> Subject:
        file = install(folder, "1.0.0")
        wanted = Wanted(str(file), "auto", False, "sonnet", Timeouts(), ENVIRON)
        launcher = Trials(wanted.find())
        replaced: list[float] = []
        plan = Plan(wanted, interval, 30.0)
        at_once: list[float] = []

        def replace_all(*, one_by_one: bool) -> None:
            (replaced if one_by_one else at_once).append(trio.current_time())

        return cls(file, wanted, launcher, Renewal(launcher, plan, replace_all), replaced, at_once)


def install(folder: Path, word: str) -> Path:
    """Put another file in the place of the binary, as installers do."""
    fresh = folder / "claude.new"
    fresh.write_text(word)
    fresh.chmod(0o755)
    return fresh.replace(folder / "claude")


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return Subject.over(tmp_path)


async def test_a_new_binary_is_noticed_at_the_next_look_and_tried_before_it_is_adopted(
    subject: Subject, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(subject.renewal.run)
    await trio.sleep(90)
    assert subject.launcher.times == []
    install(subject.file.parent, "2.0.0")
    await trio.sleep(1000)
    assert (subject.launcher.times, subject.replaced) == ([120], [120])
    assert (subject.launcher.source.cli.version, subject.launcher.version) == ("2.0.0", "2.0.0")
    assert subject.launcher.source.is_on_disk()


async def test_another_file_with_the_same_version_is_told_of(
    subject: Subject,
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    nursery.start_soon(subject.renewal.run)
    for _ in range(2):
        install(subject.file.parent, "1.0.0")
        await trio.sleep(65)
    assert subject.replaced == [60, 120]
    assert [each.message for each in caplog.records] == [
        f"instances are started from {subject.file} 1.0.0 now"
    ] * 2


async def test_one_that_does_not_work_is_told_once_and_tried_again_at_each_look(
    subject: Subject, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    nursery.start_soon(subject.renewal.run)
    install(subject.file.parent, "broken")
    before = subject.launcher.source
    await trio.sleep(185)
    assert (subject.launcher.times, subject.replaced) == ([60, 120, 180], [])
    assert subject.launcher.source is before
    assert [record.message for record in caplog.records] == [
        "the claude CLI has changed, and instances stay what they are: it does not work"
    ]
    subject.file.write_text("2.0.0")
    await trio.sleep(60)
    assert (subject.launcher.version, subject.replaced) == ("2.0.0", [240])


async def test_a_start_that_finds_it_causes_a_look_at_once_but_one_only_when_it_does_not_work(
    subject: Subject, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(subject.renewal.run)
    install(subject.file.parent, "broken")
    for _ in range(3):
        await trio.sleep(5)
        subject.launcher.noticed.set()
    await trio.sleep(5)
    assert subject.launcher.times == [5]
    install(subject.file.parent, "2.0.0")
    subject.launcher.noticed.set()
    await trio.sleep(1)
    assert (subject.launcher.times, subject.replaced) == ([5, 20], [20])


async def test_another_version_in_the_same_file_counts_when_a_start_has_told(
    subject: Subject, autojump_clock: MockClock, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery.start_soon(subject.renewal.run)

    async def try_out(source: Source, within: float) -> Trial:
        await trio.lowlevel.checkpoint()
        return Trial("3.0.0", rewinds=False)

    monkeypatch.setattr(subject.launcher, "try_out", try_out)
    await trio.sleep(70)
    assert subject.replaced == []
    for _ in range(2):
        subject.launcher.noticed.set()
        await trio.sleep(5)
    assert (subject.replaced, subject.launcher.trial) == ([70], Trial("3.0.0", rewinds=False))


async def test_one_that_changes_while_it_is_tried_is_looked_at_again_soon(
    subject: Subject,
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    nursery.start_soon(subject.renewal.run)
    times: list[float] = []

    async def try_out(source: Source, within: float) -> Trial:
        times.append(trio.current_time())
        await trio.sleep(0.5)
        if len(times) < 4:
            install(subject.file.parent, f"more and more: {len(times)}")
            raise CliUnusable("it is being replaced", source.cli.path)
        return Trial("2.0.0", rewinds=True)

    monkeypatch.setattr(subject.launcher, "try_out", try_out)
    install(subject.file.parent, "more")
    await trio.sleep(1000)
    assert times == [60, 62.5, 65, 67.5]
    assert subject.replaced == [68]
    assert [record.levelno for record in caplog.records if record.levelno > logging.INFO] == []


async def test_one_that_comes_back_needs_no_trial(
    subject: Subject, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(subject.renewal.run)
    aside = subject.file.rename(subject.file.with_name("aside"))
    await trio.sleep(100)
    aside.rename(subject.file)
    await trio.sleep(100)
    assert (subject.launcher.times, subject.replaced) == ([], [])


async def test_a_plan_that_wants_the_same_changes_the_interval_only(
    subject: Subject, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(subject.renewal.run)
    await trio.sleep(10)
    await subject.renewal.follow(Plan(subject.wanted, 7.0, 30.0))
    assert subject.replaced == []
    install(subject.file.parent, "2.0.0")
    await trio.sleep(20)
    assert subject.replaced == [10]  # its first look was at once
    install(subject.file.parent, "3.0.0")
    await trio.sleep(20)
    assert subject.replaced == [10, 31]


async def test_other_options_replace_the_instances_without_a_trial(
    subject: Subject, autojump_clock: MockClock
) -> None:
    await subject.renewal.follow(Plan(attrs.evolve(subject.wanted, model="opus"), math.inf, 30.0))
    assert subject.launcher.times == []
    assert subject.replaced == [0]
    assert subject.launcher.source.launch.argv[-1] == "opus"


async def test_the_stand_in_comes_and_goes_at_once(subject: Subject, autojump_clock: MockClock) -> None:
    for demo in (True, False):
        await subject.renewal.follow(Plan(attrs.evolve(subject.wanted, demo=demo), math.inf, 30.0))
        assert subject.launcher.source.cli.demo == demo
    assert (subject.replaced, subject.at_once) == ([], [0, 0])


async def test_another_path_that_does_not_work_changes_nothing(
    subject: Subject, autojump_clock: MockClock, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    before = subject.launcher.source
    missing = attrs.evolve(subject.wanted, cli_path=str(tmp_path / "other" / "claude"))
    with pytest.raises(CliUnusable, match="No such file"):
        await subject.renewal.follow(Plan(missing, 60.0, 30.0))
    install(tmp_path / "other", "broken")
    with pytest.raises(CliUnusable, match="it does not work"):
        await subject.renewal.follow(Plan(missing, 60.0, 30.0))
    assert (subject.launcher.source, subject.replaced) == (before, [])
    install(tmp_path / "other", "2.0.0")
    await subject.renewal.follow(Plan(missing, 60.0, 30.0))
    assert subject.launcher.source.cli.path == tmp_path / "other" / "claude"
    assert subject.replaced == [0]


async def test_the_same_plan_goes_on_when_the_binary_is_broken(
    subject: Subject, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    install(subject.file.parent, "broken")
    await subject.renewal.follow(Plan(subject.wanted, 7.0, 30.0))
    assert subject.replaced == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_what_leaves_the_body_comes_out_as_it_is(subject: Subject) -> None:
    plan = Plan(subject.wanted, 60.0, 30.0)
    with pytest.raises(KeyError):
        async with open_renewal(subject.launcher, plan, lambda *, one_by_one: None):
            raise KeyError


def test_a_footprint_tells_files_apart(tmp_path: Path) -> None:
    assert look_at(tmp_path / "nothing") is None
    file = install(tmp_path, "one")
    first = look_at(file)
    assert first == look_at(file)
    install(tmp_path, "one")
    assert look_at(file) != first
    link, other = tmp_path / "link", tmp_path / "other"
    other.write_text("one")
    link.symlink_to(file)
    before = look_at(link)
    link.unlink()
    link.symlink_to(other)
    assert before != look_at(link) == look_at(other)
    other.write_text("one more")
    assert look_at(link) != before
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert look_at(tmp_path / "loop") is None


async def test_a_trial_says_what_is_wrong(tmp_path: Path) -> None:
    cli = cli_that_says(tmp_path, b"same", b"same")
    wanted = Wanted(str(cli.path), "auto", False, "sonnet", Timeouts(), ENVIRON)
    launcher = Launcher(wanted.find())
    assert (await launcher.try_out(wanted.find(), 30.0)).version == cli.version
    with pytest.raises(CliUnusable, match=r"does not work: did not get ready within 1e-06 s$"):
        await launcher.try_out(wanted.find(), 1e-6)
    whole = cli.path.read_bytes()
    for broken, said in (
        (whole[: len(whole) // 2], r"does not work: the claude process (exited|closed)"),
        (b"", r"does not work: the claude process exited"),
        (whole.replace(b"b'same', b'same'", b"b'num_turns\":0', b'num_turns\":1'"), "does not work: "),
    ):
        cli.path.write_bytes(broken)
        with pytest.raises(CliUnusable, match=said):
            await launcher.try_out(wanted.find(), 30.0)
    cli.path.write_bytes(whole)
    source = wanted.find()
    install(tmp_path, "another")
    with pytest.raises(CliUnusable, match=r"does not work|is being replaced"):
        await launcher.try_out(source, 30.0)
    assert launcher.trial is None
