"""Writes a small data set in Fashion-MNIST's form: make_fashion_data.py FOLDER TRAIN TEST [--gzip].

Each class is a fixed pattern with noise, so that a network learns it in a few steps. Not Fashion-MNIST.
"""

import gzip
import os
import random
import struct
import sys


def write(path, magic, shape, data, compress):
    content = struct.pack(">I", magic) + struct.pack(f">{len(shape)}I", *shape) + bytes(data)
    with (gzip.open(path + ".gz", "wb") if compress else open(path, "wb")) as file:
        file.write(content)


def main():
    folder, train, test = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    compress = "--gzip" in sys.argv
    os.makedirs(folder, exist_ok=True)
    generator = random.Random(7)
    patterns = [[generator.choice((0, 200)) for _ in range(49)] for _ in range(10)]
    for stem, count in (("train", train), ("t10k", test)):
        labels = [generator.randrange(10) for _ in range(count)]
        pixels = bytearray()
        for label in labels:
            noise = generator.randbytes(784)
            pattern = patterns[label]
            pixels += bytes(pattern[(i // 112) * 7 + (i % 28) // 4] + noise[i] % 56 for i in range(784))
        write(f"{folder}/{stem}-images-idx3-ubyte", 0x803, (count, 28, 28), pixels, compress)
        write(f"{folder}/{stem}-labels-idx1-ubyte", 0x801, (count,), labels, compress)


main()
