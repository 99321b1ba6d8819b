"""How the judgement of comments is learnt and measured."""
