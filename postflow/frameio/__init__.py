"""Frame.io: payloads, signing, and our client for its V4 API."""
