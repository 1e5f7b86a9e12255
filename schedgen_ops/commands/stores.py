"""Servers that hold data, known by what their images are called. Pure."""

from __future__ import annotations

from schedgen_ops.commands.image_names import repository_of

# Servers of PostgreSQL, with and without extensions.
POSTGRES = frozenset(("postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"))
# Who asks one of them has to ask the same one: two side by side are two different stores, if only in memory.
# Most declare a volume; what is made of them need not.
_NAMES = """
    mysql mysql-server mariadb percona mongo mongodb cockroach clickhouse
    clickhouse-server cassandra scylla neo4j couchdb influxdb prometheus victoria-metrics loki
    elasticsearch opensearch solr meilisearch typesense qdrant weaviate minio seaweedfs etcd consul
    vault zookeeper redis redis-stack redis-stack-server valkey keydb dragonfly memcached rabbitmq
    nats kafka redpanda mosquitto eclipse-mosquitto activemq beanstalkd registry
"""
_STORES = frozenset(_NAMES.split()) | POSTGRES


def holds(image: str) -> str:
    """Return what an image is called, where that is a server that holds data; "" for any other."""
    name = repository_of(image).rpartition("/")[2]
    return name if name in _STORES else ""
