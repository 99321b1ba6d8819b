"""PostFlow: durable review workflows for Frame.io."""
