"""The network that is trained: a causal language model with LoRA, or all of its weights, and the loss of answers under it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from generation.finetuning.encoding import Batch
from generation.models.adapter import quiet_peft

Method = Literal["lora", "full"]
# All linear layers: attention alone stores less (Biderman et al., 2024, arXiv:2405.09673).
_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def trainable(model: Any, method: Method, rank: int, seed: int) -> Any:
    """The model with what is trained marked: LoRA matrices of a rank (Hu et al., 2021, arXiv:2106.09685), or all weights."""
    if method == "full":
        return model.requires_grad_(True)
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)  # LoRA's first matrices are random
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(_TARGETS), task_type="CAUSAL_LM")
    with quiet_peft():
        return get_peft_model(model, config, autocast_adapter_dtype=False)


def plain(network: Any) -> Any:
    """The transformers model itself, LoRA layers in it."""
    return network.get_base_model() if hasattr(network, "peft_config") else network


def answer_loss(network: Any, batch: Batch, vocabulary: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of the learned tokens, in nats.

    The output layer is as large as all other layers together, so it runs at the learned positions alone; in training also for a
    part of the vocabulary alone, which holds the targets and a sample of the rest (sampled softmax: Jean et al., 2015,
    arXiv:1412.2007, section 3, the sample here being the same throughout).

    Args:
        network: from `trainable`.
        batch: what to compute it for.
        vocabulary: token ids in order, those of the targets among them; None takes all.
    """
    model = plain(network)
    device = model.device
    hidden = model.get_decoder()(input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device)).last_hidden_state
    learned = hidden[batch.rows.to(device), batch.columns.to(device)]
    weight, targets = model.get_output_embeddings().weight, batch.targets.to(device)
    if vocabulary is not None:
        vocabulary = vocabulary.to(device)
        weight, targets = weight[vocabulary], torch.searchsorted(vocabulary, targets)
    return cross_entropy(linear(learned, weight).float(), targets)


def sampled_vocabulary(used: Iterable[int], size: int, extra: int, seed: int) -> Tensor:
    """The token ids that examples use, and others drawn from a vocabulary of `size`; in order."""
    known = set(used)
    drawn = torch.randperm(size, generator=torch.Generator().manual_seed(seed))[:extra].tolist()
    return torch.tensor(sorted(known | set(drawn)))
