-- Ends the session :pid of this database, and no other one of the server.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid AND datname = current_database();
