"""Findings in the file of an epoch: fields in its metadata, evidence as encoded pictures."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_saliency.probes.image_headers import read_header
from keras_saliency.records import Alert
from keras_saliency.rendering import decode_picture, encode_picture

_MOST_PIXELS = 2**26  # of a picture that is decoded


def evidence_arrays(findings: Sequence[Alert]) -> dict[str, np.ndarray]:
    """Returns the evidence of findings as arrays by name, each an encoded picture in uint8."""
    return {
        _name(number): np.frombuffer(encode_picture(finding.evidence), np.uint8)
        for number, finding in enumerate(findings)
        if finding.evidence is not None
    }


def read_findings(metadata: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> list[Alert]:
    """Reads the findings of an epoch; those of older versions have no evidence.

    Raises:
        ValueError: if the metadata hold anything else.
    """
    findings = [Alert.from_dict(entries) for entries in metadata.get("findings", [])]
    return [
        dataclasses.replace(finding, evidence=_read_picture(arrays, number))
        for number, finding in enumerate(findings)
    ]


def _read_picture(arrays: Mapping[str, np.ndarray], number: int) -> np.ndarray | None:
    with contextlib.suppress(ValueError):
        content = arrays.get(_name(number))
        if content is not None and content.dtype == np.uint8 and content.ndim == 1:
            header = read_header(content.tobytes())
            if header and header.height * header.width <= _MOST_PIXELS:
                return decode_picture(content.tobytes())
    return None


def _name(number: int) -> str:
    return f"evidence_{number}"
