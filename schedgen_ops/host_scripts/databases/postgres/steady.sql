-- Nothing may end this session early, and nothing waits for a lock for ever.
\set ON_ERROR_STOP on
SET idle_in_transaction_session_timeout = 0;
SET statement_timeout = 0;
SET lock_timeout = '60s';
SET row_security = off;
SET client_encoding = 'UTF8';
