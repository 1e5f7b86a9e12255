-- Drops the logical replication slots of :'before'. Whoever reads one is sent away first; nobody can come back to
-- the database by the name that it knew.
SELECT 'ended ' || slot_name FROM pg_replication_slots s, LATERAL pg_drop_replication_slot(slot_name)
 WHERE database = :'before' AND NOT active;
SELECT 'active' FROM pg_replication_slots, LATERAL pg_terminate_backend(active_pid)
 WHERE database = :'before' AND active;
