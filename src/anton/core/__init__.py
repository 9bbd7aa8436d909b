"""The vocabulary: frozen types and pure functions. No I/O, no asyncio, nothing else of ours."""
