"""The main job in PyTorch: the peer of `rustorch train fashion-mnist`, same network, data, batches and schedule.

usage: main_job_pytorch.py [--epochs N] [--max-steps N] [--threads N] [--seed N] [--data DIR] [--channels-last] [--device D]
Prints one JSON object like the program's. Time per step is counted as the program counts it: batch, forward, backward,
optimizer and schedule, without evaluation.
"""

import argparse
import gzip
import json
import os
import struct
import time

import torch
from torch import nn
from torch.nn import functional


def read_idx(folder, name):
    path = os.path.join(folder, name)
    opener = gzip.open if not os.path.exists(path) else open
    with opener(path + (".gz" if opener is gzip.open else ""), "rb") as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return torch.frombuffer(bytearray(data[4 + 4 * rank :]), dtype=torch.uint8).reshape(shape)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(64)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.dropout = nn.Dropout(0.25)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 2)
        x = functional.max_pool2d(functional.relu(self.bn2(self.conv2(x))), 2)
        return self.fc2(self.dropout(functional.relu(self.fc1(x.flatten(1)))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--max-steps", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="/usr/share/dataset-fashion-mnist")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    images = read_idx(arguments.data, "train-images-idx3-ubyte")
    labels = read_idx(arguments.data, "train-labels-idx1-ubyte").long()
    test_images = read_idx(arguments.data, "t10k-images-idx3-ubyte")
    test_labels = read_idx(arguments.data, "t10k-labels-idx1-ubyte").long()
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format

    def prepare(batch):
        x = batch.float().div_(255).sub_(0.2860).div_(0.3530).unsqueeze(1)
        return x.contiguous(memory_format=layout)

    net = Net().to(arguments.device, memory_format=layout)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    batch_size = 128
    steps = (len(images) + batch_size - 1) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=arguments.epochs * steps)
    step, seen, training_seconds = 0, 0, 0.0
    epoch_seconds = []
    for _ in range(arguments.epochs):
        net.train()
        order = torch.randperm(len(images))
        began = time.perf_counter()
        for start in range(0, len(images), batch_size):
            index = order[start : start + batch_size]
            x, y = prepare(images[index]).to(arguments.device), labels[index].to(arguments.device)
            optimizer.zero_grad()
            loss = functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            loss.item()
            step += 1
            seen += len(index)
            if arguments.max_steps and step >= arguments.max_steps:
                break
        epoch_seconds.append(time.perf_counter() - began)
        training_seconds += epoch_seconds[-1]
        if arguments.max_steps and step >= arguments.max_steps:
            break
    net.eval()
    with torch.no_grad():
        right = sum(
            (net(prepare(test_images[i : i + 500]).to(arguments.device)).argmax(1).cpu() == test_labels[i : i + 500]).sum().item()
            for i in range(0, len(test_images), 500)
        )
    print(json.dumps({
        "peer": f"PyTorch {torch.__version__}" + (" channels_last" if arguments.channels_last else ""),
        "steps": step,
        "test_accuracy": right / len(test_images),
        "images_per_second": seen / training_seconds,
        "epoch_seconds": epoch_seconds,
    }))


if __name__ == "__main__":
    main()
