"""What all pictures of measurements share; matplotlib, which the extra ``bench`` brings, is here."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from .questions import EvalError


def figure(width: float, height: float) -> Any:
    """An empty figure of so many inches. Raises EvalError where matplotlib is missing."""
    return _part("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def ticker() -> Any:
    """matplotlib.ticker. Raises EvalError where matplotlib is missing."""
    return _part("matplotlib.ticker")


def box(ends: Any) -> Any:
    """A matplotlib.transforms.Bbox of two corners. Raises EvalError where matplotlib is missing."""
    return _part("matplotlib.transforms").Bbox(ends)


def colors() -> Any:
    """Ten colours that are told apart. Raises EvalError where matplotlib is missing."""
    return _part("matplotlib").color_sequences["tab10"]


def plain(axes: Any, grid: str = "both") -> None:
    """A light grid behind, no frame at top and right."""
    axes.grid(axis=grid, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def save(drawn: Any, path: Path) -> None:
    """Write a figure; the same figures give the same file, whose kind is by the suffix.

    Raises EvalError where ``path`` cannot be written.
    """
    try:
        with _part("matplotlib").rc_context({"svg.hashsalt": "releaseqa"}):
            drawn.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None)
    except (OSError, ValueError) as exc:
        raise EvalError(f"{path}: cannot be drawn ({exc}); name a .svg or .png file elsewhere") from exc


def _part(name: str) -> Any:
    try:
        importlib.import_module("matplotlib")
        return importlib.import_module(name)
    except ImportError as exc:
        raise EvalError("matplotlib is not installed; pip install 'releaseqa[bench]'") from exc
