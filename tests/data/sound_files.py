"""Recordings that tests write, and folders of them."""

import numpy as np
import soundfile


def tone(samples=800, hz=440.0, rate=8000, peak=0.5):
    return (peak * np.sin(2 * np.pi * hz * np.arange(samples) / rate)).astype(np.float32)


def write(path, samples=None, rate=8000, **options):
    """Write a recording (a tone by default) and give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone() if samples is None else samples, rate, **options)
    return path


def class_folder(folder, classes=("high", "low"), each=4, samples=800):
    """A folder with a folder a class."""
    for number, label in enumerate(classes):
        for i in range(each):
            write(folder / label / f"{i}.wav", tone(samples, 300.0 * (1 + 3 * number) + 10 * i))
    return folder


def manifest(folder, lines, header="path,label"):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "manifest.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file
