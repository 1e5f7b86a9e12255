"""Services replaced one after the other, the next only when the last is healthy."""
