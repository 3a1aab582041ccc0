"""The second-screen watermark: key, embedder, self-correlation detector."""
