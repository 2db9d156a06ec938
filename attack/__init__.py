"""The server under attack: every tool is called while what stands in Capgo's place lies, stalls and breaks off.

`python -m attack` plays every fault with every tool, then answers that a fuzzer makes out of true and recorded
ones, always by the same seed, and prints what got through.
"""
