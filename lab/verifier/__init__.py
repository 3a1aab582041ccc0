"""The verifier as a service of one's own, and the notifications a device keeps."""
