"use strict";

module.exports = class CreateEvents1714500000000 {
  name = "CreateEvents1714500000000";

  async up(queryRunner) {
    await queryRunner.query(`
      CREATE TABLE events (
        id bigserial PRIMARY KEY,
        job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        position integer NOT NULL,
        module text NOT NULL,
        activity text NOT NULL,
        day text NOT NULL,
        start_time time NOT NULL,
        end_time time NOT NULL,
        venue text NOT NULL,
        UNIQUE (job_id, position)
      )`);
  }

  async down(queryRunner) {
    await queryRunner.query(`DROP TABLE events`);
  }
};
