#!/usr/bin/env python3
"""Fails where a folder of rustorch/ includes one below it, or what a backend keeps to itself.

usage: cmake/check_include_direction.py [repository]

Prints one line for each wrong include. The order of the folders is the one in cmake/RusTorchFolders.cmake.
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
# Libraries that no header reachable from rustorch.h may name: users would need them to compile.
PRIVATE_LIBRARIES = ("hwy/", "oneapi/", "dnnl", "nlohmann/", "stb", "zlib.h", "CLI/", "gtest/", "gmock/", "benchmark/")
# Not installed (cmake/RusTorchInstall.cmake).
PRIVATE_FOLDERS = ("rustorch/backends/cpu/", "rustorch/backends/gpu/", "rustorch/compute/simd/", "rustorch/cli/")
REGISTRY = "rustorch/backends/registry.cpp"
UMBRELLA = "rustorch/rustorch.h"


def folder_order(repository):
    text = (repository / "cmake/RusTorchFolders.cmake").read_text()
    names = re.search(r"set\(RUSTORCH_FOLDERS\s+([^)]*)\)", text).group(1).split()
    return {name: rank for rank, name in enumerate([*names, "cli"])}


def includes(path):
    for match in INCLUDE.finditer(path.read_text()):
        line = path.read_text().count("\n", 0, match.start(2)) + 1
        yield line, match.group(1) == '"', match.group(2)


def complaints(repository):
    order = folder_order(repository)
    root = repository / "rustorch"
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".h", ".cpp", ".def")):
        name = path.relative_to(repository).as_posix()
        parts = name.split("/")
        folder = parts[1] if len(parts) > 2 else None
        if folder is not None and folder not in order:
            yield f"{name}: folder '{folder}' is not in cmake/RusTorchFolders.cmake"
            continue
        for line, quoted, target in includes(path):
            wrong = complaint(order, path, name, folder, quoted, target)
            if wrong:
                yield f"{name}:{line}: {wrong}"
    yield from private_includes(repository)


def complaint(order, path, name, folder, quoted, target):
    if quoted and not target.startswith("rustorch/") and (path.parent / target).exists():
        return f'write "{target}" with its whole path, from rustorch/ on'
    if not target.startswith("rustorch/"):
        return None
    if target == UMBRELLA:
        return None if folder in (None, "cli") else "rustorch.h is for users; include the headers you need"
    target_folder = target.split("/")[1]
    if target_folder not in order:
        return f"unknown folder '{target_folder}'"
    if folder is None:
        return None if target_folder != "cli" else "the library does not know its program"
    if order[target_folder] > order[folder]:
        return f"{folder} lies above {target_folder} and may not include {target}"
    for backend, title in (("cpu", "the CPU backend"), ("gpu", "the GPU backend")):
        own = f"rustorch/backends/{backend}/"
        if target.startswith(own) and not name.startswith(own) and name != REGISTRY:
            return f"only {REGISTRY} and {title} itself include {target}"
    return None


def private_includes(repository):
    """Walks all that <rustorch/rustorch.h> includes."""
    pending, seen = [UMBRELLA], set()
    while pending:
        name = pending.pop()
        path = repository / name
        if name in seen or not path.exists():
            continue
        seen.add(name)
        for line, _, target in includes(path):
            if target.startswith(PRIVATE_LIBRARIES) or target.startswith(PRIVATE_FOLDERS):
                yield f"{name}:{line}: {UMBRELLA} includes this header, so it may not include {target}"
            elif target.startswith("rustorch/"):
                pending.append(target)


def main():
    repository = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    found = list(complaints(repository))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
