"""`lab corpus`: recordings a scenario may play: what there is, where it comes from, whether it is whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lab.corpora.audio import cache_root, corpus_root
from lab.corpora.catalogue import Corpus, Recording, load_corpus, shelf
from lab.corpora.fetch import fetch
from lab.corpora.split import Split
from lab.corpora.verify import verify
from lab.errors import BadInput, LabFailure

LOG_WIDTH = 150  # a folded table helps nobody in a log
NAMED = 12  # problems told one by one; the rest is counted

app = typer.Typer(no_args_is_help=True, help="Recordings: fetch, list, verify.")
Name = Annotated[str, typer.Argument(help="A corpus of scenarios/corpora, or the path of a corpus file.")]


@app.command("fetch")
def fetch_corpus(
    name: Name = "household",
    source: Annotated[
        Path | None, typer.Option("--from", help="Folder with the recordings; their public source if none.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Folder to fill; the user cache if none.")] = None,
) -> None:
    """Fill a folder with the recordings of a corpus; what is there and right is left alone."""
    corpus = load_corpus(name)
    root = to or cache_root(corpus)
    with _progress() as progress:
        task = progress.add_task(f"fetch {corpus.id}", total=len(corpus.by_path))
        done = fetch(corpus, root, source, lambda: progress.advance(task))
    Console().print(
        f"{corpus.id}: {len(done.new)} new, {len(done.kept)} already there, in {root}", soft_wrap=True
    )
    if done.failed:
        told = _told(f"{path}: {why}" for path, why in done.failed.items())
        message = f"{len(done.failed)} of {len(corpus.by_path)} recordings could not be fetched:\n{told}"
        if source is not None:
            raise BadInput(message)
        raise LabFailure(f"{message}\nrun it again to go on, or take them from a folder with --from DIR")


@app.command("list")
def list_corpora(
    name: Annotated[
        str | None, typer.Argument(help="One corpus in detail; all on the shelf if none.")
    ] = None,
    credits: Annotated[
        bool, typer.Option("--credits", help="Title, author and licence of every recording.")
    ] = False,
) -> None:
    """List corpora, or the classes, splits and licences of one."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, LOG_WIDTH))
    if name is None:
        console.print(_shelf_table(load_corpus(known) for known in shelf()))
        return
    corpus = load_corpus(name)
    console.print(_credits(corpus) if credits else _class_table(corpus))
    for path, why in corpus.excluded.items():
        console.print(f"[dim]never played: {path}: {why}[/]", soft_wrap=True)


@app.command("verify")
def verify_corpus(
    name: Name = "household",
    folder: Annotated[
        Path | None,
        typer.Option("--corpus", help="Folder to check; EARSHOT_CORPUS or the user cache if none."),
    ] = None,
) -> None:
    """Check every recording against its sha256; missing and corrupt files are named."""
    corpus = load_corpus(name)
    root = corpus_root(corpus, folder)
    with _progress() as progress:
        task = progress.add_task(f"verify {corpus.id}", total=len(corpus.by_path))
        found = verify(corpus, root, lambda: progress.advance(task))
    if not found.whole:
        problems = [f"missing: {path}" for path in found.missing] + [
            f"corrupt: {path}" for path in found.corrupt
        ]
        raise BadInput(
            f"{corpus.id} in {root}: {len(found.fine)} fine, {len(found.missing)} missing, "
            f"{len(found.corrupt)} corrupt\n" + "\n".join(problems)
        )
    Console().print(f"{corpus.id} in {root}: all {len(found.fine)} recordings are as listed", soft_wrap=True)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _told(problems: Iterable[str]) -> str:
    lines = list(problems)
    more = [f"and {len(lines) - NAMED} more"] if len(lines) > NAMED else []
    return "\n".join(lines[:NAMED] + more)


def _shelf_table(corpora: Iterable[Corpus]) -> Table:
    table = Table("id", "title", "recordings", "originals", "minutes", box=None, pad_edge=False)
    for corpus in corpora:
        table.add_row(corpus.id, corpus.title, *_amount(corpus.by_path.values()))
    table.add_row(
        "procedural", "Speech, music, clicks and loops made by seed; nothing to fetch", "", "", "endless"
    )
    return table


def _class_table(corpus: Corpus) -> Table:
    table = Table(title=f"{corpus.id}: {corpus.title}", title_justify="left", box=None, pad_edge=False)
    for column in ("class", "split", "recordings", "originals", "minutes", "licences"):
        table.add_column(
            column, justify="right" if column in ("recordings", "originals", "minutes") else "left"
        )
    for name in corpus.classes:
        for split in Split:
            chosen = corpus.recordings(split=split, purpose="trial", classes=[name])
            licences = ", ".join(sorted({r.licence for r in chosen}))
            table.add_row(name if split == Split.TRAIN else "", split, *_amount(chosen), licences)
    return table


def _credits(corpus: Corpus) -> Table:
    table = Table("recording", "title", "author", "licence", box=None, pad_edge=False)
    for r in corpus.by_path.values():
        table.add_row(r.path, r.title, r.author, r.licence)
    return table


def _amount(recordings: Iterable[Recording]) -> tuple[str, str, str]:
    chosen = list(recordings)
    return (
        str(len(chosen)),
        str(len({r.origin for r in chosen})),
        f"{sum(r.seconds for r in chosen) / 60:.1f}",
    )
