# How the files of a backup are packed, read and counted. A checksum is of what is on the disk, read again.

packer() {
  if [ "$1" = zstd ]; then
    zstd -q -1 -T0 -c
  elif command -v pigz > /dev/null; then pigz -1 -c; else gzip -1 -c; fi
}

# unpack FILE [INPUT]: what it holds; INPUT is read in its place, where its name alone tells how it is packed.
unpack() {
  case $1 in
    *.zst) zstd -q -dc ;;
    *.gz) if command -v pigz > /dev/null; then pigz -dc; else gzip -dc; fi ;;
    *) cat ;;
  esac < "${2-$1}"
}

# openssl takes a fifth of the time, where the processor helps it.
digest() { if command -v openssl > /dev/null; then openssl dgst -sha256 -r; else sha256sum; fi; }

# archived FILE: `objects COUNT BYTES` of an archive that is whole. Two blocks of zeros end a tar; without them
# it was cut at a block's edge, which tar itself passes over. Who tells something here tells it in one line of
# one program: they speak at the same time.
archived() {
  local said count total
  said=$({ unpack "$1" | tee >(echo "rest $(tail -c 1024 | tr -d '\0' | wc -c)" >&3) |
    {
      LC_ALL=C tar -t --totals -f - 2>&1 >&4 | sed -n 's/^Total bytes read: \([0-9]*\).*/total \1/p' >&3
    } 4>&1 | sed '/\/$/d' | wc -l >&3; } 3>&1) || return
  grep -qx 'rest 0' <<< "$said" || return
  count=$(sed -n '/^[0-9][0-9]*$/p' <<< "$said")
  total=$(sed -n 's/^total //p' <<< "$said")
  [ -n "$count" ] && echo "objects $count ${total:-0}"
}
