#!/usr/bin/env python3
"""Writes tests/data/images with Pillow (pip install pillow): small images in the kinds that PNG and JPEG come in, and
their grey values as Pillow has them, and a smaller version of these by exact area averages, as text.

Pixel (x, y) of the colour picture is (40 x + 5, 60 y + 10, 255 - 30 x), 6 × 4 pixels.
"""

import pathlib
from fractions import Fraction

from PIL import Image

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "images"


def area_average(image, width, height):
    """Each new pixel is the average of the area that it covers, in exact fractions."""

    def coverage(before, after, i):
        begin, end = Fraction(i * before, after), Fraction((i + 1) * before, after)
        return [(j, min(end, j + 1) - max(begin, j)) for j in range(before) if min(end, j + 1) > max(begin, j)]

    out = Image.new("L", (width, height))
    for y in range(height):
        for x in range(width):
            parts = [(image.getpixel((i, j)), v * w) for j, v in coverage(image.height, height, y)
                     for i, w in coverage(image.width, width, x)]
            out.putpixel((x, y), round(sum(p * w for p, w in parts) / sum(w for _, w in parts)))
    return out


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    colour = Image.new("RGB", (6, 4))
    colour.putdata([(40 * x + 5, 60 * y + 10, 255 - 30 * x) for y in range(4) for x in range(6)])
    grey = colour.convert("L")
    alpha = colour.copy()
    alpha.putalpha(Image.frombytes("L", (6, 4), bytes(10 * i for i in range(24))))

    colour.save(DATA / "rgb.png")
    grey.save(DATA / "grey.png")
    alpha.save(DATA / "rgba.png")
    alpha.convert("LA").save(DATA / "grey_alpha.png")
    colour.quantize(8).save(DATA / "palette.png")
    Image.frombytes("I;16", (6, 4), b"".join((257 * v).to_bytes(2, "little") for v in grey.tobytes())).save(
        DATA / "grey16.png")
    large = colour.resize((24, 16), Image.Resampling.NEAREST)
    large.save(DATA / "rgb.jpg", quality=95, subsampling=0)
    large.save(DATA / "progressive.jpg", quality=95, subsampling=0, progressive=True)
    large.convert("L").save(DATA / "grey.jpg", quality=95)
    large.save(DATA / "rgb.gif")

    # Columns: name, width, height, pixels.
    smaller = area_average(grey, 4, 3)
    with open(DATA / "expected.csv", "w") as file:
        file.write("name,width,height,pixels\n")
        for name, image in (("grey", grey), ("smaller", smaller)):
            file.write(f"{name},{image.width},{image.height},{' '.join(map(str, image.tobytes()))}\n")


if __name__ == "__main__":
    main()
