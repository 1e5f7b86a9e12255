-- An expression: the database in row d is a restore's. :'stem' and the stamp make its name, and the first line of
-- its comment is the mark. What follows in the comment is the owner's own.
(d.datname = :'stem' || right(d.datname, 15) AND right(d.datname, 15) ~ '^\d{8}_\d{6}$'
  AND split_part(shobj_description(d.oid, 'pg_database'), E'\n', 1) =
      'schedgen restore of "' || :'name' || '" ' || right(d.datname, 15))
