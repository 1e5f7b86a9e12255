"""Servers that hold data, known by what their images are called. Pure."""

from __future__ import annotations

from schedgen_ops.commands.image_names import repository_of

# Servers of PostgreSQL, with and without extensions.
_POSTGRES = """
    postgres postgresql postgis pgvector timescaledb timescaledb-ha citus paradedb pgvecto-rs vchord-postgres
"""
POSTGRES = frozenset(_POSTGRES.split())
# Who asks one of them has to ask the same one: two side by side are two different stores, if only in memory.
# Most declare a volume; what is made of them need not.
_NAMES = """
    mysql mysql-server mariadb percona mongo mongodb cockroach clickhouse
    clickhouse-server cassandra scylla neo4j couchdb influxdb prometheus victoria-metrics loki
    elasticsearch opensearch solr meilisearch typesense qdrant weaviate minio seaweedfs etcd consul
    vault zookeeper redis redis-stack redis-stack-server valkey keydb dragonfly memcached rabbitmq
    nats kafka redpanda mosquitto eclipse-mosquitto activemq beanstalkd registry
    cp-kafka cp-server cp-zookeeper kafka-native pulsar emqx vernemq hivemq4 hivemq-ce activemq-classic
    activemq-artemis mariadb-galera postgresql-repmgr redis-cluster redis-sentinel oracle-xe oracle-free
    arangodb rethinkdb surrealdb questdb immudb tidb yugabyte dgraph milvus chroma manticore zincsearch
    openldap garage tempo mimir mssql/server
"""
_STORES = frozenset(_NAMES.split()) | POSTGRES


def holds(image: str) -> str:
    """Return what an image is called, where that is a server that holds data; "" for any other."""
    parts = repository_of(image).split("/")
    # Some are told by no word of their own.
    return next((name for name in (parts[-1], "/".join(parts[-2:])) if name in _STORES), "")
