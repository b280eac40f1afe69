"""The features of librosa for one waveform, and the same by ours: name -> `(time, ...)`."""

import jax.numpy as jnp
import numpy as np

from antiphon import audio

N, HOP, MELS, PITCH = 256, 80, 40, 512


def of_librosa(wave, rate):
    import librosa

    magnitude = np.abs(librosa.stft(wave, n_fft=N, hop_length=HOP))
    power = magnitude**2
    feature = librosa.feature
    mel = feature.melspectrogram(y=wave, sr=rate, n_fft=N, hop_length=HOP, n_mels=MELS)
    cepstra = feature.mfcc(y=wave, sr=rate, n_mfcc=20, n_fft=N, hop_length=HOP, n_mels=MELS)
    found = {
        "power": power,
        "mel": mel,
        "decibels": librosa.power_to_db(mel),
        "mfcc": cepstra,
        "delta": feature.delta(cepstra),
        "delta2": feature.delta(cepstra, order=2),
        "chroma": feature.chroma_stft(S=power, sr=rate, n_fft=N, tuning=0.0),
        "centroid": feature.spectral_centroid(S=magnitude, sr=rate),
        "bandwidth": feature.spectral_bandwidth(S=magnitude, sr=rate),
        "rolloff": feature.spectral_rolloff(S=magnitude, sr=rate),
        "flatness": feature.spectral_flatness(S=magnitude),
        "contrast": feature.spectral_contrast(S=magnitude, sr=rate, n_bands=4),
        "zero_crossings": feature.zero_crossing_rate(wave, frame_length=N, hop_length=HOP),
        "energy": feature.rms(y=wave, frame_length=N, hop_length=HOP),
        "pitch": librosa.yin(wave, fmin=60, fmax=400, sr=rate, frame_length=PITCH, hop_length=HOP),
    }
    return {name: np.asarray(a, np.float32).T.squeeze() for name, a in found.items()}


def of_ours(wave, rate):
    wave = jnp.asarray(wave)
    power = audio.power_spectrum(wave, n_fft=N, hop_length=HOP)
    magnitude = jnp.sqrt(power)
    mel = audio.mel_spectrum(power, rate, n_mels=MELS)
    decibels = audio.decibels(mel, top_db=80)
    cepstra = audio.mfcc(decibels, 20)
    frames = audio.frame(wave, frame_length=N, hop_length=HOP)
    return {
        "power": power,
        "mel": mel,
        "decibels": decibels,
        "mfcc": cepstra,
        "delta": audio.delta(cepstra),
        "delta2": audio.delta(cepstra, order=2),
        "chroma": audio.chroma(power, rate),
        "centroid": audio.spectral_centroid(magnitude, rate),
        "bandwidth": audio.spectral_bandwidth(magnitude, rate),
        "rolloff": audio.spectral_rolloff(magnitude, rate),
        "flatness": audio.spectral_flatness(power),
        "contrast": audio.spectral_contrast(magnitude, rate, top_db=80),
        "zero_crossings": audio.zero_crossing_rate(
            audio.frame(wave, frame_length=N, hop_length=HOP, edge=True)
        ),
        "energy": audio.energy(frames),
        "pitch": audio.yin(audio.frame(wave, frame_length=PITCH, hop_length=HOP), rate),
    }


def difference(ours, theirs):
    """The largest difference, of the largest value."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() / np.abs(theirs).max()
