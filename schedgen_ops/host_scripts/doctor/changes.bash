# The newest commits of the work tree and the files that each touched: `commit HASH TITLE`, then a line a file.
#: most how many
git --no-optional-locks log --max-count="$most" --no-merges --name-only --format='commit %H %s'
