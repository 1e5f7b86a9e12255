-- What a database says of itself, within the transaction of snapshot.sql: version, size, roles, properties,
-- applied migrations and rows, and `counted` at the end. :'table' lists the migrations; '' for none.
SELECT 'server ' || current_setting('server_version');
SELECT 'size ' || pg_database_size(current_database());
SELECT 'role ' || to_json(rolname::text) FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname;
\ir properties.sql
\ir migrations.sql
\ir rows.sql
SELECT 'counted';
