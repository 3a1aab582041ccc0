"""From rendered trials to weights. What a network learns from is never what it is judged by."""
