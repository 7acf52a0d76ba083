"""Muon: momentum, orthogonalised, for the matrices of hidden layers.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". Each matrix moves by the
nearest semi-orthogonal matrix to its momentum, so that every direction of the layer learns at one speed.
A decoder of two inputs has few large gradient directions and many small ones that carry the detail:
here that is worth more than any change of the network (the README has the figures).

`torch.optim.Muon` exists from torch 2.9 on, and orthogonalises in bfloat16, which most CPUs emulate.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # the quintic's coefficients, from the same source
STEPS = 5


def orthogonalize(matrix: Tensor) -> Tensor:
    """Roughly U V^T for matrix = U S V^T: singular values end between about 0.7 and 1.2, (m, n) -> (m, n)."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; decoupled weight decay. For two-dimensional parameters only."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            lr, beta = group["lr"], group["momentum"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                momentum = state.setdefault("momentum_buffer", torch.zeros_like(p))
                momentum.lerp_(p.grad, 1 - beta)
                update = orthogonalize(p.grad.lerp(momentum, beta))
                p.mul_(1 - lr * group["weight_decay"])
                p.add_(update, alpha=-lr * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)
