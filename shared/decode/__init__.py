"""Bytes in, bytes out: compression by magic number, then charset to UTF-8.

Rule: a decoder is fed chunks of any size and gives chunks of at most
`OUTPUT_CHUNK` bytes, so memory stays flat whatever the ratio. It raises
DecodeError with the offset where the bytes go no further, and nothing else.
Invariant: what was given before an error stands; the error says where the rest
begins. Chunking of the input never changes the joined output.
"""

from __future__ import annotations
