"""The simulated Frame.io: a product part for demos and tests, an app of its own."""
