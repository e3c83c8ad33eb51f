#!/usr/bin/env python3
"""Writes tests/data/safetensors with the real library: run it with the Python of scripts/make-oracle-venv.

all_dtypes.safetensors   a tensor of every dtype that PyTorch has, values 0, 1, 2 … (bool: alternating), with metadata
network.safetensors      the state dict of a small network, seed 0
shapes.safetensors       no dims, empty ones, many dims
nothing.safetensors      no tensors
sharded/                 a model in two files with its index

With a FILE as argument it reads that file instead and prints what is in it: the other direction.
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "safetensors"
DTYPES = ("bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 "
          "float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz").split()


def counting(dtype):
    dtype = getattr(torch, dtype)
    if dtype == torch.bool:
        return torch.arange(6).remainder(2).bool().reshape(2, 3)
    if dtype == torch.complex64:
        return torch.complex(torch.arange(6.0), -torch.arange(6.0)).reshape(2, 3)
    return torch.arange(6.0).to(dtype).reshape(2, 3)


def write():
    (DATA / "sharded").mkdir(parents=True, exist_ok=True)
    save_file({name: counting(name) for name in DTYPES}, DATA / "all_dtypes.safetensors",
              {"made_by": "safetensors \"quoted\"\n\tüñí"})

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(),
                                  torch.nn.Linear(8, 3))
    save_file(network.state_dict(), DATA / "network.safetensors")
    save_file({"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "empty_last": torch.zeros(4, 0),
               "deep": torch.arange(2.0).reshape([1] * 9 + [2])}, DATA / "shapes.safetensors")
    save_file({}, DATA / "nothing.safetensors")

    shards = {"model-00001-of-00002.safetensors": {"a.weight": torch.ones(2, 2), "a.bias": torch.zeros(2)},
              "model-00002-of-00002.safetensors": {"b.weight": torch.full((3,), 7.0)}}
    for name, tensors in shards.items():
        save_file(tensors, DATA / "sharded" / name, {"format": "pt"})
    index = {"metadata": {"total_size": 36, "nested": [{"deep": None}]},
             "weight_map": {key: name for name, tensors in shards.items() for key in tensors}}
    (DATA / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def show(path):
    with safe_open(path, framework="pt") as file:
        print("metadata", dict(sorted((file.metadata() or {}).items())))
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            print(name, tensor.dtype, list(tensor.shape), tensor.flatten().tolist())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        show(sys.argv[1])
    else:
        write()
