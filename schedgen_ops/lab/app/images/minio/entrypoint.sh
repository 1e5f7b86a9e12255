#!/bin/sh
# `server DIR`: an S3 server on port 9000 for the buckets (folders) under DIR.
set -eu
if [ "$1" != server ]; then exec "$@"; fi
: "${MINIO_ACCESS_KEY:?is not set}" "${MINIO_SECRET_KEY:?is not set}"
echo "lab/minio: rclone serve s3, a stand-in for MinIO, serving $2 on :9000"
# The keys go by environment: an argument would show in the process list. The inner quotes keep the pair
# together, for the variable is a list of pairs.
RCLONE_AUTH_KEY="\"$MINIO_ACCESS_KEY,$MINIO_SECRET_KEY\""
RCLONE_CONFIG=/tmp/rclone.conf
export RCLONE_AUTH_KEY RCLONE_CONFIG GOMEMLIMIT=64MiB
# Short caches: files written straight into the volume, by a restore for one, show up at once.
exec rclone serve s3 --addr :9000 --vfs-cache-mode off --dir-cache-time 1s --no-modtime "$2"
