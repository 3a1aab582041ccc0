"""What only training needs."""

from __future__ import annotations

from typing import Any

from lab.errors import BadInput


def torch_module() -> Any:
    """torch, an extra of training. Raises BadInput that says how to install it."""
    try:
        import torch
    except ModuleNotFoundError:
        raise BadInput("training needs torch: requirements/install.sh train") from None
    return torch
