"""How one review comment is read: text, tokens, cues, rules, model. Nothing here does I/O."""
