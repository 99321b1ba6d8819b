"""The web service: a public face for Frame.io, a private one for the team."""
