-- What a server says of a restore: whether it can hold the database, and what follows that.
SELECT jsonb_build_object('version', current_setting('server_version_num')::int,
  'tablespaces', (SELECT jsonb_agg(spcname) FROM pg_tablespace),
  'slots', (SELECT coalesce(jsonb_agg(slot_name ORDER BY slot_name), '[]') FROM pg_replication_slots
             WHERE database IN (:'name', :'before')),
  'subscriptions', (SELECT coalesce(jsonb_agg(subname ORDER BY subname), '[]') FROM pg_subscription
                     WHERE subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = :'name')));
