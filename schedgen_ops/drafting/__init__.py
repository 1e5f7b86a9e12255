"""A config drafted from what a host has: looked at (`look`), decided (`draft`), written (`text`)."""
