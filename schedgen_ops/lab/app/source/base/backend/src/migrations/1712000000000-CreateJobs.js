"use strict";

module.exports = class CreateJobs1712000000000 {
  name = "CreateJobs1712000000000";

  async up(queryRunner) {
    await queryRunner.query(`
      CREATE TABLE jobs (
        id uuid PRIMARY KEY,
        pdf_type text NOT NULL,
        file_name text NOT NULL,
        object_key text NOT NULL,
        status text NOT NULL DEFAULT 'queued'
          CHECK (status IN ('queued', 'processing', 'completed', 'failed')),
        error text,
        attempts integer NOT NULL DEFAULT 0,
        locked_by text,
        locked_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz
      )`);
    await queryRunner.query(`CREATE INDEX jobs_created_at ON jobs (created_at)`);
    await queryRunner.query(`CREATE INDEX jobs_open ON jobs (created_at) WHERE status IN ('queued', 'processing')`);
  }

  async down(queryRunner) {
    await queryRunner.query(`DROP TABLE jobs`);
  }
};
