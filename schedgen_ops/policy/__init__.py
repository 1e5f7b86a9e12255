"""What an environment asks of a deploy before it begins: the time, the branch, the order, the consent."""
