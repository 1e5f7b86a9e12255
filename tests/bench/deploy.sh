#!/usr/bin/env bash
# The runbook's eight steps, one after the other, as a team would write them down: what `inv deploy` is measured
# against. Run in the project's directory: bash deploy.sh v1.2.3
set -euo pipefail
branch=$1
backup=backups/pre-deployment-$(date -u +%Y%m%d_%H%M%S)
docker buildx version > /dev/null 2>&1 || export DOCKER_BUILDKIT=0

log() { echo "[INFO] $*"; }

wait_healthy() {
  local service=$1 waited=0 id
  id=$(docker compose ps -q "$service" | head -n 1)
  until [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = healthy ]; do
    [ "$waited" -lt 300 ] || { echo "[ERROR] Service $service failed health check after 300s"; exit 1; }
    sleep 5
    waited=$((waited + 5))
  done
}

update() {
  docker compose up -d --no-deps "$1"
  wait_healthy "$1"
  log "Service $1 updated successfully"
}

echo "=== Step 0: Pre-deployment backup ==="
mkdir -p "$backup"
docker compose exec -T postgres pg_dump -U schedgen schedgen | gzip > "$backup/database.sql.gz"
docker compose cp minio:/data - | gzip > "$backup/objects.tar.gz"
gzip -t "$backup/database.sql.gz"
gzip -t "$backup/objects.tar.gz"

echo "=== Step 1: Pulling latest code ==="
git fetch --quiet --tags origin
git checkout --quiet "$branch"

echo "=== Step 2: Building containers ==="
docker compose build

echo "=== Step 3: Running database migrations ==="
docker compose run --rm backend npm run migration:run

echo "=== Step 4: Rolling update - Infrastructure services ==="
for service in redis minio; do update "$service"; done

echo "=== Step 5: Rolling update - Application services ==="
for service in pdf-worker backend frontend; do update "$service"; done

echo "=== Step 6: Rolling update - Monitoring services ==="
for service in prometheus grafana; do update "$service"; done

echo "=== Step 7: Post-deployment verification ==="
for service in redis minio pdf-worker backend frontend prometheus grafana; do wait_healthy "$service"; done
for path in 3001/health 3001/health/db 3001/metrics 3000/; do
  curl --fail --silent --output /dev/null "http://localhost:$path"
done

echo "=== Step 8: Cleaning up old images ==="
docker image prune --force
echo "=== Deployment Complete ==="
