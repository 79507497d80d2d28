"""Writes torch.json: what PyTorch says of every operation, of layers, and of training.

The tests read that file, so that they need no PyTorch. Run `python -m tests.golden.make_golden`
where PyTorch is installed; the same version writes the same file.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.golden.layers import build_layers, build_networks
from tests.golden.operations import build_operations
from tests.golden.training import (
    build_clipping,
    build_losses,
    build_schedules,
    build_trajectories,
)

PATH = Path(__file__).with_name("torch.json")


def encoded(x: Any) -> Any:
    """JSON that every reader takes: an array as its shape and numbers, nan and inf as text."""
    if isinstance(x, dict):
        return {key: encoded(value) for key, value in x.items()}
    if isinstance(x, torch.Tensor):
        x = x.numpy(force=True)  # a gradient that is 0 throughout has no memory
    if isinstance(x, np.ndarray):
        return {"shape": list(x.shape), "numbers": [number(n) for n in x.ravel().tolist()]}
    return [encoded(branch) for branch in x] if isinstance(x, list) else x


def number(x: float) -> float | int | str:
    if not math.isfinite(x):
        return str(x)
    return int(x) if x == int(x) and abs(x) < 1e6 and math.copysign(1, x) > 0 else x


def build() -> dict[str, Any]:
    """Everything that torch.json holds."""
    torch.set_default_dtype(torch.float64)
    try:
        return encoded(
            {
                "operations": build_operations(),
                "losses": build_losses(),
                "trajectories": build_trajectories(),
                "schedules": build_schedules(),
                "clipping": build_clipping(),
                "layers": build_layers(),
                "networks": build_networks(),
            }
        )
    finally:
        torch.set_default_dtype(torch.float32)


def main() -> None:
    """Write the file, a case a line."""
    sections = []
    for name, cases in build().items():
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        sections.append(f'"{name}": [\n{lines}\n]')
    PATH.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
