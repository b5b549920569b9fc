"""The command line: encrypts and decrypts files, with a progress bar."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import tink
from azure.core.exceptions import AzureError

from .. import _extras
from .._key_cipher import CipherRegistry
from ._aead import AzureKmsAead
from ._client import key_id_of
from ._streams import decrypt_stream, encrypt_stream

_SUFFIX = ".tink"
_PROGRAM = "python -m azure.keyvault.keys.tink"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param arguments: the arguments; by default, those of the process.
    :returns: the exit status: 0 when it is done, 1 when it failed, 2 for a mistake in the arguments.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        target = _target_of(given)
    except ValueError as error:
        parser.error(str(error))
    try:
        count = _run(given, target)
    except (AzureError, ImportError, OSError, ValueError, tink.TinkError) as error:
        print(f"{_PROGRAM}: {_first_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not given.quiet:
        print(f"{given.work}ed {count} bytes into {target or 'standard output'}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Encrypt or decrypt a file with a data key that a key of Azure Key Vault encrypts. The credential "
        "is azure-identity's DefaultAzureCredential.",
    )
    works = parser.add_subparsers(dest="work", required=True, metavar="encrypt|decrypt")
    for work, output in (("encrypt", f"FILE{_SUFFIX}"), ("decrypt", f"FILE without {_SUFFIX}")):
        one = works.add_parser(work, help=f"{work} a file", description=f"{work.capitalize()} a file.")
        one.add_argument("file", metavar="FILE", help="the file to read; - for standard input")
        one.add_argument(
            "--key",
            metavar="ID",
            required=True,
            help="the key: https://HOST/keys/NAME, with /VERSION or without; azure-kms:// may precede it. Data is "
            "decrypted with the version that encrypted it",
        )
        one.add_argument("--output", "-o", metavar="PATH", help=f"where to write; - for standard output; else {output}")
        one.add_argument(
            "--associated-data",
            metavar="TEXT",
            default="",
            help="text to authenticate along with the file, in UTF-8; the same to encrypt and to decrypt",
        )
        one.add_argument("--force", "-f", action="store_true", help="replace a file that exists")
        one.add_argument("--quiet", "-q", action="store_true", help="show no progress")
    return parser


def _target_of(given: argparse.Namespace) -> Path | None:
    """Return where to write; None for standard output.

    :raises ValueError: when no argument says so.
    """
    if given.output == "-" or (given.output is None and given.file == "-"):
        return None
    if given.output is not None:
        return Path(given.output)
    if given.work == "encrypt":
        return Path(given.file + _SUFFIX)
    if not given.file.endswith(_SUFFIX) or Path(given.file).name == _SUFFIX:
        raise ValueError(f"{given.file} does not end in {_SUFFIX}: say where to write with --output")
    return Path(given.file.removesuffix(_SUFFIX))


def _run(given: argparse.Namespace, target: Path | None) -> int:
    work = encrypt_stream if given.work == "encrypt" else decrypt_stream
    _check_free(target, given)
    with ExitStack() as stack:
        key = stack.enter_context(_key(given.key))
        source: BinaryIO = sys.stdin.buffer if given.file == "-" else stack.enter_context(open(given.file, "rb"))
        size = os.fstat(source.fileno()).st_size if given.file != "-" else None
        output = stack.enter_context(nullcontext(sys.stdout.buffer) if target is None else _whole_file(target, given))
        progress = stack.enter_context(_progress_bar(f"{given.work}ing {given.file}", size, given.quiet))
        count = work(source, output, key, associated_data=given.associated_data.encode(), progress=progress)
        output.flush()
    return count


def _check_free(target: Path | None, given: argparse.Namespace) -> None:
    if target is not None and not given.force and target.exists():
        raise FileExistsError(f"{target} exists; --force replaces it")


@contextmanager
def _key(identifier: str) -> Iterator[AzureKmsAead]:
    if _extras.absent("azure.identity"):
        raise ImportError("the command line needs azure-identity, which is not installed: pip install azure-identity")
    from azure.identity import DefaultAzureCredential

    with DefaultAzureCredential() as credential:
        registry = CipherRegistry(credential, None, {})
        try:
            yield AzureKmsAead._with(
                registry.of(key_id_of(identifier) if identifier.startswith("azure-kms:") else identifier)
            )
        finally:
            registry.close()


@contextmanager
def _whole_file(target: Path, given: argparse.Namespace) -> Iterator[BinaryIO]:
    """Yield a file that gets its name once it is complete, with the permissions of the file that is read."""
    descriptor, path = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "wb") as file:
            yield file
        if given.file != "-":
            shutil.copymode(given.file, path)
        _check_free(target, given)
        os.replace(path, target)
    finally:
        if os.path.exists(path):
            os.unlink(path)


def _progress_bar(
    description: str, size: int | None, quiet: bool
) -> AbstractContextManager[Callable[[int], None] | None]:
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    _extras.require("tink", "rich", what="the progress bar")
    return _rich_bar(description, size)


@contextmanager
def _rich_bar(description: str, size: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(True)]
    columns += [TransferSpeedColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=size)
        yield lambda count: progress.update(task, completed=count)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
